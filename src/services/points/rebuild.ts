import { assert, throwIfAborted } from '../../errors.js';
import type { Clock } from '../clock.js';
import type { CopyJob } from '../optimizers/copy-rows.js';
import type { Optimization, OptimizationContext } from '../ports.js';
import { type BlockStore, EMPTY_SAVED, keysOf } from './manifest.js';
import { Pace } from './pace.js';
import type { IndexSchema } from './payload-index/segment-indexes.js';
import { SegmentProxy } from './proxy.js';
import { type RewriteSpace, rewriteBytes } from './rewrite-space.js';
import { pictureOf, saveSegments } from './save.js';
import type { Segment } from './segment.js';
import { buildSegmentIndex, type OutputIndexing, wantsIndex } from './segment-index.js';
import type { SegmentList } from './segment-list.js';

/** Copies vectors away from the main thread; `copyRows` of the build thread is one. */
export type CopyVectors = (
  job: CopyJob,
  options: { signal: AbortSignal; clock: Clock; onProgress: (rows: number) => void },
) => Promise<void>;

/** What a rebuild works with; the holder gives it. */
export interface RebuildTools {
  list: SegmentList;
  /** The store's own, as it is at any time. */
  schema: IndexSchema;
  store: BlockStore;
  clock: Clock;
  copyVectors: CopyVectors;
  /** Absent where there are no vector indexes. */
  indexing?: OutputIndexing | undefined;
  /** Takes segments whose blocks and index no commit should name from now on. */
  giveUp: (segments: readonly Segment[]) => void;
  space: RewriteSpace;
}

/** As many stamps as the swap takes over without being noticed. */
const PENDING_MAX = 1000;

/**
 * Writes the live rows of some segments into one new segment, with a vector index if it is large
 * enough, and puts it in their place. All optimizers do this. Points changed meanwhile get their
 * new rows elsewhere; the stamps on their old ones are carried over, so that a point has one live
 * row at any time.
 */
export class Rebuild implements Optimization {
  readonly points: number;
  readonly #tools: RebuildTools;
  readonly #proxies: readonly SegmentProxy[];
  readonly #output: Segment;
  /** Created because the last segment that took rows was frozen. */
  readonly #spare: Segment | undefined;
  /** Gives back the room that was claimed for the file of the index. */
  #releaseIndex: () => void = () => {};

  /** Freezes the sources: they must be in the list and not frozen. */
  constructor(tools: RebuildTools, sources: readonly Segment[]) {
    this.#tools = tools;
    this.points = sources.reduce((sum, source) => sum + source.live, 0);
    this.#proxies = sources.map((source) => new SegmentProxy(source));
    this.#spare = tools.list.ensureAppendable();
    this.#output = tools.list.prepare();
  }

  /** Known when the output has been copied: whether it gets an index depends on its size. */
  get cpus(): number {
    return this.#wantsIndex(this.#output.live) ? (this.#tools.indexing?.cpus ?? 0) : 0;
  }

