import { SluiceError, toSluiceError } from '../../errors.js';
import { type Kind, unframe } from './frame.js';
import { kindOfKey } from './keys.js';
import type { LevelHandle } from './level-handle.js';

/** One stored entry, as a check of a whole store sees it. */
export interface StoredEntry {
  key: string;
  /** What the key says it is; undefined for a key that Sluice never writes. */
  kind: Kind | undefined;
  /** Stored bytes of the value. */
  sizeBytes: number;
  /** What is wrong with it; undefined when it is intact. */
  error: SluiceError | undefined;
}

/** Every entry in key order, each with its checksum, kind and version checked. */
export async function* storedEntries(handle: LevelHandle): AsyncGenerator<StoredEntry> {
  handle.assertOpen();
  for await (const entries of handle.entries()) {
    for (const [key, value] of entries) {
      const kind = kindOfKey(key);
      yield { key, kind, sizeBytes: value.byteLength, error: check(key, kind, value) };
    }
  }
}

function check(key: string, kind: Kind | undefined, value: Uint8Array): SluiceError | undefined {
  if (kind === undefined) return new SluiceError('SLUICE_NOT_A_STORE', `unknown key '${key}'`);
  try {
    unframe(key, kind, value);
    return undefined;
  } catch (error) {
    return toSluiceError(error, 'SLUICE_DAMAGED');
  }
}
