import { type ErrorCode, errorText, SluiceError } from '../../errors.js';

/**
 * The part of an abstract-level store that Sluice uses: any such store fits, as
 * `new Level(path)`, `new MemoryLevel()` or one for the browser. Its default encodings don't
 * matter; Sluice names its own with each call. Nothing else may write to the same database.
 */
export interface Database {
  open(): Promise<void>;
  close(): Promise<void>;
  get(key: string, options: EntryEncoding): Promise<Uint8Array | undefined>;
  batch(): DatabaseBatch;
  iterator(options: KeyRange & EntryEncoding): Batches<[string, Uint8Array]>;
  keys(options: KeyEncoding): Batches<string>;
  clear(options: KeyRange & KeyEncoding): Promise<void>;
  /** Gives the space of deleted keys back to the disk, where a store doesn't do that at once. */
  compactRange?(start: string, end: string, options: KeyEncoding): Promise<void>;
  /** Bytes that a range of keys takes on disk, deleted ones included, about. */
  approximateSize?(start: string, end: string, options: KeyEncoding): Promise<number>;
}

/** A batch that is being filled; see `Database`. */
export interface DatabaseBatch {
  put(key: string, value: Uint8Array, options: EntryEncoding): unknown;
  del(key: string, options: KeyEncoding): unknown;
  write(options: { sync: boolean }): Promise<void>;
}

/** A scan under way; see `Database`. */
export interface Batches<T> {
  nextv(size: number): Promise<T[]>;
  close(): Promise<void>;
}

/** How keys are passed to a `Database`. */
export interface KeyEncoding {
  keyEncoding: 'utf8';
}

/** How keys and values are passed to a `Database`. */
export interface EntryEncoding extends KeyEncoding {
  valueEncoding: 'view';
}

/** A key with its framed value. */
export type Entry = readonly [key: string, value: Uint8Array];

/** Bounds of a scan, both inclusive; without one the scan is open at that end. */
export interface KeyRange {
  gte?: string;
  lte?: string;
}

/** All keys from one to another, both inclusive. */
export interface KeySpan {
  from: string;
  to: string;
}

/** What one atomic write does; `sync` makes it wait until it survives a power cut. */
export interface Changes {
  puts?: readonly Entry[];
  deletes?: readonly string[];
  sync: boolean;
}

const KEY: KeyEncoding = { keyEncoding: 'utf8' };
const ENTRY: EntryEncoding = { keyEncoding: 'utf8', valueEncoding: 'view' };

/** Entries fetched at once; LevelDB stops earlier, when a batch has `highWaterMarkBytes`. */
const SCAN_ENTRIES_MAX = 1000;
const SCAN = { ...ENTRY, highWaterMarkBytes: 256 * 1024, fillCache: false };
const SCAN_KEYS = { ...KEY, fillCache: false };
/** What is read is large, or read once: a cache would only take memory. */
const GET = { ...ENTRY, fillCache: false };

/** Writes all changes in one atomic batch. Errors: as `levelError`. */
export async function writeChanges(db: Database, changes: Changes): Promise<void> {
  try {
    // A chained batch hands each value to the store at once, so that no second list is built.
    const batch = db.batch();
    for (const [key, value] of changes.puts ?? []) batch.put(key, value, ENTRY);
    for (const key of changes.deletes ?? []) batch.del(key, KEY);
    await batch.write({ sync: changes.sync });
  } catch (error) {
    throw levelError(error, 'writing to the database failed');
  }
}

/** Deletes a range of keys; not atomic and not synced. Errors: as `levelError`. */
export async function clearRange(db: Database, range: KeyRange): Promise<void> {
  try {
    await db.clear({ ...range, ...KEY });
  } catch (error) {
    throw levelError(error, 'deleting from the database failed');
  }
}

