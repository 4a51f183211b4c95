import type { CollectionParts } from './collection-parts.js';
import { SluiceError, throwIfAborted } from './errors.js';
import { createStore } from './services/level/new-store.js';
import { SegmentStore } from './services/level/segment-store.js';
import { functionOption, type OptionChecks, signalOption } from './services/option-checks.js';
import type { ManifestBody } from './services/points/manifest.js';
import type { PointSnapshot, SnapshotProgress } from './services/points/snapshot.js';
import type { VectorIndexRecord } from './services/vector-index/vector-index.js';

/** Options of `snapshot`. */
export interface SnapshotOptions {
  /** Gives the snapshot up: it rejects with `SLUICE_ABORTED`, and nothing is left of it. */
  signal?: AbortSignal;
  /** Called with each block that is written. */
  onProgress?: (progress: SnapshotProgress) => void;
}

export const SNAPSHOT_CHECKS: OptionChecks<SnapshotOptions> = {
  signal: signalOption,
  onProgress: functionOption<NonNullable<SnapshotOptions['onProgress']>>(),
};

/** A snapshot that was written. */
export interface SnapshotResult {
  /** The directory, without symbolic links. */
  path: string;
  /** It holds the effects of operations 1…opNum, and of no other. */
  opNum: number;
  points: number;
}

/** Writes the snapshots of a collection, and ends them when it closes. */
export class Snapshots {
  readonly #parts: CollectionParts;
  readonly #running = new Map<AbortController, Promise<unknown>>();

  constructor(parts: CollectionParts) {
    this.#parts = parts;
  }

  /** See `Collection.snapshot`. */
  async take(target: string, options: SnapshotOptions): Promise<SnapshotResult> {
    const { signal, onProgress = () => {} } = options;
    const controller = new AbortController();
    const giveUp = () => {
      controller.abort(new SluiceError('SLUICE_ABORTED', 'the snapshot was given up'));
    };
    signal?.addEventListener('abort', giveUp, { once: true });
    if (signal?.aborted) giveUp();
    const running = this.#take(target, controller.signal, onProgress);
    this.#running.set(controller, running);
    try {
      return await running;
    } finally {
      this.#running.delete(controller);
      signal?.removeEventListener('abort', giveUp);
    }
  }

  /** Snapshots that are under way. */
  get running(): number {
    return this.#running.size;
  }

  /** Ends those that are under way: each rejects, and nothing is left of it. */
  async close(): Promise<void> {
    const closed = new SluiceError('SLUICE_STOPPED', 'the collection has been closed');
    for (const controller of this.#running.keys()) controller.abort(closed);
    await Promise.allSettled(this.#running.values());
  }

  async #take(
    target: string,
    signal: AbortSignal,
    onProgress: (progress: SnapshotProgress) => void,
  ): Promise<SnapshotResult> {
    const { handler, holder } = this.#parts;
    await orAborted(() => handler.plunge(), signal);
    // One step: what the view keeps is what the snapshot writes.
    const view = holder.view();
    const snapshot = holder.snapshot();
    try {
      const path = await this.#write(target, snapshot, signal, onProgress);
      const { opNum, points } = snapshot;
      return { path, opNum, points };
    } finally {
      view.release();
    }
  }

  #write(
    target: string,
    snapshot: PointSnapshot,
    signal: AbortSignal,
    onProgress: (progress: SnapshotProgress) => void,
  ): Promise<string> {
    const { handler, holder, clock, path, indexes } = this.#parts;
    const claim = (files: number) => holder.space.claim({ what: 'a snapshot', stored: 0, files });
    const { opNum, bytes } = snapshot;
    return createStore(target, {
      beside: path === undefined ? undefined : { path, claim },
      bytes,
      opNum,
      signal,
      fill: async ({ segments, vectorIndexPath }, storeId) => {
        const store = new SegmentStore<ManifestBody>(segments);
        const copyIndex = async (index: VectorIndexRecord) =>
          (await indexes?.copy(index, vectorIndexPath, signal)) ?? false;
        await snapshot.write(store, { storeId, clock, signal, onProgress, copyIndex });
        // A power cut must not take from the collection what the snapshot has.
        await orAborted(() => handler.flush(), signal);
      },
    });
  }
}

/** Waits for something that takes no signal, until the signal fires. */
async function orAborted<T>(begin: () => Promise<T>, signal: AbortSignal): Promise<T> {
  throwIfAborted(signal);
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([begin(), aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
