import type {
  Optimization,
  OptimizationContext,
  SegmentInfo,
  SegmentOptimizer,
} from '#sluice/services/ports.js';
import type { TinySegment, TinySegments } from './tiny-segments.js';

export interface TinyOptimizerOptions {
  name?: string;
  /** Small segments that are merged into one. */
  fanIn?: number;
  /** A segment with this many entries is not small. */
  bigEntries?: number;
  cpus?: number;
}

/** Merges small sealed segments, `fanIn` at a time. */
export class TinyOptimizer implements SegmentOptimizer {
  readonly name: string;
  readonly #store: TinySegments;
  readonly #fanIn: number;
  readonly #bigEntries: number;
  readonly #cpus: number;
  /** The runs whose sources are frozen now, and the most there ever were. */
  active: (readonly number[])[] = [];
  activeMost = 0;

  constructor(store: TinySegments, options: TinyOptimizerOptions = {}) {
    const { name = 'compaction', fanIn = 2, bigEntries = 4, cpus = 1 } = options;
    this.#store = store;
    this.name = name;
    this.#fanIn = fanIn;
    this.#bigEntries = bigEntries;
    this.#cpus = cpus;
  }

  select(segments: readonly SegmentInfo[], busy: ReadonlySet<number>): readonly number[] {
    this.#store.hooks.now(`${this.name}.select`);
    const small = segments.filter(
      ({ id, points, appendable }) => !appendable && points < this.#bigEntries && !busy.has(id),
    );
    return small.length < this.#fanIn ? [] : small.slice(0, this.#fanIn).map(({ id }) => id);
  }

  begin(ids: readonly number[]): Optimization | undefined {
    this.#store.hooks.now(`${this.name}.begin`, ids.join('+'));
    const sources = this.#store.freeze(ids);
    if (sources === undefined) return undefined;
    this.active.push(ids);
    this.activeMost = Math.max(this.activeMost, this.active.length);
    return new TinyOptimization(this.#store, this.name, sources, this.#cpus, () => {
      this.active = this.active.filter((other) => other !== ids);
    });
  }
}

class TinyOptimization implements Optimization {
  readonly points: number;
  readonly cpus: number;
  readonly #store: TinySegments;
  readonly #name: string;
  readonly #sources: readonly TinySegment[];
  readonly #ended: () => void;
  readonly #block: string;
  #output = new Map<string, number>();
  output: readonly number[] = [];

  constructor(
    store: TinySegments,
    name: string,
    sources: readonly TinySegment[],
    cpus: number,
    ended: () => void,
  ) {
    this.#store = store;
    this.#name = name;
    this.#sources = sources;
    this.cpus = cpus;
    this.#ended = ended;
    this.points = sources.reduce((sum, { entries }) => sum + entries.size, 0);
    this.#block = `${name} of ${sources.map(({ id }) => id).join('+')}`;
  }

  async copy({ signal, onProgress }: OptimizationContext): Promise<void> {
    this.#output = new Map(this.#sources.flatMap(({ entries }) => [...entries]));
    this.#store.disk.blocks.add(this.#block);
    onProgress({ copied: this.#output.size, indexed: 0, total: this.points });
    await this.#store.hooks.pass(`${this.#name}.copy`, '', signal);
  }

  async index({ signal, permits, onProgress }: OptimizationContext): Promise<void> {
    await this.#store.hooks.pass(`${this.#name}.index`, `with ${permits}`, signal);
    onProgress({ copied: this.#output.size, indexed: this.#output.size, total: this.points });
  }

  async catchUp({ signal }: OptimizationContext): Promise<void> {
    await this.#store.hooks.pass(`${this.#name}.catchUp`, '', signal);
  }

  swap(): number {
    this.#store.hooks.now(`${this.#name}.swap`);
    // A frozen segment takes no new entries: what it has lost meanwhile was deleted or overwritten.
    const live = new Set(this.#sources.flatMap(({ entries }) => [...entries.keys()]));
    for (const key of this.#output.keys()) if (!live.has(key)) this.#output.delete(key);
    this.output = [this.#store.replace(this.#sources, this.#output).id];
    this.#ended();
    return this.#output.size;
  }

  rollback(): void {
    for (const segment of this.#sources) segment.frozen = false;
    this.#ended();
    this.#store.hooks.now(`${this.#name}.rollback`);
  }

  async discard(): Promise<void> {
    await this.#store.hooks.pass(`${this.#name}.discard`);
    this.#store.disk.blocks.delete(this.#block);
  }
}
