import type { CollectionStores } from './collection-options.js';
import { SluiceError } from './errors.js';
import { type Database, levelError, scanKeys } from './services/level/database.js';
import { isUnusedLog } from './services/level/wal-meta.js';
import { missingMethod, shown } from './services/option-checks.js';

/** Two databases that a collection has for itself until `close`. */
export interface OpenStores extends CollectionStores {
  /** True when there is no collection in them: one is created. */
  readonly creating: boolean;
  /** Closes both and gives them free. Safe to call twice. */
  close(): Promise<void>;
}

/** Databases that this process has open in collections: `abstract-level` locks only files. */
const inUse = new WeakSet<Database>();

/** What is used of a store; see `Database`. */
const STORE_METHODS: readonly (keyof Database)[] = [
  'open',
  'close',
  'get',
  'batch',
  'iterator',
  'keys',
  'clear',
];

/**
 * Opens two stores for a collection. Writes nothing. Throws a `TypeError` when they aren't stores.
 * Errors: `SLUICE_LOCKED` when another collection has one of them, `SLUICE_NOT_FOUND` when both are
 * empty and `create` is false, those of opening and reading a database.
 */
export async function openStores(
  { wal, segments }: CollectionStores,
  create: boolean,
): Promise<OpenStores> {
  assertStore('wal', wal);
  assertStore('segments', segments);
  if (wal === segments) throw new TypeError('wal and segments must be two different stores');
  if (inUse.has(wal) || inUse.has(segments)) {
    throw new SluiceError(
      'SLUICE_LOCKED',
      'another collection of this process has the stores open',
    );
  }
  for (const store of [wal, segments]) inUse.add(store);
  const close = async () => {
    try {
      await segments.close();
    } finally {
      try {
        await wal.close();
      } finally {
        for (const store of [wal, segments]) inUse.delete(store);
      }
    }
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
    // Why it could not be opened is what the caller must hear of.
    await close().catch(() => {});
    throw error;
  }
}

function assertStore(name: string, store: unknown): void {
  const missing = missingMethod(store, STORE_METHODS);
  if (missing === undefined) return;
  const isObject = typeof store === 'object' && store !== null;
  const problem = isObject ? `an object without the method ${missing}` : shown(store);
  throw new TypeError(`${name} must be an abstract-level store, not ${problem}`);
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
