import { SluiceError, toSluiceError } from '../../errors.js';
import type { Payload } from '../../types.js';
import { isJsonObject } from './json.js';

/**
 * A payload as UTF-8 bytes of its JSON text. That keeps lone surrogates, which JSON escapes, and a
 * `__proto__` key; it is copied from the log to the segments and from there to the blocks, and
 * parsed for those who ask.
 */
export type PayloadText = Uint8Array;

/** Texts one after the other, as a record of the log and a block have them. */
export interface PackedTexts {
  readonly bytes: Uint8Array;
  readonly lengths: readonly number[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of `{}`. */
export const EMPTY_PAYLOAD = encodePayload({});

/** A payload that `checkPayload` has let pass, as its text. */
export function encodePayload(payload: Payload): PayloadText {
  return encoder.encode(JSON.stringify(payload));
}

/** The payload, in memory of its own. Errors: `SLUICE_DAMAGED`. */
export function parsePayload(text: PayloadText): Payload {
  let payload: unknown;
  try {
    payload = JSON.parse(decoder.decode(text));
  } catch (error) {
    throw toSluiceError(error, 'SLUICE_DAMAGED', 'a payload cannot be parsed');
  }
  if (isJsonObject(payload)) return payload;
  throw new SluiceError('SLUICE_DAMAGED', 'a payload is no object');
}

/**
 * Payloads as one run of texts. Errors: `SLUICE_OPERATION_TOO_LARGE` when it would be longer than
 * a string can be.
 */
export function packPayloads(payloads: readonly Payload[]): PackedTexts {
  const lengths: number[] = [];
  let bytes: Uint8Array;
  let all = '';
  try {
    for (const payload of payloads) {
      const text = JSON.stringify(payload);
      lengths.push(text.length);
      all += text;
    }
    bytes = encoder.encode(all);
  } catch (error) {
    throw toSluiceError(error, 'SLUICE_OPERATION_TOO_LARGE', 'the payloads are too large');
  }
  // As many bytes as code units: each is one byte. Only other texts have to be measured.
  if (bytes.length === all.length) return { bytes, lengths };
  return { bytes, lengths: payloads.map((payload) => encodePayload(payload).length) };
}

/** A run of `count` texts, if it is one. Errors: `SLUICE_DAMAGED` when they don't fill it. */
export function checkTexts(bytes: unknown, lengths: unknown, count: number): PackedTexts {
  const isRun =
    bytes instanceof Uint8Array &&
    Array.isArray(lengths) &&
    lengths.length === count &&
    lengths.every((length) => Number.isSafeInteger(length) && length >= 0) &&
    lengths.reduce((sum, length) => sum + length, 0) === bytes.length;
  if (!isRun) throw new SluiceError('SLUICE_DAMAGED', `not the texts of ${count} payloads`);
  return { bytes, lengths };
}

/** As `checkTexts`, in memory of its own. */
export function readTexts(bytes: unknown, lengths: unknown, count: number): PackedTexts {
  const run = checkTexts(bytes, lengths, count);
  return { ...run, bytes: new Uint8Array(run.bytes) };
}

/** The texts of a run, as windows on it. */
export function textsOf({ bytes, lengths }: PackedTexts): PayloadText[] {
  let end = 0;
  return lengths.map((length) => {
    const begin = end;
    end += length;
    return bytes.subarray(begin, end);
  });
}
