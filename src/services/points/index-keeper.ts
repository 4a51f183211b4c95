import { SluiceError, toSluiceError } from '../../errors.js';
import type { VectorIndex, VectorIndexes } from '../vector-index/vector-index.js';
import type { ManifestBody } from './manifest.js';
import type { Segment } from './segment.js';

/** Told of a failure that stops nothing, and (with null) that it is over. */
export type ProblemListener = (what: string, error: SluiceError | null) => void;

/** Indexes by segment, and why others could not be opened. */
export type OpenedIndexes = ReadonlyMap<number, VectorIndex | SluiceError>;

/** What the status says about vector indexes goes by these names. */
const LOST = 'vectorIndex';
const SWEEP = 'vectorIndexSweep';

/**
 * Sees to the index files of a collection: opens those that the manifest names, deletes those that
 * no manifest will name again. An index can always be built anew, so that nothing that goes wrong
 * here keeps a collection from opening or breaks it.
 */
export class IndexKeeper {
  readonly #indexes: VectorIndexes;
  /** Files that the last commit named. */
  #named: ReadonlySet<string> = new Set();
  /** Files that no later commit will name. */
  readonly #garbage = new Set<string>();
  /** Segments that should have an index, and had one. */
  readonly #lost = new Set<number>();
  #report: ProblemListener = () => {};

  constructor(indexes: VectorIndexes) {
    this.#indexes = indexes;
  }

  /** Opens the indexes that a manifest names, while its segments are being loaded. Never rejects. */
  async openAll({ segments, ...shape }: ManifestBody): Promise<OpenedIndexes> {
    const opened = new Map<number, VectorIndex | SluiceError>();
    for (const { id, index: record } of segments) {
      if (record === undefined) continue;
      try {
        opened.set(id, await this.#indexes.open(record, shape));
      } catch (error) {
        opened.set(id, toSluiceError(error, 'SLUICE_INDEX_LOST'));
      }
    }
    return opened;
  }

  /** Gives loaded segments their indexes. One that can't be opened is reported, and left out. */
  attach(
    opened: OpenedIndexes,
    body: ManifestBody,
    segments: readonly Segment[],
    report: ProblemListener,
  ): void {
    this.#report = report;
    this.#lost.clear();
    this.#garbage.clear();
    let failure: SluiceError | undefined;
    for (const segment of segments) {
      const index = opened.get(segment.id);
      if (index === undefined) continue;
      const error = index instanceof SluiceError ? index : rowsError(segment, index);
      if (error === undefined) segment.attach(index as VectorIndex);
      else this.#lost.add(segment.id);
      failure ??= error;
    }
    this.#named = new Set(body.segments.flatMap(({ index }) => index?.file ?? []));
    if (failure !== undefined) report(LOST, failure);
  }

  /** Deletes what an earlier process left; called once the store is known to be sound. */
  async sweep(): Promise<void> {
    try {
      await this.#indexes.sweep(this.#named);
      this.#report(SWEEP, null);
    } catch (error) {
      this.#report(SWEEP, toSluiceError(error, 'SLUICE_IO', 'sweeping index files failed'));
    }
  }

  /** A segment leaves: its file goes with the first commit that doesn't name it. */
  giveUp(segment: Segment): void {
    if (segment.index !== undefined) this.#garbage.add(segment.index.record.file);
  }

  /** The manifest names these files now; what is garbage and not among them can go. */
  async committed(files: readonly string[]): Promise<void> {
    this.#named = new Set(files);
    const unnamed = [...this.#garbage].filter((file) => !this.#named.has(file));
    for (const file of unnamed) this.#garbage.delete(file);
    if (unnamed.length > 0) await this.#indexes.remove(unnamed);
  }

  /** Deletes the file of an index that no manifest has named. */
  discard(index: VectorIndex): Promise<void> {
    return this.#indexes.remove([index.record.file]);
  }

  /** What was lost is over for segments that are gone, or that need no index (any more). */
  settle(isWanted: (id: number) => boolean): void {
    if (this.#lost.size === 0) return;
    for (const id of [...this.#lost]) if (!isWanted(id)) this.#lost.delete(id);
    if (this.#lost.size === 0) this.#report(LOST, null);
  }

  close(): Promise<void> {
    return this.#indexes.close();
  }
}

function rowsError({ id, rows }: Segment, { record }: VectorIndex): SluiceError | undefined {
  if (record.rows === rows) return undefined;
  const message = `the index of segment ${id} covers ${record.rows} rows, and there are ${rows}`;
  return new SluiceError('SLUICE_INDEX_LOST', message);
}