  async copy(context: OptimizationContext): Promise<void> {
    throwIfAborted(context.signal);
    const { indexing, space } = this.#tools;
    const sources = this.#proxies.map(({ segment }) => segment);
    const { stored, files } = rewriteBytes(sources, this.#tools.list.shape, indexing);
    const release = await space.claim({ what: 'a rewritten segment', stored });
    try {
      this.#releaseIndex = await space.claim({ what: 'a vector index', stored: 0, files });
      await this.#copy(context);
    } catch (error) {
      this.#releaseIndex();
      throw error;
    } finally {
      release();
    }
  }

  async index(context: OptimizationContext): Promise<void> {
    try {
      // What is stamped now is left out of the output soon.
      const isWanted = () => this.#wantsIndex(this.#output.live - this.#pending());
      const index = await buildSegmentIndex(this.#output, this.#tools, isWanted, context);
      if (index !== undefined) this.#output.attach(index);
    } finally {
      this.#releaseIndex();
    }
    throwIfAborted(context.signal);
  }

  async catchUp({ signal }: OptimizationContext): Promise<void> {
    throwIfAborted(signal);
    const { clock, schema } = this.#tools;
    const pace = new Pace(clock, signal);
    await this.#output.payloadIndexes.extendAll(schema, this.#output.rows, pace);
    while (this.#pending() > PENDING_MAX) {
      for (const proxy of this.#proxies) {
        while (proxy.pending > 0) {
          proxy.carryOver(this.#output);
          if (pace.isDue()) await pace.rest();
        }
      }
    }
  }

  swap(): number {
    const { list, schema, giveUp } = this.#tools;
    this.#releaseIndex();
    const output = this.#output;
    // One may have been dropped since it was made.
    output.payloadIndexes.retain(schema);
    for (const proxy of this.#proxies) {
      while (proxy.pending > 0) proxy.carryOver(output);
    }
    const isNeeded = output.live > 0 || !list.hasOtherAppendable(undefined);
    const sources = this.#proxies.map((proxy) => proxy.segment);
    list.replace(sources, isNeeded ? output : undefined);
    if (this.#spare !== undefined) list.dropSpare(this.#spare);
    const dropped = isNeeded ? sources : [...sources, output];
    giveUp(dropped);
    return output.live;
  }

  /** See `Optimization.output`: none when no point was left. */
  get output(): readonly number[] {
    return this.#tools.list.find(this.#output.id) === undefined ? [] : [this.#output.id];
  }

  rollback(): void {
    this.#releaseIndex();
    for (const proxy of this.#proxies) proxy.unfreeze();
    if (this.#spare !== undefined) this.#tools.list.dropSpare(this.#spare);
  }

  async discard(): Promise<void> {
    const { index, saved } = this.#output;
    const keys = keysOf(saved);
    this.#output.saved = EMPTY_SAVED;
    if (index !== undefined) await this.#tools.indexing?.discard(index);
    if (keys.length > 0) await this.#tools.store.deleteBlocks(keys);
  }

  /** True when so many points are enough for an index. */
  #wantsIndex(points: number): boolean {
    return wantsIndex(points, this.#tools);
  }

  #pending(): number {
    return this.#proxies.reduce((sum, proxy) => sum + proxy.pending, 0);
  }

  async #copy({ signal, onProgress }: OptimizationContext): Promise<void> {
    const { clock, store } = this.#tools;
    const pace = new Pace(clock, signal);
    let total = 0;
    for (const proxy of this.#proxies) {
      await proxy.select(total, pace);
      total += proxy.selected.length;
    }
    const report = (copied: number) => onProgress({ copied, indexed: 0, total });
    await this.#copyVectors(total, signal, report);
    await this.#copyRows(pace);
    const [saved] = await saveSegments(store, [pictureOf(this.#output)], clock, signal);
    this.#output.saved = saved ?? EMPTY_SAVED;
    report(total);
  }

  async #copyVectors(
    total: number,
    signal: AbortSignal,
    onProgress: (rows: number) => void,
  ): Promise<void> {
    const { slab } = this.#output;
    slab.allocate(total);
    const pace = new Pace(this.#tools.clock, signal);
    for (const { segment } of this.#proxies) await segment.slab.settle(pace);
    const sources = this.#proxies.map(({ segment, selected }) => ({
      chunks: segment.slab.chunks,
      rowsPerChunk: segment.slab.rowsPerChunk,
      rows: selected,
    }));
    const target = { chunks: slab.chunks, rowsPerChunk: slab.rowsPerChunk };
    const job = { dimensions: slab.dimensions, sources, target };
    await this.#tools.copyVectors(job, { signal, clock: this.#tools.clock, onProgress });
    throwIfAborted(signal);
  }

  async #copyRows(pace: Pace): Promise<void> {
    for (const { segment, selected } of this.#proxies) {
      for (const row of selected) {
        const id = segment.ids[row];
        const insertedAt = segment.insertedAt[row];
        assert(id !== undefined && insertedAt !== undefined, 'a selected row is in its segment');
        const payload = segment.payloads.textAt(row);
        this.#output.adopt({ id, payload, insertedAt });
        if (pace.isDue()) await pace.rest();
      }
    }
  }
}
