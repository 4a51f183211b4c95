import {
  createUpdateHandler,
  memoryWal,
  type UpdateHandler,
  type UpdateHandlerOptions,
} from 'sluice';
import type { Wal } from '#sluice/services/ports.js';
import { FaultyWal } from './faulty-wal.js';
import { Hooks } from './hooks.js';
import { SteppedClock } from './stepped-clock.js';
import { TinyOptimizer, type TinyOptimizerOptions } from './tiny-optimizer.js';
import { TinyDisk, type TinyOperation, TinySegments } from './tiny-segments.js';

export interface TinyStoreOptions {
  /** What outlives a crash. */
  disk?: TinyDisk;
  log?: Wal;
  /** Entries of a full segment. */
  capacity?: number;
  /** One optimizer for each entry. @default none */
  optimizers?: readonly TinyOptimizerOptions[];
  /** What scripts the adapters; given when a failure is to come while opening. */
  hooks?: Hooks;
  settings?: Partial<UpdateHandlerOptions<TinyOperation>>;
}

/** A store of numbers under keys, running on the core, with everything a test wants to look at. */
export class TinyStore {
  readonly clock = new SteppedClock();
  readonly hooks: Hooks;
  readonly disk: TinyDisk;
  readonly log: Wal;
  readonly wal: FaultyWal;
  readonly segments: TinySegments;
  readonly optimizers: TinyOptimizer[];
  readonly handler: UpdateHandler<TinyOperation>;

  constructor(options: TinyStoreOptions = {}) {
    this.hooks = options.hooks ?? new Hooks();
    this.disk = options.disk ?? new TinyDisk();
    this.log = options.log ?? memoryWal();
    this.wal = new FaultyWal(this.log, this.hooks);
    this.segments = new TinySegments(this.disk, this.hooks, options.capacity);
    this.optimizers = (options.optimizers ?? []).map(
      (each) => new TinyOptimizer(this.segments, each),
    );
    this.handler = createUpdateHandler<TinyOperation>({
      wal: this.wal,
      segments: this.segments,
      optimizers: this.optimizers,
      clock: this.clock,
      cpuBudget: 4,
      ...options.settings,
    });
  }

  get content(): Record<string, number> {
    return this.segments.content;
  }

  /** The calls at some places, in their order. */
  calls(...places: string[]): string[] {
    return this.hooks.calls.filter((call) =>
      places.some((place) => call === place || call.startsWith(`${place} `)),
    );
  }

  put(key: string, value = 0, wait = true) {
    return this.handler.submit({ put: [key, value] }, { wait });
  }

  /** Puts `count` entries under new keys and waits until they are applied. */
  async fill(count: number, prefix = 'key'): Promise<void> {
    for (let at = 0; at < count; at += 1) void this.put(`${prefix}${at}`, at, false);
    await this.clock.run(this.handler.plunge());
  }

  /** Runs until the promise has settled. */
  run<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    return this.clock.run(promise, limitMs);
  }

  /** What the promise is rejected with; an error when it isn't. */
  async failure(promise: Promise<unknown>): Promise<unknown> {
    const outcome = this.clock.run(
      promise.then(
        (value) => {
          throw new Error(`expected a rejection, got ${JSON.stringify(value)}`);
        },
        (error: unknown) => error,
      ),
    );
    return outcome;
  }

  /** Dies without stopping; gives what a new store needs to go on from there. */
  crash(): { disk: TinyDisk; log: Wal } {
    this.wal.drop();
    return { disk: this.disk, log: this.log };
  }
}

/** Makes a store and waits until it is ready. */
export async function openTiny(options?: TinyStoreOptions): Promise<TinyStore> {
  const store = new TinyStore(options);
  await store.run(store.handler.ready());
  return store;
}
