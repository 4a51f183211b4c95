import { Packr } from 'msgpackr';
import { SluiceError, toSluiceError } from '../../errors.js';
import type { Payload, PointId } from '../../types.js';
import type { Pace } from './pace.js';
import type { Segment } from './segment.js';

/** A block is closed when it has reached this size. */
const BLOCK_BYTES = 1024 * 1024;

/** What a row takes beside its vector and its payload, about. */
export const ROW_BYTES = 16;

/** What a stamp takes: a row number and an op number. */
export const STAMP_BYTES = 12;

const packr = new Packr({ useRecords: false });

/** A block before it is written; `count` entries of a log. */
export interface EncodedBlock {
  data: Uint8Array;
  count: number;
}

/** Rows in columns. `vectors` are row after row. */
export interface RowsBlock {
  ids: PointId[];
  payloads: Payload[];
  insertedAt: Float64Array;
  vectors: Float32Array;
}

/** Stamps in the order in which they were given. */
export interface StampsBlock {
  rows: Uint32Array;
  deletedAt: Float64Array;
}

/** Rows `from`…`to` (exclusive) of a segment in blocks of about 1 MiB. */
export async function* encodeRows(
  segment: Segment,
  from: number,
  to: number,
  pace: Pace,
): AsyncGenerator<EncodedBlock> {
  const rowBytes = segment.slab.dimensions * Float32Array.BYTES_PER_ELEMENT + ROW_BYTES;
  let first = from;
  let bytes = 0;
  let payloads: string[] = [];
  for (let row = from; row < to; row += 1) {
    const payload = JSON.stringify(segment.payloads[row]);
    payloads.push(payload);
    bytes += rowBytes + payload.length;
    if (bytes >= BLOCK_BYTES) {
      yield rowsBlock(segment, first, payloads);
      first = row + 1;
      bytes = 0;
      payloads = [];
    }
    if (pace.isDue()) await pace.rest();
  }
  if (payloads.length > 0) yield rowsBlock(segment, first, payloads);
}

/** Stamps `from`…`to` (exclusive) of a segment in blocks of about 1 MiB. */
export async function* encodeStamps(
  segment: Segment,
  from: number,
  to: number,
  pace: Pace,
): AsyncGenerator<EncodedBlock> {
  const countMax = Math.floor(BLOCK_BYTES / STAMP_BYTES);
  for (let first = from; first < to; first += countMax) {
    const rows = Uint32Array.from(segment.stamps.slice(first, Math.min(to, first + countMax)));
    const deletedAt = Float64Array.from(rows, (row) => segment.deletedAt[row] ?? 0);
    const data = packr.pack({ rows: bytesOf(rows), deletedAt: bytesOf(deletedAt) });
    yield { data, count: rows.length };
    if (pace.isDue()) await pace.rest();
  }
}

/** The inverse of `encodeRows` for one block. Throws `SLUICE_DAMAGED`. */
export function decodeRows(data: Uint8Array, dimensions: number): RowsBlock {
  const { ids, payloads, insertedAt, vectors } = unpack(data);
  if (!Array.isArray(ids) || typeof payloads !== 'string') throw damaged('of rows');
  const block: RowsBlock = {
    ids,
    payloads: parsePayloads(payloads),
    insertedAt: new Float64Array(copyOf(insertedAt, 8)),
    vectors: new Float32Array(copyOf(vectors, 4)),
  };
  const isWhole =
    block.payloads.length === ids.length &&
    block.insertedAt.length === ids.length &&
    block.vectors.length === ids.length * dimensions;
  if (!isWhole) throw damaged('of rows: its columns differ in length');
  return block;
}

/** The inverse of `encodeStamps` for one block. Throws `SLUICE_DAMAGED`. */
export function decodeStamps(data: Uint8Array): StampsBlock {
  const columns = unpack(data);
  const rows = new Uint32Array(copyOf(columns.rows, 4));
  const deletedAt = new Float64Array(copyOf(columns.deletedAt, 8));
  if (rows.length !== deletedAt.length) throw damaged('of stamps: its columns differ in length');
  return { rows, deletedAt };
}

function rowsBlock(segment: Segment, first: number, payloads: readonly string[]): EncodedBlock {
  const { dimensions } = segment.slab;
  const count = payloads.length;
  const vectors = new Float32Array(count * dimensions);
  for (let row = 0; row < count; row += 1) {
    vectors.set(segment.slab.at(first + row), row * dimensions);
  }
  const data = packr.pack({
    ids: segment.ids.slice(first, first + count),
    // Payloads are JSON text: it keeps lone surrogates and keys like `__proto__`.
    payloads: `[${payloads.join(',')}]`,
    insertedAt: bytesOf(Float64Array.from(segment.insertedAt.slice(first, first + count))),
    vectors: bytesOf(vectors),
  });
  return { data, count };
}

function bytesOf(array: Float32Array | Float64Array | Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Memory of its own, because a block's columns are not aligned. */
function copyOf(bytes: unknown, unit: number): ArrayBuffer {
  if (!(bytes instanceof Uint8Array) || bytes.length % unit !== 0) throw damaged('in a column');
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}

function unpack(data: Uint8Array): Record<string, unknown> {
  try {
    const columns: unknown = packr.unpack(data);
    if (typeof columns === 'object' && columns !== null) return columns as Record<string, unknown>;
  } catch (error) {
    throw toSluiceError(error, 'SLUICE_DAMAGED', 'a block cannot be decoded');
  }
  throw damaged('that is no table');
}

function parsePayloads(text: string): Payload[] {
  try {
    return JSON.parse(text) as Payload[];
  } catch (error) {
    throw toSluiceError(error, 'SLUICE_DAMAGED', 'the payloads of a block cannot be parsed');
  }
}

function damaged(where: string): SluiceError {
  return new SluiceError('SLUICE_DAMAGED', `a damaged block ${where}`);
}
