import { realpath, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { SluiceError, throwIfAborted } from '../../errors.js';
import { randomId } from '../random-id.js';
import { writeChanges } from './database.js';
import { type Directory, openDirectory } from './directory.js';
import { type DirectoryState, directoryState } from './directory-state.js';
import { empty, remove, spaceAt, withFileErrors } from './files.js';
import { loadChecksum } from './frame.js';
import { metaEntry } from './wal-meta.js';

/** What a store is made from. */
export interface NewStore {
  /** A store that is open: the new one must not lie in it, nor take room that it needs. */
  beside: { path: string; claim(bytes: number): Promise<() => void> } | undefined;
  /** Bytes that will be written to the segments, about. */
  bytes: number;
  /** The log begins after this number. */
  opNum: number;
  signal: AbortSignal;
  /** Fills the segments, which are empty, and may add files of vector indexes. */
  fill(directory: Pick<Directory, 'segments' | 'vectorIndexPath'>, storeId: string): Promise<void>;
}

const STORE_ID_BYTES = 16;

/** Places at which this process makes a store, until what a failed one has left is removed. */
const makingAt = new Set<string>();

const MIB = 1024 * 1024;

/** LevelDB writes everything twice: to its log and then to a table, of which it keeps so much. */
const TWICE_MAX = 32 * MIB;

/**
 * Makes a finished store of a missing or an empty directory, or leaves it as it was; returns its
 * path without symbolic links. Until it resolves, the directory says that its creation never
 * finished, so that what a killed process leaves is never taken for a store.
 *
 * Errors, none of them sticky: `SLUICE_EXISTS` when something is there, `SLUICE_BAD_OPTION` when it
 * would lie in `outside`, `SLUICE_NOT_ENOUGH_SPACE`, `SLUICE_DISK_FULL`, `SLUICE_LOCKED`,
 * `SLUICE_DAMAGED` when a killed process has left what can't be told from a store, `SLUICE_IO`.
 */
export function createStore(path: string, options: NewStore): Promise<string> {
  return withFileErrors(`writing '${path}'`, async () => {
    const { real } = await placeOf(path);
    if (makingAt.has(real)) {
      throw new SluiceError('SLUICE_LOCKED', `'${path}' is just being written`);
    }
    makingAt.add(real);
    try {
      // Looked at again: another one may just have removed what it had made.
      const place = await placeOf(path);
      const release = await claimRoom(path, place, options);
      try {
        return await makeStore(path, place, options);
      } finally {
        release();
      }
    } finally {
      makingAt.delete(real);
    }
  }).catch((error) => {
    throw ofAnotherStore(error, path);
  });
}

async function makeStore(path: string, place: Place, options: NewStore): Promise<string> {
  const before = await directoryState(path);
  if (before === 'finished' || before === 'foreign') throw taken(path);
  const directory = await openNew(path, place, before);
  try {
    await fillStore(directory, options);
    await directory.close();
  } catch (error) {
    await directory.close().catch(() => {});
    await clear(place, before);
    throw error;
  }
  return directory.path;
}

async function fillStore(directory: Directory, { fill, opNum, signal }: NewStore): Promise<void> {
  const storeId = randomId(STORE_ID_BYTES);
  await fill(directory, storeId);
  await loadChecksum();
  // From here on a crash leaves a log in use without a format file, which opens as nothing at all.
  const meta = metaEntry({ storeId, acked: opNum, synced: opNum });
  await writeChanges(directory.wal, { puts: [meta], sync: true });
  throwIfAborted(signal);
  await directory.finishCreation();
}

/** Opens the directory for a creation, whose lock keeps others out. */
async function openNew(path: string, place: Place, before: DirectoryState): Promise<Directory> {
  let directory: Directory;
  try {
    directory = await openDirectory(path, { create: true });
  } catch (error) {
    const isOurs = before !== 'unfinished' && codeOf(error) !== 'SLUICE_LOCKED';
    if (isOurs && (await directoryState(path)) === 'unfinished') await clear(place, before);
    throw error;
  }
  if (directory.creating) return directory;
  // Another one who creates was faster.
  await directory.close();
  throw taken(path);
}

/** Takes away what was written; what can't be removed still says that it was never finished. */
async function clear({ real, above }: Place, before: DirectoryState): Promise<void> {
  if (before !== 'missing') return empty(real).catch(() => {});
  try {
    await remove(real);
    // Directories above it that were made for it, unless somebody has put something there.
    for (let made = dirname(real); isWithin(above, made) && made !== above; made = dirname(made)) {
      await rmdir(made);
    }
  } catch {
    // An empty directory harms nobody, and the failure that led here is the one to tell of.
  }
}

/**
 * Sees to it that there is room, and claims it from a store on the same disk, until the returned
 * function is called. Writes nothing.
 */
async function claimRoom(path: string, place: Place, options: NewStore): Promise<() => void> {
  const { beside, bytes } = options;
  const { real, above } = place;
  if (beside !== undefined && isWithin(beside.path, real)) {
    throw new SluiceError('SLUICE_BAD_OPTION', `'${path}' lies in '${beside.path}' itself`);
  }
  const needed = bytes + Math.min(bytes, TWICE_MAX) + MIB;
  const { free } = await spaceAt(above);
  const noRoom = (why: string, cause?: unknown) => {
    const message = `'${path}' needs about ${needed} bytes of free disk, and ${why}`;
    return new SluiceError('SLUICE_NOT_ENOUGH_SPACE', message, { cause, kind: 'declined' });
  };
  if (free < needed) throw noRoom(`${free} are left`);
  if (beside === undefined || !(await isSameDisk(beside.path, above))) return () => {};
  try {
    return await beside.claim(needed);
  } catch (error) {
    throw noRoom('the collection itself needs what is left', error);
  }
}

async function isSameDisk(one: string, other: string): Promise<boolean> {
  return (await stat(one)).dev === (await stat(other)).dev;
}

/** A path without symbolic links, and the nearest directory of it that exists. */
interface Place {
  real: string;
  above: string;
}

async function placeOf(path: string): Promise<Place> {
  const missing: string[] = [];
  for (let place = resolve(path); ; place = dirname(place)) {
    try {
      const above = await realpath(place);
      return { real: join(above, ...missing), above };
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ENOENT') throw error;
      missing.unshift(basename(place));
    }
  }
}

function isWithin(outer: string, inner: string): boolean {
  const way = relative(outer, inner);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function taken(path: string): SluiceError {
  return new SluiceError('SLUICE_EXISTS', `'${path}' is there already, and not empty`);
}

/** What fails here says nothing of the store that the caller has open: it is not sticky for it. */
function ofAnotherStore(error: unknown, path: string): unknown {
  if (!(error instanceof SluiceError) || error.kind !== 'sticky') return error;
  const { code, message } = error;
  const text = message.includes(path) ? message : `writing '${path}' failed: ${message}`;
  return new SluiceError(code, text, { cause: error, kind: 'declined' });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof SluiceError ? error.code : undefined;
}
