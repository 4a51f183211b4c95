import { mkdtemp, open, readdir, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorText, SluiceError } from '../../errors.js';
import { isFull } from '../level/files.js';
import { newChecksum } from '../level/frame.js';
import { randomId } from '../random-id.js';

/** What a file holds, in short. */
export interface IndexFile {
  bytes: number;
  /** Of the whole file: 64-bit xxHash, 16 hexadecimal digits. */
  checksum: string;
}

const NAME = /^[0-9a-f]{32}\.hnsw$/;

/** Read and hashed in one turn of the event loop: some 0.3 ms of work. */
const PIECE_BYTES = 1024 * 1024;

/** Reads a whole file, a piece a turn. */
export async function readIndexFile(path: string): Promise<IndexFile> {
  const hash = await newChecksum();
  const file = await open(path, 'r');
  try {
    const piece = new Uint8Array(PIECE_BYTES);
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, bytes);
      if (bytesRead === 0) break;
      hash.update(piece.subarray(0, bytesRead));
      bytes += bytesRead;
    }
    return { bytes, checksum: hash.digest().toString(16).padStart(16, '0') };
  } finally {
    await file.close();
  }
}

/**
 * An error of the file system as one that can be tried again, whatever it is: the data of an index
 * is derived, so that its loss never breaks a store.
 */
export function transientFileError(error: unknown, message: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const { code } = error as { code?: unknown };
  return new SluiceError(
    isFull(code) ? 'SLUICE_NOT_ENOUGH_SPACE' : 'SLUICE_IO',
    `${message}: ${errorText(error)}`,
    { cause: error, kind: 'transient' },
  );
}

/** The names and places of the index files of one store. */
export class IndexFiles {
  readonly #isTemporary: boolean;
  #directory: Promise<string> | undefined;
  /** Being written: their writer deletes them if it fails. */
  readonly #unfinished = new Set<string>();

  /** Without a directory, one for temporary files is made when the first file is. */
  constructor(directory: string | undefined) {
    this.#isTemporary = directory === undefined;
    if (directory !== undefined) this.#directory = Promise.resolve(directory);
  }

  /**
   * The name for a new file, and its place. Names are random, so that none is used twice. No sweep
   * takes it before `finish`.
   */
  async create(): Promise<{ file: string; path: string }> {
    this.#directory ??= mkdtemp(join(tmpdir(), 'sluice-vector-index-'));
    try {
      const directory = await this.#directory;
      const file = `${randomId(16)}.hnsw`;
      this.#unfinished.add(file);
      return { file, path: join(directory, file) };
    } catch (error) {
      this.#directory = undefined;
      throw transientFileError(error, 'making a directory for vector indexes failed');
    }
  }

  /** The file is written: from now on a sweep takes it unless it is named. */
  finish(file: string): void {
    this.#unfinished.delete(file);
  }

  /** The place of a file; undefined when the name can't be that of one. */
  async place(file: string): Promise<string | undefined> {
    const directory = await this.#directory;
    return directory !== undefined && NAME.test(file) ? join(directory, file) : undefined;
  }

  async remove(files: Iterable<string>): Promise<void> {
    for (const file of files) {
      const path = await this.place(file);
      if (path === undefined) continue;
      try {
        await unlink(path);
      } catch {
        // It is gone, or can't be deleted now, as one that is mapped on Windows: a sweep's turn.
      }
      this.#unfinished.delete(file);
    }
  }

  async sweep(named: ReadonlySet<string>): Promise<void> {
    // Those that are finished meanwhile are not left over either.
    const unfinished = new Set(this.#unfinished);
    const directory = await this.#directory;
    if (directory === undefined) return;
    const left = (await namesIn(directory)).filter(
      (file) => ![named, unfinished, this.#unfinished].some((files) => files.has(file)),
    );
    await this.remove(left);
  }

  /** Deletes a temporary directory with all its files. */
  async close(): Promise<void> {
    if (!this.#isTemporary || this.#directory === undefined) return;
    const directory = await this.#directory;
    this.#directory = undefined;
    try {
      await rm(directory, { recursive: true, force: true });
    } catch (error) {
      throw transientFileError(error, `deleting '${directory}' failed`);
    }
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    // It is made by the first build.
    if ((error as { code?: unknown }).code === 'ENOENT') return [];
    throw transientFileError(error, `looking for vector indexes in '${directory}' failed`);
  }
}
