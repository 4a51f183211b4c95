import { SluiceError, toSluiceError } from '../../errors.js';
import type { VectorIndex, VectorIndexes } from '../vector-index/vector-index.js';
import type { ManifestBody } from './manifest.js';
import type { Segment } from './segment.js';
import type { VectorShape } from './slab.js';

/** Told of a failure that stops nothing, and (with null) that it is over. */
export type ProblemListener = (what: string, error: SluiceError | null) => void;

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

  /** Opens the indexes of loaded segments. One that can't be opened is reported, and left out. */
  async open(
    body: ManifestBody,
    segments: readonly Segment[],
    report: ProblemListener,
  ): Promise<void> {
    this.#report = report;
    this.#lost.clear();
    this.#garbage.clear();
    const shape: VectorShape = body;
    let failure: SluiceError | undefined;
    for (const { id, index: record } of body.segments) {
      const segment = segments.find((loaded) => loaded.id === id);
      if (record === undefined || segment === undefined) continue;
      try {
        const index = await this.#indexes.open(record, shape);
        if (record.rows !== segment.rows) throw wrongRows(id, record.rows, segment.rows);
        segment.attach(index);
      } catch (error) {
        this.#lost.add(id);
        failure ??= toSluiceError(error, 'SLUICE_INDEX_LOST');
      }
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

function wrongRows(id: number, indexed: number, rows: number): SluiceError {
  const message = `the index of segment ${id} covers ${indexed} rows, and there are ${rows}`;
  return new SluiceError('SLUICE_INDEX_LOST', message);
}
