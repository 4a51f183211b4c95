import { join } from 'node:path';
import { errorText, SluiceError, throwIfAborted } from '../../errors.js';
import type { Clock } from '../clock.js';
import { runInThread } from '../optimizers/build-thread.js';
import { copyIndexFile } from './copy-index.js';
import { graphWidth, type IndexShape, numbersOf } from './graph-space.js';
import { IndexFiles, readIndexFile } from './index-files.js';
import { type GraphLibrary, loadGraphLibrary, MappedIndex } from './usearch-index.js';
import type {
  IndexBuildOptions,
  IndexSource,
  VectorIndex,
  VectorIndexes,
  VectorIndexRecord,
} from './vector-index.js';

/** How long a stopped build waits for its thread, which hears nothing while it writes its file. */
const STOP_MS = 80;

/** Where the files are, and what tests replace. */
export interface FileVectorIndexesOptions {
  /** Their directory, made when needed. Without one they are temporary: `close` deletes them. */
  directory?: string;
  /** @default loadGraphLibrary */
  loadLibrary?: () => Promise<GraphLibrary>;
  /** The build thread's entry. */
  workerUrl?: URL;
}

/** The vector indexes of one store, each in a file that is built once and then mapped. */
export class FileVectorIndexes implements VectorIndexes {
  readonly #files: IndexFiles;
  readonly #loadLibrary: () => Promise<GraphLibrary>;
  readonly #thread: { workerUrl?: URL };
  readonly #builds = new Map<AbortController, Promise<VectorIndex>>();
  #closing: Promise<void> | undefined;

  constructor(options: FileVectorIndexesOptions = {}) {
    this.#files = new IndexFiles(options.directory);
    this.#loadLibrary = options.loadLibrary ?? loadGraphLibrary;
    this.#thread = options.workerUrl === undefined ? {} : { workerUrl: options.workerUrl };
  }

  async build(source: IndexSource, options: IndexBuildOptions): Promise<VectorIndex> {
    this.#checkOpen();
    // Of its own, so that closing stops the build too.
    const stop = new AbortController();
    const forward = () => stop.abort(options.signal.reason);
    if (options.signal.aborted) forward();
    options.signal.addEventListener('abort', forward, { once: true });
    const building = this.#build(source, { ...options, signal: stop.signal });
    this.#builds.set(stop, building);
    const settled = () => {
      this.#builds.delete(stop);
      options.signal.removeEventListener('abort', forward);
    };
    building.then(settled, settled);
    return soonAfterStop(building, stop.signal, options.clock);
  }

  async #build(source: IndexSource, options: IndexBuildOptions): Promise<VectorIndex> {
    const { m, efConstruct, threads, signal, clock, onProgress } = options;
    const { dimensions, distance, chunks, rowsPerChunk, rows } = source;
    const library = await this.#loadLibrary();
    const { file, path } = await this.#files.create();
    try {
      const job = { dimensions, distance, chunks, rowsPerChunk, rows, m, efConstruct };
      const written = await runInThread(
        'index',
        { ...job, threads, path },
        { ...this.#thread, signal, clock, onProgress },
      );
      onProgress(rows);
      const index = mapped(library, { file, ...written, rows, m, efConstruct }, source, path);
      this.#files.finish(file);
      return index;
    } catch (error) {
      // The thread has ended, so that nobody writes to the file any more.
      await this.#files.remove([file]);
      throw error;
    }
  }

  async open(record: VectorIndexRecord, shape: IndexShape): Promise<VectorIndex> {
    this.#checkOpen();
    try {
      const path = await this.#files.place(checked(record).file);
      if (path === undefined) throw new RangeError('there is no such file');
      const library = await this.#loadLibrary();
      const { bytes, checksum } = await readIndexFile(path);
      if (bytes !== record.bytes) throw new RangeError(`it has ${bytes} bytes`);
      if (checksum !== record.checksum) throw new RangeError('its checksum is wrong');
      return mapped(library, record, shape, path);
    } catch (error) {
      throw lost(record, error);
    }
  }

  async copy(record: VectorIndexRecord, directory: string, signal: AbortSignal): Promise<boolean> {
    const { file } = record;
    const from = await this.#files.place(file);
    return from !== undefined && copyIndexFile(from, join(directory, file), record, signal);
  }

  remove(files: readonly string[]): Promise<void> {
    return this.#files.remove(files);
  }

  sweep(named: ReadonlySet<string>): Promise<void> {
    return this.#files.sweep(named);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const reason = new SluiceError('SLUICE_CANCELLED', 'the store is being closed');
    for (const stop of this.#builds.keys()) stop.abort(reason);
    await Promise.allSettled(this.#builds.values());
    await this.#files.close();
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) {
      throw new SluiceError('SLUICE_NOT_OPEN', 'the vector indexes are closed');
    }
  }
}

/** As the promise; but soon after a stop it rejects, whatever the promise does. */
function soonAfterStop<T>(promise: Promise<T>, signal: AbortSignal, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: unknown;
    const giveUp = () => {
      try {
        throwIfAborted(signal);
      } catch (error) {
        reject(error);
      }
    };
    const stop = () => {
      timer = clock.setTimeout(giveUp, STOP_MS);
    };
    const settled = () => {
      signal.removeEventListener('abort', stop);
      if (timer !== undefined) clock.clearTimeout(timer);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(settled);
  });
}

/** The record, if it can be one: it comes from a disk. */
function checked(record: VectorIndexRecord): VectorIndexRecord {
  const { file, bytes, checksum, rows, scale, int8 = false, m, efConstruct } = record;
  const counts = [bytes, rows, m, efConstruct];
  if (!counts.every((count) => Number.isSafeInteger(count) && count >= 0) || rows >= 2 ** 32) {
    throw new RangeError('a number in its record is impossible');
  }
  if (!(scale > 0 && scale < Number.POSITIVE_INFINITY))
    throw new RangeError('its scale is impossible');
  if (typeof file !== 'string' || typeof checksum !== 'string' || typeof int8 !== 'boolean') {
    throw new RangeError('its record is garbled');
  }
  return record;
}

/** Maps a file that is known to be intact: some 0.2 ms for every 1000 rows. */
function mapped(
  library: GraphLibrary,
  record: VectorIndexRecord,
  shape: IndexShape,
  path: string,
): VectorIndex {
  try {
    // The file tells how wide it is.
    const widths = [graphWidth(shape, false), graphWidth(shape, true)] as const;
    const graph = library.create(
      { ...shape, numbers: numbersOf(shape, record), width: widths[0] },
      record,
    );
    graph.view(path);
    const fits =
      graph.size() === record.rows &&
      widths.includes(graph.dimensions()) &&
      graph.connectivity() === record.m;
    if (!fits) throw new RangeError('it belongs to other vectors or options');
    return new MappedIndex(record, shape, graph);
  } catch (error) {
    throw lost(record, error);
  }
}

function lost({ file }: VectorIndexRecord, error: unknown): SluiceError {
  if (error instanceof SluiceError && error.code === 'SLUICE_INDEX_LOST') return error;
  const message = `the vector index '${file}' can't be used: ${errorText(error)}`;
  return new SluiceError('SLUICE_INDEX_LOST', message, { cause: error });
}
