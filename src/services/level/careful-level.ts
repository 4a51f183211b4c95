import { type FileHandle, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { SluiceError } from '../../errors.js';
import { exists, withFileErrors, writeDurably } from './files.js';

declare module 'level' {
  interface Level<KDefault, VDefault> {
    /** What abstract-level calls to open a database; its types name only what users call. */
    _open(options: unknown): Promise<void>;
  }
}

/** What LevelDB reads when it opens a database. Tables come later, and their errors are told. */
const READ_AT_OPENING = /^(?:CURRENT|MANIFEST-\d+|\d+\.log)$/;

/** LevelDB's diary of the latest opening, and what it writes there when it goes on without a log. */
const DIARY = 'LOG';
const IGNORED = /ignoring error\W.*IO error.*/i;

/** Left in a database of which LevelDB has lost something, for every later opening. */
const LOST = 'LOST';

const PIECE_BYTES = 1024 * 1024;

/**
 * LevelDB for a database that must not lose its log. LevelDB itself goes on without a log file that
 * it can't open or read (it has too few file descriptors, a sector is bad), and then deletes it. So
 * what it will read is read once before, which also brings it into memory, and nothing is touched
 * when that fails. What LevelDB ignores nevertheless stands in its diary and is damage from then on.
 */
export class CarefulLevel extends Level {
  constructor(location: string, options: { writeBufferSize: number; createIfMissing: boolean }) {
    super(location, options);
    this.hooks.postopen.add(() => checkDiary(location));
  }

  override async _open(options: unknown): Promise<void> {
    await checkReadable(this.location);
    await super._open(options);
  }
}

/** Errors: `SLUICE_IO` for a file that can't be read, `SLUICE_DAMAGED`. */
function checkReadable(location: string): Promise<void> {
  return withFileErrors(`reading '${location}'`, async () => {
    const names = (await namesIn(location)).filter((name) => READ_AT_OPENING.test(name));
    if (names.includes('CURRENT')) await checkWhole(location, names);
    const files: FileHandle[] = [];
    try {
      // All of them at once, because LevelDB needs about as many descriptors.
      for (const name of names) {
        const file = await openUnlessGone(join(location, name));
        if (file !== undefined) files.push(file);
      }
      for (const file of files) await readThrough(file);
    } finally {
      for (const file of files) await file.close();
    }
  });
}

async function checkWhole(location: string, names: readonly string[]): Promise<void> {
  if (await exists(join(location, LOST))) {
    const lost = await readFile(join(location, LOST), 'utf8');
    throw new SluiceError('SLUICE_DAMAGED', lost.trim());
  }
  // LevelDB begins a log before it names it, and deletes the old one after that.
  if (!names.some((name) => name.endsWith('.log'))) {
    throw new SluiceError('SLUICE_DAMAGED', `the log file in '${location}' is missing`);
  }
}

/** Errors: `SLUICE_DAMAGED`, for good, when LevelDB has left something out. */
function checkDiary(location: string): Promise<void> {
  return withFileErrors(`reading '${location}'`, async () => {
    const diary = await openUnlessGone(join(location, DIARY));
    const text = await diary?.readFile('utf8').finally(() => diary.close());
    const [ignored] = IGNORED.exec(text ?? '') ?? [];
    if (ignored === undefined) return;
    const message = `LevelDB has lost a part of '${location}' when it opened it: ${ignored}`;
    const advice = `use a copy, or delete the file '${LOST}' there to go on with what is left`;
    await writeDurably(join(location, LOST), `${message}; ${advice}\n`);
    throw new SluiceError('SLUICE_DAMAGED', `${message}; ${advice}`);
  });
}

async function readThrough(file: FileHandle): Promise<void> {
  const piece = new Uint8Array(PIECE_BYTES);
  while ((await file.read(piece, 0, PIECE_BYTES, null)).bytesRead > 0);
}

/** Undefined for what isn't there: another process may be at work here until LevelDB has the lock. */
function openUnlessGone(path: string): Promise<FileHandle | undefined> {
  return open(path, 'r').catch(unlessGone(undefined));
}

function namesIn(path: string): Promise<string[]> {
  return readdir(path).catch(unlessGone([]));
}

function unlessGone<T>(otherwise: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === 'ENOENT') return otherwise;
    throw error;
  };
}
