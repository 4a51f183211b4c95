import { realpath, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { abortedByCaller, errorText, SluiceError } from '../../errors.js';
import { randomId } from '../random-id.js';
import { CarefulLevel, type CarefulOpening } from './careful-level.js';
import { clearRange, type Database, levelError } from './database.js';
import {
  checkFinished,
  clearMarks,
  type DirectoryState,
  directoryState,
  markCreating,
  markFinished,
  NAMES,
  UNFINISHED_PREFIX,
} from './directory-state.js';
import {
  exists,
  makeDirectory,
  remove,
  sizeOfFiles,
  spaceAt,
  syncDirectory,
  withFileErrors,
} from './files.js';
import { isUnusedLog } from './wal-meta.js';

/** Options of `openDirectory`. */
export interface DirectoryOptions {
  /** Whether a missing or empty directory becomes a store. */
  create: boolean;
  /**
   * LevelDB's write buffer for the log. There may be two of them in memory: a full one is being written
   * to a table while the next one fills.
   * @default 32 MiB, or a 64th of a smaller disk
   */
  walWriteBufferBytes?: number;
  /** LevelDB's write buffer for the segments. @default 8 MiB, or a 64th of a smaller disk */
  segmentsWriteBufferBytes?: number;
  /** Gives up while tables are being checked, which takes a while in a large store. */
  signal?: AbortSignal | undefined;
}

const MIB = 1024 * 1024;

/** LevelDB takes no smaller write buffer. */
const BUFFER_BYTES_MIN = 64 * 1024;

/** A store's directory. Both databases are open; their locks keep others out. */
export interface Directory {
  /** The directory's one absolute path, without symbolic links. */
  readonly path: string;
  readonly wal: Database;
  readonly segments: Database;
  /** Where the files of vector indexes belong; made when the first is written. */
  readonly vectorIndexPath: string;
  /** True until `finishCreation` when the store is new: both databases are then empty. */
  readonly creating: boolean;
  /**
   * Disk that the databases may take besides what is in them: a full write buffer lies in a log
   * file, in a table, and, after a crash, in another table.
   */
  readonly marginBytes: number;
  /**
   * Ends the creation; call it when the log and the segments have been opened for the first time.
   * What was written before it is thrown away if the process dies. Does nothing in an old store.
   */
  finishCreation(): Promise<void>;
  /** Bytes that the file system still has for this user. */
  freeBytes(): Promise<number>;
  /** Bytes of the log's files. Errors: a transient `SLUICE_IO`. */
  walBytes(): Promise<number>;
  /** Closes both databases and gives the directory free. Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Directories that this process has open. LevelDB's lock doesn't do here: its check within one
 * process closes the lock file, and with it POSIX drops the lock against other processes. (Each
 * thread has a list of its own: a store is to be opened from one thread of a process only.)
 */
const openPaths = new Set<string>();

/**
 * Opens the directory of a store, or creates it.
 *
 * Errors: `SLUICE_NOT_FOUND` when there is no store and `create` is false (nothing is written),
 * `SLUICE_NOT_A_STORE` for a file or a directory with other content, `SLUICE_LOCKED` when it is
 * open elsewhere, `SLUICE_FORMAT_UNKNOWN`, `SLUICE_DAMAGED`, `SLUICE_DISK_FULL`, `SLUICE_IO`,
 * `SLUICE_ABORTED`.
 */
export function openDirectory(path: string, options: DirectoryOptions): Promise<Directory> {
  return withFileErrors(`opening '${path}'`, async () => {
    const state = await acceptedState(path, options.create);
    if (state === 'missing') await makeDirectory(path);
    const root = await realpath(path);
    if (openPaths.has(root)) {
      throw new SluiceError('SLUICE_LOCKED', `'${root}' is already open in this process`);
    }
    openPaths.add(root);
    try {
      return await openClaimed(root, await bufferSizes(root, options));
    } catch (error) {
      openPaths.delete(root);
      throw abortedByCaller(error, options.signal);
    }
  });
}

/** The state of the path, if it can be opened with these options. */
async function acceptedState(path: string, create: boolean): Promise<DirectoryState> {
  const state = await directoryState(path);
  if (state === 'foreign') {
    throw new SluiceError('SLUICE_NOT_A_STORE', `'${path}' exists and is not a store`);
  }
  if (state !== 'finished' && !create) {
    const why = state === 'unfinished' ? ': its creation never finished' : '';
    throw new SluiceError('SLUICE_NOT_FOUND', `there is no store at '${path}'${why}`);
  }
  return state;
}

type Sizes = DirectoryOptions &
  Required<Pick<DirectoryOptions, 'walWriteBufferBytes' | 'segmentsWriteBufferBytes'>>;

/** A full buffer is on disk until LevelDB begins another: on a small disk that would be all of it. */
async function bufferSizes(root: string, options: DirectoryOptions): Promise<Sizes> {
  const { total } = await spaceAt(root);
  const atMost = (bytes: number) => {
    return Math.min(bytes, Math.max(BUFFER_BYTES_MIN, Math.floor(total / 64)));
  };
  const { walWriteBufferBytes = atMost(32 * MIB), segmentsWriteBufferBytes = atMost(8 * MIB) } =
    options;
  return { ...options, walWriteBufferBytes, segmentsWriteBufferBytes };
}

async function openClaimed(root: string, options: Sizes): Promise<Directory> {
  // Looked at again, because another process may have changed it before this one claimed it.
  const mayCreate = (await acceptedState(root, options.create)) !== 'finished';
  if (mayCreate) {
    await markCreating(root);
    await placeWal(root);
  } else {
    await checkFinished(root);
  }
  const wal = await openWal(root, options, mayCreate);
  try {
    // Whoever finishes a creation holds this lock too: from here on the answer can't change.
    const creating = mayCreate && !(await exists(join(root, NAMES.format)));
    if (!creating) await checkFinished(root);
    else if (!(await isUnusedLog(wal))) {
      throw new SluiceError('SLUICE_DAMAGED', `'${root}' has been used, but has no format file`);
    }
    const segments = await openSegments(root, options, creating);
    try {
      if (creating) await clearRange(wal, {});
      else if (await exists(join(root, NAMES.creating))) await clearMarks(root);
      const { walWriteBufferBytes, segmentsWriteBufferBytes } = options;
      const margin = 2 * (walWriteBufferBytes + segmentsWriteBufferBytes);
      return new OpenDirectory(root, wal, segments, creating, margin);
    } catch (error) {
      await segments.close();
      throw error;
    }
  } catch (error) {
    await wal.close();
    throw error;
  }
}

/**
 * Puts an empty log database in place, unless there is one. It is made under a name of its own and
 * then renamed: a power cut while LevelDB makes a database can leave one that can't be opened, but
 * the log must be openable, because its lock decides between several who create.
 */
async function placeWal(root: string): Promise<void> {
  const place = join(root, NAMES.wal);
  if (await exists(join(place, 'CURRENT'))) return;
  const made = join(root, UNFINISHED_PREFIX + randomId(8));
  try {
    const db = new Level(made);
    await db.open();
    await db.close();
    await syncDirectory(made);
    // Fails when another one who creates was faster, because that directory isn't empty.
    await rename(made, place);
    await syncDirectory(root);
  } catch (error) {
    await remove(made);
    if (!(await exists(place))) throw levelError(error, 'creating the log failed');
  }
}

/** Opens the log, whose lock excludes everybody else. */
async function openWal(
  root: string,
  { walWriteBufferBytes, signal }: Sizes,
  mayCreate: boolean,
): Promise<Level> {
  try {
    return await openLevel(root, NAMES.wal, walWriteBufferBytes, { signal });
  } catch (error) {
    const code = error instanceof SluiceError ? error.code : undefined;
    if (code === 'SLUICE_LOCKED') {
      throw new SluiceError(code, `'${root}' is open in another process`, { cause: error });
    }
    // Without the lock nobody may clear this away: another process may just be putting it right.
    if (!mayCreate || code !== 'SLUICE_DAMAGED') throw error;
    const message = `the creation of '${root}' never finished, and its log can't be opened; `;
    throw new SluiceError(code, `${message}it holds no data yet: delete it`, { cause: error });
  }
}

/** Opens the segments; the caller holds the log's lock, so that nobody else is at work here. */
async function openSegments(
  root: string,
  { segmentsWriteBufferBytes, signal }: Sizes,
  creating: boolean,
): Promise<Level> {
  if (creating) {
    await remove(join(root, NAMES.segments));
    await remove(join(root, NAMES.vectorIndex));
  }
  const opening = { createIfMissing: creating, signal };
  return openLevel(root, NAMES.segments, segmentsWriteBufferBytes, opening);
}

/** `opening` is for this open alone: later ones of the same object must find a database. */
async function openLevel(
  root: string,
  name: string,
  writeBufferSize: number,
  opening: CarefulOpening,
): Promise<Level> {
  const place = join(root, name);
  const isFinished = () => exists(join(root, NAMES.format));
  const db = new CarefulLevel(place, { writeBufferSize, createIfMissing: false }, isFinished);
  try {
    await db.open(opening);
  } catch (error) {
    throw levelError(error, `opening '${place}' failed`);
  }
  return db;
}

class OpenDirectory implements Directory {
  readonly path: string;
  readonly wal: Level;
  readonly segments: Level;
  readonly vectorIndexPath: string;
  readonly marginBytes: number;
  #creating: boolean;
  #isClosed = false;

  constructor(path: string, wal: Level, segments: Level, creating: boolean, marginBytes: number) {
    this.path = path;
    this.marginBytes = marginBytes;
    this.wal = wal;
    this.segments = segments;
    this.vectorIndexPath = join(path, NAMES.vectorIndex);
    this.#creating = creating;
  }

  get creating(): boolean {
    return this.#creating;
  }

  async finishCreation(): Promise<void> {
    if (!this.#creating) return;
    await withFileErrors(`creating '${this.path}'`, async () => {
      await syncDirectory(join(this.path, NAMES.wal));
      await syncDirectory(join(this.path, NAMES.segments));
      await markFinished(this.path);
    });
    this.#creating = false;
  }

  freeBytes(): Promise<number> {
    return withFileErrors(`asking for the free space of '${this.path}'`, async () => {
      const { free } = await spaceAt(this.path);
      return free;
    });
  }

  async walBytes(): Promise<number> {
    try {
      return await sizeOfFiles(join(this.path, NAMES.wal));
    } catch (error) {
      const message = `the size of the log in '${this.path}' is unknown: ${errorText(error)}`;
      // Nothing was to be written: the log is as good as before.
      throw new SluiceError('SLUICE_IO', message, { cause: error, kind: 'transient' });
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    try {
      try {
        await this.segments.close();
      } finally {
        await this.wal.close();
      }
    } catch (error) {
      throw levelError(error, `closing '${this.path}' failed`);
    }
    // Once only: by now the directory may belong to another one who has opened it.
    if (!this.#isClosed) openPaths.delete(this.path);
    this.#isClosed = true;
  }
}
