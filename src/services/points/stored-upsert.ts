import type { ClockTag, Payload, PointId } from '../../types.js';
import type { UpsertOperation } from './operations.js';
import { type PackedTexts, packPayloads, parsePayload, textsOf } from './payload-text.js';

/** Where an upsert has its payloads as they are stored. */
const TEXTS = Symbol('texts');

type StoredUpsert = UpsertOperation & { readonly [TEXTS]?: PackedTexts };

/**
 * An upsert with its payloads as they are stored. The log and the segments take the texts; to
 * readers of the log it is plain data, whose payloads are parsed when somebody looks at them.
 */
export function storedUpsert(
  columns: { ids: readonly PointId[]; vectors: Float32Array; clockTag?: ClockTag },
  texts: PackedTexts,
): UpsertOperation {
  let parsed: Payload[] | undefined;
  const operation: UpsertOperation = {
    kind: 'upsert',
    ...columns,
    get payloads() {
      parsed ??= textsOf(texts).map(parsePayload);
      return parsed;
    },
  };
  return Object.defineProperty(operation, TEXTS, { value: texts });
}

/**
 * The payloads of an upsert as they are stored. Errors: `SLUICE_OPERATION_TOO_LARGE` for one that
 * doesn't have them so yet.
 */
export function packedTexts(operation: StoredUpsert): PackedTexts {
  return operation[TEXTS] ?? packPayloads(operation.payloads);
}
