import {
  access,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  stat,
  statfs,
} from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorText, SluiceError } from '../../errors.js';

/** True when something has this name; an error other than its absence is thrown. */
export async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Opens a file to read it; undefined when it isn't there. */
export function openUnlessGone(path: string): Promise<FileHandle | undefined> {
  return open(path, 'r').catch(unlessGone(undefined));
}

/** All of a file; undefined when it isn't there. */
export function readUnlessGone(path: string): Promise<Buffer | undefined> {
  return readFile(path).catch(unlessGone(undefined));
}

/** The names in a directory; none when it isn't there. */
export function namesIn(path: string): Promise<string[]> {
  return readdir(path).catch(unlessGone([]));
}

/** Bytes of a file; 0 when it isn't there. */
export async function sizeUnlessGone(path: string): Promise<number> {
  return (await stat(path).catch(unlessGone({ size: 0 }))).size;
}

/** Makes the names in a directory survive a power cut. */
export async function syncDirectory(path: string): Promise<void> {
  // Windows can't open a directory as a file; its file systems write names through a journal.
  if (process.platform === 'win32') return;
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Makes a file that another one has written, and its name, survive a power cut. */
export async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(dirname(path));
}

/** Makes a directory and those above it that are missing; durable when it resolves. */
export async function makeDirectory(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  const above = dirname(resolve(first));
  for (let made = resolve(path); made !== above; ) {
    made = dirname(made);
    await syncDirectory(made);
  }
}

/** Writes a file; durable when it resolves. A power cut before that may leave part of it. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(dirname(path));
}

/** Removes a file or a directory with all it holds; nothing to remove is no error. */
export function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}

/** Removes everything in a directory, and leaves it. */
export async function empty(path: string): Promise<void> {
  for (const name of await readdir(path)) await remove(join(path, name));
}

/** Bytes of a file system: of all of it, and what it still has for this user; infinite if it has no size. */
export async function spaceAt(path: string): Promise<{ total: number; free: number }> {
  const { blocks, bavail, bsize } = await statfs(path);
  if (blocks === 0) return { total: Number.POSITIVE_INFINITY, free: Number.POSITIVE_INFINITY };
  return { total: blocks * bsize, free: bavail * bsize };
}

/** Bytes of the files in a directory; of one that goes meanwhile, none. */
export async function sizeOfFiles(path: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(path)) {
    bytes += await sizeUnlessGone(join(path, name));
  }
  return bytes;
}

/**
 * Runs a job on files and gives its errors a code: `SLUICE_DISK_FULL`, `SLUICE_NOT_A_STORE` when a
 * file is in a directory's place, and `SLUICE_IO` for every other error of the file system.
 */
export async function withFileErrors<T>(what: string, job: () => Promise<T>): Promise<T> {
  try {
    return await job();
  } catch (error) {
    const code = errorCode(error);
    if (error instanceof SluiceError || code === undefined) throw error;
    const known = isFull(code)
      ? 'SLUICE_DISK_FULL'
      : code === 'ENOTDIR'
        ? 'SLUICE_NOT_A_STORE'
        : 'SLUICE_IO';
    throw new SluiceError(known, `${what} failed: ${errorText(error)}`, { cause: error });
  }
}

/** True for the code of the operating system that says that a disk is full. */
export function isFull(code: unknown): boolean {
  return code === 'ENOSPC' || code === 'EDQUOT';
}

function unlessGone<T>(otherwise: T): (error: unknown) => T {
  return (error) => {
    if (errorCode(error) === 'ENOENT') return otherwise;
    throw error;
  };
}

function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && error instanceof Error && 'syscall' in error
    ? code
    : undefined;
}
