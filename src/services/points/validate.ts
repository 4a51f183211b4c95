import { SluiceError } from '../../errors.js';
import type { ClockTag, Payload, PointId, PointSelector } from '../../types.js';
import { oneOf, shown } from '../option-checks.js';
import { checkFilter } from './check-filter.js';
import { checkId, checkIds } from './check-id.js';
import { checkPayload } from './check-payload.js';
import { writeVector } from './check-vector.js';
import type {
  ClearPayloadOperation,
  CreatePayloadIndexOperation,
  DeleteOperation,
  DeletePayloadIndexOperation,
  DeletePayloadOperation,
  OverwritePayloadOperation,
  SetPayloadOperation,
  UpdateVectorsOperation,
  UpsertOperation,
} from './operations.js';
import { PAYLOAD_INDEX_TYPES } from './operations.js';
import { parseObjectPath, parsePath } from './payload-path.js';
import { packPayloads } from './payload-text.js';
import { storedUpsert } from './stored-upsert.js';

// The builders take what a caller gave, check all of it and copy it, so that nobody can change an
// operation that is on its way. `clockTag` has been checked by `checkUpdateOptions`.

/** Bytes of vectors in one operation, before anything is allocated for them. */
export const VECTORS_SIZE_BYTES_MAX = 2 ** 30;

/**
 * An upsert of `[{ id, vector, payload? }]`. Of points with the same id the last one counts.
 * Errors: `SLUICE_BAD_ID`, `SLUICE_BAD_VECTOR`, `SLUICE_BAD_PAYLOAD` (also for an unknown field of
 * a point), `SLUICE_OPERATION_TOO_LARGE`; `TypeError` when it isn't an array of objects.
 */
export function buildUpsert(
  points: unknown,
  dimensions: number,
  clockTag?: ClockTag,
): UpsertOperation {
  const payloads: Payload[] = [];
  const rows = readRows(points, dimensions, ['id', 'vector', 'payload'], (row, point, place) => {
    const { payload } = point;
    payloads[row] = payload === undefined ? {} : checkPayload(payload, `${place}: payload`);
  });
  return storedUpsert({ ...rows, ...(clockTag && { clockTag }) }, packPayloads(payloads));
}

/**
 * New vectors for points that exist, from `[{ id, vector }]`; the last one of each id counts.
 * Errors as `buildUpsert`.
 */
export function buildUpdateVectors(
  points: unknown,
  dimensions: number,
  clockTag?: ClockTag,
): UpdateVectorsOperation {
  const rows = readRows(points, dimensions, ['id', 'vector'], () => {});
  return tagged<UpdateVectorsOperation>({ kind: 'updateVectors', ...rows }, clockTag);
}

/** A deletion. Errors: those of `checkSelector`. */
export function buildDelete(selector: unknown, clockTag?: ClockTag): DeleteOperation {
  return tagged<DeleteOperation>({ kind: 'delete', selector: checkSelector(selector) }, clockTag);
}

/**
 * A merge into payloads, at the path `key` if given.
 * Errors: `SLUICE_BAD_PAYLOAD`; those of `checkSelector`.
 */
export function buildSetPayload(
  payload: unknown,
  selector: unknown,
  key?: unknown,
  clockTag?: ClockTag,
): SetPayloadOperation {
  const path = key === undefined ? undefined : checkText(key, 'key');
  const levelsAbove =
    path === undefined ? 0 : parseObjectPath(path, 'SLUICE_BAD_PAYLOAD', 'key').length;
  const operation: SetPayloadOperation = {
    kind: 'setPayload',
    payload: checkPayload(payload, 'payload', levelsAbove),
    selector: checkSelector(selector),
    ...(path !== undefined && { key: path }),
  };
  return tagged(operation, clockTag);
}

/** A replacement of payloads. Errors: `SLUICE_BAD_PAYLOAD`; `checkSelector`'s. */
export function buildOverwritePayload(
  payload: unknown,
  selector: unknown,
  clockTag?: ClockTag,
): OverwritePayloadOperation {
  const operation: OverwritePayloadOperation = {
    kind: 'overwritePayload',
    payload: checkPayload(payload),
    selector: checkSelector(selector),
  };
  return tagged(operation, clockTag);
}

/** A removal of the paths `keys` from payloads. Errors: `SLUICE_BAD_PAYLOAD`; `checkSelector`'s. */
export function buildDeletePayload(
  keys: unknown,
  selector: unknown,
  clockTag?: ClockTag,
): DeletePayloadOperation {
  if (!Array.isArray(keys)) throw new TypeError(`keys must be an array, not ${shown(keys)}`);
  const paths = Array.from<unknown, string>(keys, (key, i) => {
    const path = checkText(key, `keys[${i}]`);
    parsePath(path, 'SLUICE_BAD_PAYLOAD', `keys[${i}]`);
    return path;
  });
  const operation: DeletePayloadOperation = {
    kind: 'deletePayload',
    keys: paths,
    selector: checkSelector(selector),
  };
  return tagged(operation, clockTag);
}

