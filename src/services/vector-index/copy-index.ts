import { createReadStream, createWriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { throwIfAborted } from '../../errors.js';
import { makeDirectory, remove, syncFile } from '../level/files.js';
import { type IndexFile, readIndexFile } from './index-files.js';

/**
 * Copies the file of an index; true when the copy is durable and what it should be. Otherwise
 * nothing is left of it: whoever has the copy builds the index anew. Only an abort rejects.
 */
export async function copyIndexFile(
  from: string,
  to: string,
  expected: IndexFile,
  signal: AbortSignal,
): Promise<boolean> {
  throwIfAborted(signal);
  try {
    await makeDirectory(dirname(to));
    await pipeline(createReadStream(from), createWriteStream(to), { signal });
    await syncFile(to);
    const { bytes, checksum } = await readIndexFile(to);
    if (bytes === expected.bytes && checksum === expected.checksum) return true;
  } catch {
    // Gone, damaged, or no room for it: the data is derived, and its absence tells all there is.
  }
  // What can't be removed now is swept by whoever opens the copy: no manifest names it.
  await remove(to).catch(() => {});
  throwIfAborted(signal);
  return false;
}
