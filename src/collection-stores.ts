import type { CollectionStores } from './collection-options.js';
import { SluiceError } from './errors.js';
import { type Database, levelError, scanKeys } from './services/level/database.js';
import { isUnusedLog } from './services/level/wal-meta.js';

/** Two databases that a collection has for itself until `close`. */
export interface OpenStores extends CollectionStores {
  /** True when there is no collection in them: one is created. */
  readonly creating: boolean;
  /** Closes both and gives them free. Safe to call twice. */
  close(): Promise<void>;
}

/** Databases that this process has open in collections: `abstract-level` locks only files. */
const inUse = new WeakSet<Database>();

/**
 * Opens two stores for a collection. Writes nothing.
 * Errors: `SLUICE_LOCKED` when another collection has one of them, `SLUICE_NOT_FOUND` when both are
 * empty and `create` is false, those of opening and reading a database.
 */
export async function openStores(
  { wal, segments }: CollectionStores,
  create: boolean,
): Promise<OpenStores> {
  if (wal === segments) throw new TypeError('wal and segments must be two different stores');
  if (inUse.has(wal) || inUse.has(segments)) {
    throw new SluiceError(
      'SLUICE_LOCKED',
      'another collection of this process has the stores open',
    );
  }
  for (const store of [wal, segments]) inUse.add(store);
  const close = async () => {
    await segments.close();
    await wal.close();
    for (const store of [wal, segments]) inUse.delete(store);
  };
  try {
    for (const store of [wal, segments]) await open(store);
    // A log without any record beside empty segments: nothing, or a creation that never finished.
    const creating = (await isUnusedLog(wal)) && (await isEmpty(segments));
    if (creating && !create) {
      throw new SluiceError('SLUICE_NOT_FOUND', 'the stores are empty: there is no collection');
    }
    return { wal, segments, creating, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(store: Database): Promise<void> {
  try {
    await store.open();
  } catch (error) {
    throw levelError(error, 'opening a store failed');
  }
}

async function isEmpty(store: Database): Promise<boolean> {
  for await (const keys of scanKeys(store)) if (keys.length > 0) return false;
  return true;
}
