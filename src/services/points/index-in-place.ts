import { assert, throwIfAborted } from '../../errors.js';
import type { Optimization, OptimizationContext } from '../ports.js';
import type { VectorIndex } from '../vector-index/vector-index.js';
import { Pace } from './pace.js';
import type { RebuildTools } from './rebuild.js';
import { rewriteBytes } from './rewrite-space.js';
import type { Segment } from './segment.js';
import { buildSegmentIndex, wantsIndex } from './segment-index.js';

/**
 * Gives a segment a vector index without rewriting it: its successor has the same rows, in the same
 * memory and in the same blocks on disk. For one without deleted rows, where a rewriting would only
 * make a second copy of everything.
 */
export class IndexInPlace implements Optimization {
  readonly points: number;
  readonly #tools: RebuildTools;
  readonly #source: Segment;
  /** Created because the last segment that took rows was frozen. */
  readonly #spare: Segment | undefined;
  #releaseFile: () => void = () => {};
  #index: VectorIndex | undefined;
  #output: readonly number[] = [];

  /** Freezes the source: it must be in the list and not frozen. */
  constructor(tools: RebuildTools, source: Segment) {
    assert(!source.frozen, 'a segment is frozen once');
    this.#tools = tools;
    this.#source = source;
    this.points = source.live;
    source.frozen = true;
    this.#spare = tools.list.ensureAppendable();
  }

  get cpus(): number {
    return this.#isWanted() ? (this.#tools.indexing?.cpus ?? 0) : 0;
  }

  /** There is nothing to copy: looks for room for the index, and makes its vectors ready. */
  async copy({ signal, onProgress }: OptimizationContext): Promise<void> {
    throwIfAborted(signal);
    const { indexing, space, list, clock } = this.#tools;
    const { files } = rewriteBytes([this.#source], list.shape, indexing);
    const claimed = space.claim({ what: 'a vector index', stored: 0, files });
    this.#releaseFile = await claimed;
    try {
      await this.#source.slab.settle(new Pace(clock, signal));
      throwIfAborted(signal);
    } catch (error) {
      this.#releaseFile();
      throw error;
    }
    onProgress({ copied: this.points, indexed: 0, total: this.points });
  }

  async index(context: OptimizationContext): Promise<void> {
    try {
      const isWanted = () => this.#isWanted();
      this.#index = await buildSegmentIndex(this.#source, this.#tools, isWanted, context);
    } finally {
      this.#releaseFile();
    }
    throwIfAborted(context.signal);
  }

  /** Stamps have reached the rows already; the payload indexes are made before the first search. */
  async catchUp({ signal }: OptimizationContext): Promise<void> {
    throwIfAborted(signal);
    const { clock, schema } = this.#tools;
    const { payloadIndexes, rows } = this.#source;
    await payloadIndexes.extendAll(schema, rows, new Pace(clock, signal));
  }

  swap(): number {
    this.#releaseFile();
    const { list, giveUp } = this.#tools;
    const source = this.#source;
    const successor = list.prepare(source);
    if (this.#index !== undefined) successor.attach(this.#index);
    const isNeeded = successor.live > 0 || !list.hasOtherAppendable(source);
    list.replace([source], isNeeded ? successor : undefined);
    // From here on it is the successor's, whatever fails.
    this.#index = undefined;
    if (this.#spare !== undefined) list.dropSpare(this.#spare);
    if (isNeeded) this.#output = [successor.id];
    // Otherwise nobody has its blocks and its index any more.
    giveUp(isNeeded ? [] : [successor]);
    return successor.live;
  }

  /** See `Optimization.output`: none when no point was left. */
  get output(): readonly number[] {
    return this.#output;
  }

  rollback(): void {
    this.#releaseFile();
    this.#source.frozen = false;
    if (this.#spare !== undefined) this.#tools.list.dropSpare(this.#spare);
  }

  async discard(): Promise<void> {
    if (this.#index !== undefined) await this.#tools.indexing?.discard(this.#index);
  }

  #isWanted(): boolean {
    return wantsIndex(this.#source.live, this.#tools);
  }
}
