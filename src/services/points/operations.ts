import type { ClockTag, Payload, PointId, PointSelector } from '../../types.js';

/** The types of value that a payload index can hold. */
export const PAYLOAD_INDEX_TYPES = ['keyword', 'integer', 'float', 'bool'] as const;

/** What a payload index expects of the values at its key. */
export type PayloadIndexType = (typeof PAYLOAD_INDEX_TYPES)[number];

interface Tagged {
  /** Names the writer, when the operation comes from a store that others follow. */
  readonly clockTag?: ClockTag;
}

/**
 * Inserts or replaces points. Columnar: row `i` is `ids[i]`, `payloads[i]` and
 * `vectors.subarray(i * dimensions, (i + 1) * dimensions)`. No id occurs twice.
 */
export interface UpsertOperation extends Tagged {
  readonly kind: 'upsert';
  readonly ids: readonly PointId[];
  readonly vectors: Float32Array;
  readonly payloads: readonly Payload[];
}

/** Replaces the vectors of points that exist; rows as in `UpsertOperation`. No id occurs twice. */
export interface UpdateVectorsOperation extends Tagged {
  readonly kind: 'updateVectors';
  readonly ids: readonly PointId[];
  readonly vectors: Float32Array;
}

/** Deletes points; ids that don't exist are passed over. */
export interface DeleteOperation extends Tagged {
  readonly kind: 'delete';
  readonly selector: PointSelector;
}

/** Merges `payload` into the points' payloads, or into the object at the path `key` of each. */
export interface SetPayloadOperation extends Tagged {
  readonly kind: 'setPayload';
  readonly payload: Payload;
  readonly selector: PointSelector;
  readonly key?: string;
}

/** Puts `payload` in the place of the points' payloads. */
export interface OverwritePayloadOperation extends Tagged {
  readonly kind: 'overwritePayload';
  readonly payload: Payload;
  readonly selector: PointSelector;
}

/** Removes what the paths `keys` name from the points' payloads. */
export interface DeletePayloadOperation extends Tagged {
  readonly kind: 'deletePayload';
  readonly keys: readonly string[];
  readonly selector: PointSelector;
}

/** Leaves the points with the payload `{}`. */
export interface ClearPayloadOperation extends Tagged {
  readonly kind: 'clearPayload';
  readonly selector: PointSelector;
}

/** Indexes the values at the path `key`. */
export interface CreatePayloadIndexOperation extends Tagged {
  readonly kind: 'createPayloadIndex';
  readonly key: string;
  readonly type: PayloadIndexType;
}

/** Drops the index of the path `key`. */
export interface DeletePayloadIndexOperation extends Tagged {
  readonly kind: 'deletePayloadIndex';
  readonly key: string;
}

/** The operations that change the payloads of points that exist. */
export type PayloadOperation =
  | SetPayloadOperation
  | OverwritePayloadOperation
  | DeletePayloadOperation
  | ClearPayloadOperation;

/**
 * One update of a point collection, as it is written to the log and applied to the segments.
 * Made by the builders in `validate.ts`: it is valid and shares no memory with its maker's input.
 */
export type PointOperation =
  | UpsertOperation
  | UpdateVectorsOperation
  | DeleteOperation
  | PayloadOperation
  | CreatePayloadIndexOperation
  | DeletePayloadIndexOperation;

/** True for a selector that lists ids; no id occurs twice in one. */
export function selectsIds(selector: PointSelector): selector is readonly PointId[] {
  return Array.isArray(selector);
}
