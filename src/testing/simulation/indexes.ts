import { SluiceError, throwIfAborted } from '../../errors.js';
import { type Clock, sleep } from '../../services/clock.js';
import type {
  IndexBuildOptions,
  IndexSource,
  VectorIndex,
  VectorIndexes,
  VectorIndexRecord,
} from '../../services/vector-index/vector-index.js';
import type { Distance } from '../../types.js';
import type { FaultSource } from './faults.js';

/** What lies in an index file: the vectors themselves. */
export interface IndexFile {
  distance: Distance;
  rows: readonly Float32Array[];
}

/** Index files; they outlive the processes that write them. */
export class IndexFiles {
  readonly files = new Map<string, IndexFile>();
  #count = 0;

  /** A name that was never used. */
  nextName(): string {
    this.#count += 1;
    return `${this.#count}.index`;
  }
}

/** Rows between two looks at whether a build should stop. */
const ROWS_A_STEP = 8;

/**
 * Vector indexes that look at every row, built in virtual time instead of a worker thread. As a
 * build of the product, one leaves no file when it is stopped or fails.
 */
export class SimulatedIndexes implements VectorIndexes {
  readonly #disk: IndexFiles;
  readonly #clock: Clock;
  readonly #faults: FaultSource;

  constructor(disk: IndexFiles, clock: Clock, faults: FaultSource) {
    this.#disk = disk;
    this.#clock = clock;
    this.#faults = faults;
  }

  async build(source: IndexSource, options: IndexBuildOptions): Promise<VectorIndex> {
    const { signal, onProgress, m, efConstruct } = options;
    const { dimensions, distance, chunks, rowsPerChunk } = source;
    const rows: Float32Array[] = [];
    await sleep(this.#clock, this.#faults.deafMs());
    while (rows.length < source.rows) {
      await sleep(this.#clock, this.#faults.buildMs(), signal);
      throwIfAborted(signal);
      for (let count = 0; count < ROWS_A_STEP && rows.length < source.rows; count++) {
        const row = rows.length;
        const begin = (row % rowsPerChunk) * dimensions;
        const chunk = chunks[Math.floor(row / rowsPerChunk)] ?? new Float32Array(0);
        rows.push(chunk.slice(begin, begin + dimensions));
      }
      onProgress(rows.length);
    }
    if (this.#faults.failsBuild()) throw buildFailure();
    const file = this.#disk.nextName();
    this.#disk.files.set(file, { distance, rows });
    const graph = { m, efConstruct, scale: 1 };
    return this.open({ file, bytes: 1, checksum: '0', rows: rows.length, ...graph });
  }

  async open(record: VectorIndexRecord): Promise<VectorIndex> {
    const file = this.#disk.files.get(record.file);
    if (file === undefined) {
      throw new SluiceError('SLUICE_INDEX_LOST', `the index file ${record.file} is missing`);
    }
    return { record, search: (query, ef) => nearest(file, query, ef) };
  }

  async copy(): Promise<boolean> {
    return false;
  }

  async remove(files: readonly string[]): Promise<void> {
    for (const file of files) this.#disk.files.delete(file);
  }

  async sweep(named: ReadonlySet<string>): Promise<void> {
    await this.remove([...this.#disk.files.keys()].filter((file) => !named.has(file)));
  }

  async close(): Promise<void> {}
}

/** What a build that fails rejects with, as when its thread has died. */
export function buildFailure(): SluiceError {
  return new SluiceError('SLUICE_THREAD', 'the build failed', { kind: 'transient' });
}

function nearest({ distance, rows }: IndexFile, query: Float32Array, ef: number): Uint32Array {
  const scored = rows.map((vector, row) => {
    let sum = 0;
    for (const [at, value] of vector.entries()) {
      const wanted = query[at] ?? 0;
      sum += distance === 'euclid' ? (wanted - value) ** 2 : -wanted * value;
    }
    return { row, sum };
  });
  scored.sort((a, b) => a.sum - b.sum || a.row - b.row);
  return Uint32Array.from(scored.slice(0, ef), ({ row }) => row);
}
