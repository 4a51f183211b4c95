import type { Distance } from 'sluice';
import { SluiceError } from 'sluice';
import { rowScore } from '#sluice/services/points/distance.js';
import type {
  IndexBuildOptions,
  IndexSource,
  VectorIndex,
  VectorIndexes,
  VectorIndexRecord,
} from '#sluice/services/vector-index/vector-index.js';

interface Vectors {
  dimensions: number;
  distance: Distance;
  rows: readonly Float32Array[];
}

/** Indexes that compare with every row, in files that are entries of a map. */
export class FakeIndexes implements VectorIndexes {
  readonly files = new Map<string, Vectors>();
  /** The candidates that each search asked for. */
  readonly searches: number[] = [];
  builds: IndexBuildOptions[] = [];
  /** Called in the middle of a build. */
  onBuild: () => void = () => {};

  /** The same files: another process that opens them may delete its own. */
  clone(): FakeIndexes {
    const clone = new FakeIndexes();
    for (const [file, vectors] of this.files) clone.files.set(file, vectors);
    return clone;
  }

  async build(source: IndexSource, options: IndexBuildOptions): Promise<VectorIndex> {
    this.builds.push(options);
    const { dimensions, distance, chunks, rowsPerChunk } = source;
    const rows = Array.from({ length: source.rows }, (_, row) => {
      const begin = (row % rowsPerChunk) * dimensions;
      const chunk = chunks[Math.floor(row / rowsPerChunk)] ?? new Float32Array(0);
      return chunk.slice(begin, begin + dimensions);
    });
    options.onProgress(Math.floor(rows.length / 2));
    this.onBuild();
    const file = `${this.builds.length}.fake`;
    const { m, efConstruct } = options;
    this.files.set(file, { dimensions, distance, rows });
    const graph = { m, efConstruct, scale: 1 };
    const record = { file, bytes: 1, checksum: '0', rows: rows.length, ...graph };
    return this.open(record);
  }

  async open(record: VectorIndexRecord): Promise<VectorIndex> {
    const vectors = this.files.get(record.file);
    if (vectors === undefined) throw new SluiceError('SLUICE_INDEX_LOST', 'the file is missing');
    return { record, search: (query, ef) => this.#search(vectors, query, ef) };
  }

  async copy(): Promise<boolean> {
    return false;
  }

  async remove(files: readonly string[]): Promise<void> {
    for (const file of files) this.files.delete(file);
  }

  async sweep(named: ReadonlySet<string>): Promise<void> {
    await this.remove([...this.files.keys()].filter((file) => !named.has(file)));
  }

  async close(): Promise<void> {}

  #search({ distance, rows }: Vectors, query: Float32Array, ef: number): Uint32Array {
    this.searches.push(ef);
    // Inverse norms are taken as 1: the tests use vectors of equal lengths.
    const score = rowScore(distance, query);
    const sign = distance === 'euclid' ? 1 : -1;
    const scored = rows.map((vector, row) => ({ row, score: sign * score(vector, 0, 1) }));
    scored.sort((a, b) => a.score - b.score);
    return Uint32Array.from(scored.slice(0, ef), ({ row }) => row);
  }
}
