import { SluiceError } from '../../errors.js';
import type { Entry } from './database.js';
import { frame, unframe } from './frame.js';
import { isBlockKey, MANIFEST_KEY } from './keys.js';
import { pack, unpackFormat } from './packing.js';

const FORMAT = 1;

/** The record that says which blocks make up the store; `body` is the store's own. */
export interface Manifest {
  storeId: string;
  body: unknown;
  /** Keys of every block that belongs to this picture. */
  blocks: readonly string[];
}

/** The manifest as an entry to put. */
export function manifestEntry(manifest: Manifest): Entry {
  const data = pack({ format: FORMAT, ...manifest });
  return [MANIFEST_KEY, frame(MANIFEST_KEY, 'manifest', data)];
}

/** Reads a stored manifest. Errors: `SLUICE_DAMAGED`, `SLUICE_FORMAT_UNKNOWN`. */
export function readManifest(value: Uint8Array): Manifest {
  const data = unframe(MANIFEST_KEY, 'manifest', value);
  const { storeId, body, blocks } = unpackFormat(data, FORMAT, 'the manifest');
  if (typeof storeId !== 'string' || !isKeyList(blocks)) {
    throw new SluiceError('SLUICE_DAMAGED', 'the manifest makes no sense');
  }
  return { storeId, body, blocks };
}

function isKeyList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((key) => typeof key === 'string' && isBlockKey(key));
}
