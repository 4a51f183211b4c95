import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { SluiceError, throwIfAborted } from '../../errors.js';
import { randomId } from '../random-id.js';
import { type Database, writeChanges } from './database.js';
import { type Directory, openDirectory } from './directory.js';
import { type DirectoryState, directoryState } from './directory-state.js';
import { empty, exists, remove, spaceAt, withFileErrors } from './files.js';
import { loadChecksum } from './frame.js';
import { metaEntry } from './wal-meta.js';

/** What a store is made from. */
export interface NewStore {
  /** A directory that the new one must not lie in. */
  outside: string | undefined;
  /** Bytes that will be written to the segments, about. */
  bytes: number;
  /** The log begins after this number. */
  opNum: number;
  signal: AbortSignal;
  /** Fills the segments, which are empty. */
  fill(segments: Database, storeId: string): Promise<void>;
}

const STORE_ID_BYTES = 16;

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
    await checkPlace(path, options);
    const before = await directoryState(path);
    if (before === 'finished' || before === 'foreign') throw taken(path);
    const directory = await openNew(path, before);
    try {
      await fillStore(directory, options);
      await directory.close();
    } catch (error) {
      await directory.close().catch(() => {});
      await clear(path, before);
      throw error;
    }
    return directory.path;
  }).catch((error) => {
    throw ofAnotherStore(error, path);
  });
}

async function fillStore(directory: Directory, { fill, opNum, signal }: NewStore): Promise<void> {
  const storeId = randomId(STORE_ID_BYTES);
  await fill(directory.segments, storeId);
  await loadChecksum();
  // From here on a crash leaves a log in use without a format file, which opens as nothing at all.
  const meta = metaEntry({ storeId, acked: opNum, synced: opNum });
  await writeChanges(directory.wal, { puts: [meta], sync: true });
  throwIfAborted(signal);
  await directory.finishCreation();
}

/** Opens the directory for a creation, whose lock keeps others out. */
async function openNew(path: string, before: DirectoryState): Promise<Directory> {
  let directory: Directory;
  try {
    directory = await openDirectory(path, { create: true });
  } catch (error) {
    const isOurs = before !== 'unfinished' && codeOf(error) !== 'SLUICE_LOCKED';
    if (isOurs && (await directoryState(path)) === 'unfinished') await clear(path, before);
    throw error;
  }
  if (directory.creating) return directory;
  // Another one who creates was faster.
  await directory.close();
  throw taken(path);
}

/** Takes away what was written; what can't be removed still says that it was never finished. */
async function clear(path: string, before: DirectoryState): Promise<void> {
  const removing = before === 'missing' ? remove(path) : empty(path);
  await removing.catch(() => {});
}

/** Checks where the store is to be, and that there is room for it. Writes nothing. */
async function checkPlace(path: string, { outside, bytes }: NewStore): Promise<void> {
  const { real, above } = await placeOf(path);
  if (outside !== undefined && isWithin(outside, real)) {
    throw new SluiceError('SLUICE_BAD_OPTION', `'${path}' lies in '${outside}' itself`);
  }
  const { free } = await spaceAt(above);
  const needed = bytes + Math.min(bytes, TWICE_MAX) + MIB;
  if (free >= needed) return;
  const message = `'${path}' needs about ${needed} bytes of free disk, and ${free} are left`;
  throw new SluiceError('SLUICE_NOT_ENOUGH_SPACE', message, { kind: 'declined' });
}

/** A path without symbolic links, and the nearest directory of it that exists. */
async function placeOf(path: string): Promise<{ real: string; above: string }> {
  let above = resolve(path);
  const missing: string[] = [];
  while (!(await exists(above))) {
    missing.unshift(basename(above));
    above = dirname(above);
  }
  above = await realpath(above);
  return { real: join(above, ...missing), above };
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
