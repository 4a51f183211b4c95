import { readdir, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError } from '../../errors.js';
import { exists, remove, syncDirectory, writeDurably } from './files.js';

/** The names in the directory of a store. */
export const NAMES = {
  wal: 'wal',
  segments: 'segments',
  /** Made by the first build of an index; a store without it has none. */
  vectorIndex: 'vector-index',
  format: 'FORMAT',
  creating: 'CREATING',
};

/** Names of parts that a creation hasn't put in place yet begin so. */
export const UNFINISHED_PREFIX = 'unfinished-';

const FORMAT = 1;

/** The format file until it is whole. */
const FORMAT_WRITTEN = 'FORMAT.new';

/**
 * What is at a path. `unfinished`: a creation has begun and not ended; whether it is under way
 * elsewhere can only be told while holding the log's lock.
 */
export type DirectoryState = 'missing' | 'empty' | 'unfinished' | 'finished' | 'foreign';

/**
 * Looks at a path without changing anything. The marks are looked for in this order because a
 * creation sets them the other way round: `CREATING` goes only when `FORMAT` is there.
 */
export async function directoryState(path: string): Promise<DirectoryState> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) return 'missing';
  if (!found.isDirectory()) return 'foreign';
  const creating = await exists(join(path, NAMES.creating));
  if (await exists(join(path, NAMES.format))) return 'finished';
  const names = await readdir(path);
  if (names.includes(NAMES.format)) return 'finished';
  if (creating || names.includes(NAMES.creating)) return 'unfinished';
  return names.length === 0 ? 'empty' : 'foreign';
}

/** Marks a directory as one in which a store is being created; durable when it resolves. */
export function markCreating(path: string): Promise<void> {
  return writeDurably(join(path, NAMES.creating), '');
}

/** Marks a store as finished; durable when it resolves. */
export async function markFinished(path: string): Promise<void> {
  const written = join(path, FORMAT_WRITTEN);
  await writeDurably(written, `${JSON.stringify({ format: FORMAT })}\n`);
  await rename(written, join(path, NAMES.format));
  await syncDirectory(path);
  await clearMarks(path);
}

/** Removes what a creation has left in a finished store; only while holding the log's lock. */
export async function clearMarks(path: string): Promise<void> {
  const names = await readdir(path);
  const leftovers = names.filter(
    (name) => name.startsWith(UNFINISHED_PREFIX) || name === FORMAT_WRITTEN,
  );
  for (const name of leftovers) await remove(join(path, name));
  await remove(join(path, NAMES.creating));
  await syncDirectory(path);
}

/**
 * Checks the format file and that both databases are there.
 * Errors: `SLUICE_DAMAGED`, `SLUICE_FORMAT_UNKNOWN`.
 */
export async function checkFinished(path: string): Promise<void> {
  const format = formatNumber(await readFile(join(path, NAMES.format), 'utf8'));
  if (format === undefined) {
    throw new SluiceError('SLUICE_DAMAGED', `the file '${NAMES.format}' in '${path}' is garbled`);
  }
  if (format !== FORMAT) {
    throw new SluiceError(
      'SLUICE_FORMAT_UNKNOWN',
      `'${path}' has format ${format}; this version of Sluice reads format ${FORMAT}`,
    );
  }
  for (const name of [NAMES.wal, NAMES.segments]) {
    if (!(await exists(join(path, name)))) {
      throw new SluiceError('SLUICE_DAMAGED', `the directory '${name}' in '${path}' is missing`);
    }
  }
}

function formatNumber(text: string): number | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The caller reports text that isn't JSON like JSON that isn't a format.
    return undefined;
  }
  const format = (value as { format?: unknown } | null)?.format;
  return Number.isSafeInteger(format) && (format as number) >= 1 ? (format as number) : undefined;
}
