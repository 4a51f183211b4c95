import type { Payload, PointId } from 'sluice';
import { systemClock } from '#sluice/services/clock.js';
import { copyRowsNow } from '#sluice/services/optimizers/copy-rows.js';
import { PointHolder } from '#sluice/services/points/holder.js';
import type { PointHolderOptions } from '#sluice/services/points/holder-options.js';
import type { BlockStore } from '#sluice/services/points/manifest.js';
import type { PointOperation } from '#sluice/services/points/operations.js';
import type { CopyVectors } from '#sluice/services/points/rebuild.js';
import type { Optimization } from '#sluice/services/ports.js';
import { TestBlockStore } from './block-store.js';

export const neverAborted = new AbortController().signal;

/** Copies on this thread, in one go. */
export const copyHere: CopyVectors = async (job, { onProgress }) => {
  onProgress(copyRowsNow(job, () => {}));
};

export function makeHolder(
  store: BlockStore = new TestBlockStore(),
  options: Partial<PointHolderOptions> = {},
): PointHolder {
  const defaults = { store, clock: systemClock, dimensions: 2, cpus: 1, copyVectors: copyHere };
  return new PointHolder({ ...defaults, ...options });
}

export async function openHolder(
  store?: BlockStore,
  options?: Partial<PointHolderOptions>,
): Promise<PointHolder> {
  const holder = makeHolder(store, options);
  await holder.open({ storeId: 'test', signal: neverAborted, onProgress: () => {} });
  return holder;
}

/** Points `ids` with the vector [value, -value] and the payload `{ value }`. */
export function upsertOf(ids: readonly PointId[], value: number, payload?: Payload) {
  return {
    kind: 'upsert',
    ids,
    vectors: Float32Array.from(ids.flatMap(() => [value, -value])),
    payloads: ids.map(() => payload ?? { value }),
  } as const satisfies PointOperation;
}

/** Applies operations one after the other and remembers nothing of declines. */
export class Writer {
  constructor(readonly holder: PointHolder) {}

  apply(operation: PointOperation): number {
    return this.holder.apply(this.holder.applied + 1, operation);
  }

  upsert(ids: readonly PointId[], value: number, payload?: Payload): number {
    return this.apply(upsertOf(ids, value, payload));
  }

  delete(ids: readonly PointId[]): number {
    return this.apply({ kind: 'delete', selector: ids });
  }
}

/** One round of the flush worker. */
export async function flush(holder: PointHolder): Promise<void> {
  const capture = holder.capture(holder.applied);
  try {
    await capture.writeBlocks(neverAborted);
    await capture.commit();
  } finally {
    capture.release();
  }
}

export const context = { signal: neverAborted, permits: 1, onProgress: () => {} };

/** A whole run, as the optimization task does it. */
export async function rebuildAll(holder: PointHolder, ids: readonly number[]): Promise<number> {
  const run = begin(holder, ids);
  await run.copy(context);
  await run.catchUp(context);
  return run.swap();
}

export function begin(holder: PointHolder, ids: readonly number[]): Optimization {
  const run = holder.beginRebuild(ids);
  if (run === undefined) throw new Error('the segments are free');
  return run;
}

/** Opens what is on disk now, in another holder; the disk itself stays as it is. */
export async function reload(
  store: TestBlockStore,
  options?: Partial<PointHolderOptions>,
): Promise<PointHolder> {
  return openHolder(new TestBlockStore(store.disk.copy()), options);
}

/** Everything a reader can see, by id. */
export async function contents(
  holder: PointHolder,
): Promise<Map<PointId, { payload: Payload; vector: number[] }>> {
  const { points } = await holder.scroll({ limit: 1_000_000, withVector: true });
  if (points.length !== holder.pointCount) throw new Error('a point is live twice');
  return new Map(
    points.map(({ id, payload, vector = [] }) => [id, { payload, vector: [...vector] }]),
  );
}

/** The segments' ids, in their order. */
export function idsOf(holder: PointHolder): number[] {
  return holder.segments().map((segment) => segment.id);
}

/** Looks at the clock as if every look took 5 ms, and runs `onYield` in each turn it gives up. */
export function slicingClock(onYield: () => void) {
  let now = 0;
  const clock = {
    ...systemClock,
    turns: 0,
    now: () => {
      now += 5;
      return now;
    },
    yield: async () => {
      clock.turns += 1;
      await systemClock.yield();
      onYield();
    },
  };
  return clock;
}
