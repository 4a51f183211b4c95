import loadXxhash, { type XXHash, type XXHashAPI } from 'xxhash-wasm';
import { assert, SluiceError } from '../../errors.js';

/**
 * What a stored value is. The numbers are part of the format and never change their meaning.
 */
export const KIND = { record: 1, walMeta: 2, manifest: 3, block: 4, deaths: 5 } as const;

/** A name of `KIND`. */
export type Kind = keyof typeof KIND;

/** Version of the layout of every kind. */
const FORMAT_VERSION = 1;

/**
 * checksum (8 bytes, little endian) · kind · version · 6 zero bytes · payload.
 * The payload begins at a multiple of 16, so that typed arrays can look at it in place.
 */
const HEADER_BYTES = 16;
const KIND_OFFSET = 8;
const VERSION_OFFSET = 9;

/** The hash function copies its input into its own memory; pieces keep that memory small. */
const PIECE_BYTES = 1024 * 1024;

let xxhash: XXHashAPI | undefined;

/** Loads the hash function; must have resolved before `frame` or `unframe` is called. */
export async function loadChecksum(): Promise<void> {
  xxhash ??= await loadXxhash();
}

/** A 64-bit xxHash, fed piece by piece: for what is too large to be in memory at once. */
export async function newChecksum(): Promise<XXHash<bigint>> {
  await loadChecksum();
  assert(xxhash, 'the hash function is loaded');
  return xxhash.create64();
}

/** The value to store under `key`: a copy of the payload with kind, version and checksum. */
export function frame(key: string, kind: Kind, payload: Uint8Array): Uint8Array {
  const value = new Uint8Array(HEADER_BYTES + payload.byteLength);
  value[KIND_OFFSET] = KIND[kind];
  value[VERSION_OFFSET] = FORMAT_VERSION;
  value.set(payload, HEADER_BYTES);
  viewOf(value).setBigUint64(0, checksum(key, value), true);
  return value;
}

/**
 * The payload of a stored value, as a view of it.
 * Errors: `SLUICE_DAMAGED` when the value isn't what was stored under this key,
 * `SLUICE_FORMAT_UNKNOWN` when it is intact, but of a kind or version this code doesn't know.
 */
export function unframe(key: string, kind: Kind, value: Uint8Array): Uint8Array {
  if (value.byteLength < HEADER_BYTES) {
    throw new SluiceError('SLUICE_DAMAGED', `the value of '${key}' is cut off`);
  }
  if (viewOf(value).getBigUint64(0, true) !== checksum(key, value)) {
    throw new SluiceError('SLUICE_DAMAGED', `the value of '${key}' has a wrong checksum`);
  }
  const version = value[VERSION_OFFSET];
  const number = value[KIND_OFFSET];
  if (version !== FORMAT_VERSION || !Object.values<unknown>(KIND).includes(number)) {
    throw new SluiceError(
      'SLUICE_FORMAT_UNKNOWN',
      `the value of '${key}' was written by a newer version (kind ${number}, version ${version})`,
    );
  }
  if (number !== KIND[kind]) {
    throw new SluiceError('SLUICE_DAMAGED', `the value of '${key}' is not a ${kind}`);
  }
  // A plain Uint8Array also where the store returns a Buffer, whose slice() would not copy.
  return new Uint8Array(value.buffer, value.byteOffset + HEADER_BYTES, value.length - HEADER_BYTES);
}

function viewOf(value: Uint8Array): DataView {
  return new DataView(value.buffer, value.byteOffset, value.byteLength);
}

/** The hash of everything but the checksum; the key is its seed, so that a moved value differs. */
function checksum(key: string, value: Uint8Array): bigint {
  assert(xxhash, 'loadChecksum() has resolved');
  const seed = xxhash.h64(key);
  const content = value.subarray(KIND_OFFSET);
  if (content.byteLength <= PIECE_BYTES) return xxhash.h64Raw(content, seed);
  const hash = xxhash.create64(seed);
  for (let offset = 0; offset < content.byteLength; offset += PIECE_BYTES) {
    hash.update(content.subarray(offset, offset + PIECE_BYTES));
  }
  return hash.digest();
}