/** A removal of whole payloads. Errors: those of `checkSelector`. */
export function buildClearPayload(selector: unknown, clockTag?: ClockTag): ClearPayloadOperation {
  const operation: ClearPayloadOperation = {
    kind: 'clearPayload',
    selector: checkSelector(selector),
  };
  return tagged(operation, clockTag);
}

/** A new payload index. Errors: `SLUICE_BAD_PAYLOAD` (the path), `SLUICE_BAD_OPTION` (the type). */
export function buildCreatePayloadIndex(
  key: unknown,
  type: unknown,
  clockTag?: ClockTag,
): CreatePayloadIndexOperation {
  const path = checkText(key, 'key');
  parsePath(path, 'SLUICE_BAD_PAYLOAD', 'key');
  const operation: CreatePayloadIndexOperation = {
    kind: 'createPayloadIndex',
    key: path,
    type: oneOf(PAYLOAD_INDEX_TYPES)(type, 'type'),
  };
  return tagged(operation, clockTag);
}

/** The end of a payload index. Errors: `SLUICE_BAD_PAYLOAD` (the path). */
export function buildDeletePayloadIndex(
  key: unknown,
  clockTag?: ClockTag,
): DeletePayloadIndexOperation {
  const path = checkText(key, 'key');
  parsePath(path, 'SLUICE_BAD_PAYLOAD', 'key');
  return tagged<DeletePayloadIndexOperation>({ kind: 'deletePayloadIndex', key: path }, clockTag);
}

/**
 * Checks which points an operation is for: an array of ids or `{ filter }`.
 * Errors: `SLUICE_BAD_ID`, `SLUICE_BAD_FILTER`; `TypeError` when it is neither.
 */
export function checkSelector(selector: unknown): PointSelector {
  if (Array.isArray(selector)) return checkIds(selector);
  if (typeof selector === 'object' && selector !== null) {
    const { filter, ...rest } = selector as { filter?: unknown };
    if (filter !== undefined && Object.keys(rest).length === 0) {
      return { filter: checkFilter(filter) };
    }
  }
  throw new TypeError(`a selector must be an array of ids or { filter }, not ${shown(selector)}`);
}

/** Reads ids and vectors of points; `more` reads what else row `row` has. */
function readRows(
  points: unknown,
  dimensions: number,
  fields: readonly string[],
  more: (row: number, point: Readonly<Record<string, unknown>>, place: string) => void,
): { ids: PointId[]; vectors: Float32Array } {
  if (!Array.isArray(points)) {
    throw new TypeError(`points must be an array, not ${shown(points)}`);
  }
  if (points.length * dimensions * Float32Array.BYTES_PER_ELEMENT > VECTORS_SIZE_BYTES_MAX) {
    const problem = `${points.length} points have more than ${VECTORS_SIZE_BYTES_MAX} bytes`;
    throw new SluiceError('SLUICE_OPERATION_TOO_LARGE', problem);
  }
  const ids: PointId[] = [];
  const rowOf = new Map<PointId, number>();
  const vectors = new Float32Array(points.length * dimensions);
  for (let i = 0; i < points.length; i++) {
    const place = `point ${i}`;
    const point = readPoint(points[i], place, fields);
    const id = checkId(point.id, `${place}: id`);
    let row = rowOf.get(id);
    if (row === undefined) {
      row = ids.push(id) - 1;
      rowOf.set(id, row);
    }
    writeVector(point.vector, dimensions, vectors, row * dimensions, `${place}: vector`);
    more(row, point, place);
  }
  const length = ids.length * dimensions;
  return { ids, vectors: length < vectors.length ? vectors.slice(0, length) : vectors };
}

/** A field that nobody reads is most likely a misspelt or misplaced payload, so it is refused. */
function readPoint(
  point: unknown,
  place: string,
  known: readonly string[],
): Readonly<Record<string, unknown>> {
  if (typeof point !== 'object' || point === null || Array.isArray(point)) {
    throw new TypeError(`${place} must be an object, not ${shown(point)}`);
  }
  for (const name of Object.keys(point)) {
    if (known.includes(name)) continue;
    const problem = `${place}: unknown field ${shown(name)}; known: ${known.join(', ')}`;
    throw new SluiceError('SLUICE_BAD_PAYLOAD', problem);
  }
  return point as Readonly<Record<string, unknown>>;
}

function checkText(value: unknown, place: string): string {
  if (typeof value === 'string') return value;
  throw new TypeError(`${place} must be a string, not ${shown(value)}`);
}

function tagged<Operation extends object>(operation: Operation, clockTag?: ClockTag): Operation {
  return clockTag === undefined ? operation : { ...operation, clockTag };
}
