import type { ClockTag, Payload, PointId } from '../../types.js';
import type { UpsertOperation } from './operations.js';
import { encodePayload, type PayloadText, parsePayload } from './payload-text.js';

/** Where an upsert from the log has its payloads as they are stored. */
const TEXTS = Symbol('texts');

type StoredUpsert = UpsertOperation & { readonly [TEXTS]?: readonly PayloadText[] };

/**
 * An upsert as it is read from the log. Applying it takes the texts; to readers of the log it is
 * plain data, whose payloads are parsed when somebody looks at them.
 */
export function storedUpsert(
  columns: { ids: readonly PointId[]; vectors: Float32Array; clockTag?: ClockTag },
  texts: readonly PayloadText[],
): UpsertOperation {
  let parsed: Payload[] | undefined;
  const operation: UpsertOperation = {
    kind: 'upsert',
    ...columns,
    get payloads() {
      parsed ??= texts.map(parsePayload);
      return parsed;
    },
  };
  return Object.defineProperty(operation, TEXTS, { value: texts });
}

/** The texts of an upsert's payloads, row by row. */
export function payloadTexts(operation: StoredUpsert): readonly PayloadText[] {
  return operation[TEXTS] ?? operation.payloads.map(encodePayload);
}