/** Gives the space of deleted keys back to the disk; values are not touched. Errors: as `levelError`. */
export async function compactRange(db: Database, { from, to }: KeySpan): Promise<void> {
  try {
    await db.compactRange?.(from, to, KEY);
  } catch (error) {
    throw levelError(error, 'compacting the database failed');
  }
}

/** Bytes that a range of keys takes on disk, about; undefined where a store can't tell. Errors: as `levelError`. */
export async function sizeOfRange(
  db: Database,
  { from, to }: KeySpan,
): Promise<number | undefined> {
  try {
    return await db.approximateSize?.(from, to, KEY);
  } catch (error) {
    throw levelError(error, 'measuring the database failed');
  }
}

/** The value of a key, or undefined. The bytes may be the store's own: they must not be changed. */
export async function getValue(db: Database, key: string): Promise<Uint8Array | undefined> {
  try {
    return await db.get(key, GET);
  } catch (error) {
    throw levelError(error, 'reading the database failed');
  }
}

/** All entries in the range, in key order, in batches, as of the call of `next()`. */
export async function* scanEntries(db: Database, range: KeyRange): AsyncGenerator<Entry[]> {
  yield* scan(() => db.iterator({ ...SCAN, ...range }));
}

/** All keys, in order, in batches; values are not given out. */
export async function* scanKeys(db: Database): AsyncGenerator<string[]> {
  yield* scan(() => db.keys(SCAN_KEYS));
}

async function* scan<T>(begin: () => Batches<T>): AsyncGenerator<T[]> {
  let iterator: Batches<T> | undefined;
  try {
    iterator = begin();
    for (;;) {
      const batch = await nextBatch(iterator);
      if (batch.length === 0) return;
      yield batch;
    }
  } finally {
    await iterator?.close();
  }
}

async function nextBatch<T>(iterator: Batches<T>): Promise<T[]> {
  try {
    return await iterator.nextv(SCAN_ENTRIES_MAX);
  } catch (error) {
    throw levelError(error, 'reading the database failed');
  }
}

/**
 * Gives an error of the store its code, with the original as cause: `SLUICE_LOCKED` when another
 * handle has the database open, `SLUICE_DISK_FULL`, `SLUICE_DAMAGED` when LevelDB reports
 * corruption or a missing file, `SLUICE_NOT_OPEN` for a scan that a close has ended, and
 * `SLUICE_IO` for everything else. A cause that has a code already is the error itself.
 */
export function levelError(error: unknown, message: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const causes = causesOf(error);
  const coded = causes.find((cause) => cause instanceof SluiceError);
  if (coded !== undefined) return coded;
  const details = causes.map(errorText).join(': ');
  return new SluiceError(codeFor(causes, details), `${message}: ${details}`, { cause: error });
}

function codeFor(causes: readonly unknown[], details: string): ErrorCode {
  const codes = causes.map((cause) => (cause as { code?: unknown } | null)?.code);
  if (codes.includes('LEVEL_LOCKED')) return 'SLUICE_LOCKED';
  // A scan that was under way when its database was closed.
  if (codes.includes('LEVEL_ITERATOR_NOT_OPEN')) return 'SLUICE_NOT_OPEN';
  if (codes.includes('ENOSPC') || /no space left on device/i.test(details)) {
    return 'SLUICE_DISK_FULL';
  }
  // An error of the file system before LevelDB has looked: that a name is missing is no damage.
  if (causes.some((cause) => (cause as { syscall?: unknown } | null)?.syscall)) return 'SLUICE_IO';
  const gone = /no such file or directory|does not exist \(create_if_missing is false\)/i;
  if (codes.includes('LEVEL_CORRUPTION') || gone.test(details)) return 'SLUICE_DAMAGED';
  return 'SLUICE_IO';
}

/** The error and what caused it, outermost first; bounded, because a chain can be a ring. */
function causesOf(error: unknown): unknown[] {
  const causes = [error];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause !== undefined && causes.length < 8) {
    causes.push(cause);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}
