import { SluiceError } from '../../errors.js';
import type { PointId, PointSelector } from '../../types.js';
import {
  type PayloadOperation,
  type PointOperation,
  selectsIds,
  type UpdateVectorsOperation,
} from './operations.js';
import { payloadChange } from './payload.js';
import { EMPTY_PAYLOAD, encodePayload, type PayloadText, parsePayload } from './payload-text.js';
import { RowFilter } from './row-filter.js';
import { LIVE } from './segment.js';
import { packedTexts } from './stored-upsert.js';
import type { Location, Transaction } from './transaction.js';

/** Rows that an operation adds to each index it uses; it can't let the event loop take turns. */
const INDEXED_ROWS_MAX = 4096;

/**
 * Applies one operation through a transaction and returns the number of points it touched. It
 * depends on nothing but the points and the operation, so that a replay does the same; in which
 * segment a point is never matters. When it throws, the caller undoes the transaction.
 * Throws `SLUICE_POINT_NOT_FOUND` when points to change are listed by id and one isn't there.
 */
export function applyOperation(transaction: Transaction, operation: PointOperation): number {
  switch (operation.kind) {
    case 'upsert': {
      const { ids, vectors } = operation;
      return ids.length === 0 ? 0 : transaction.replaceAll(ids, packedTexts(operation), vectors);
    }
    case 'updateVectors':
      return updateVectors(transaction, operation);
    case 'delete': {
      const found = select(transaction, operation.selector, (id) => transaction.find(id));
      for (const location of found) transaction.stamp(location);
      return found.length;
    }
    case 'setPayload':
    case 'overwritePayload':
    case 'deletePayload':
    case 'clearPayload': {
      const change = textChange(operation);
      const found = select(transaction, operation.selector, (id) => existing(transaction, id));
      for (const old of found) {
        const { segment, row } = old;
        transaction.stamp(old);
        const payload = change(segment.payloads.textAt(row));
        transaction.append(idAt(old), payload, segment.slab.at(row));
      }
      return found.length;
    }
    case 'createPayloadIndex':
      transaction.setIndex(operation.key, operation.type);
      return 0;
    case 'deletePayloadIndex':
      transaction.setIndex(operation.key, undefined);
      return 0;
  }
}

/** What an operation makes of a payload's text. */
function textChange(operation: PayloadOperation): (text: PayloadText) => PayloadText {
  if (operation.kind === 'clearPayload') return () => EMPTY_PAYLOAD;
  if (operation.kind === 'overwritePayload') {
    const text = encodePayload(operation.payload);
    return () => text;
  }
  const change = payloadChange(operation);
  return (text) => encodePayload(change(parsePayload(text)));
}

/** Rows of an id that occurs twice replace each other; the point counts once. */
function updateVectors(transaction: Transaction, { ids, vectors }: UpdateVectorsOperation): number {
  const dimensions = vectors.length / ids.length;
  for (const [index, id] of ids.entries()) {
    const old = existing(transaction, id);
    const vector = vectors.subarray(index * dimensions, (index + 1) * dimensions);
    transaction.stamp(old);
    transaction.append(id, old.segment.payloads.textAt(old.row), vector);
  }
  return new Set(ids).size;
}

/**
 * The points of a selector, all found before any is changed; those of a filter in the order of
 * their rows, whether an index has found them or not.
 */
function select(
  transaction: Transaction,
  selector: PointSelector,
  find: (id: PointId) => Location | undefined,
): Location[] {
  if (selectsIds(selector)) {
    return [...new Set(selector)].flatMap((id) => find(id) ?? []);
  }
  const filter = new RowFilter(selector.filter, transaction.schema);
  return transaction.segments.flatMap((segment) => {
    filter.prepareNow(segment, INDEXED_ROWS_MAX);
    const candidates = filter.candidates(segment, segment.rows, segment.stamps.length);
    const rows: number[] = [];
    for (const row of candidates ?? segment.liveRows()) {
      if (segment.deletedAt[row] === LIVE && filter.passes(segment, row)) rows.push(row);
    }
    return rows.sort((a, b) => a - b).map((row) => ({ segment, row }));
  });
}

function existing(transaction: Transaction, id: PointId): Location {
  const location = transaction.find(id);
  if (location !== undefined) return location;
  throw new SluiceError('SLUICE_POINT_NOT_FOUND', `there is no point ${JSON.stringify(id)}`);
}

function idAt({ segment, row }: Location): PointId {
  const id = segment.ids[row];
  if (id !== undefined) return id;
  throw new SluiceError('SLUICE_DAMAGED', `invariant violated: no row ${row}`);
}
