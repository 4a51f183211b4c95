// What the optimizers do to a collection, with the numbers of the model's own tests.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryLevel } from 'memory-level';
import { type Collection, type OptimizerOptions, openCollection, verifyStore } from 'sluice';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type BuildThread, copyGate } from '../support/copy-gate.js';
import { contentsOf, type PointModel, points, until, vectorOf } from '../support/points.js';
import { ONE_UPSERT_A_SEGMENT, openFilled, sizesOf } from '../support/segments.js';
import { newStore, STORES } from '../support/stores.js';

vi.mock('#sluice/services/optimizers/build-thread.js', async (original) => {
  const { copyGate } = await import('../support/copy-gate.js');
  return copyGate.around(await original<BuildThread>());
});

beforeEach(() => copyGate.reset());

/** The model's fixture of merging: five segments wanted, 100,000 KB at most. */
const MERGE: Partial<OptimizerOptions> = {
  defaultSegmentNumber: 5,
  maxSegmentSizeKb: 100_000,
  maxOptimizationThreads: null,
};

function modelOf(count: number): PointModel {
  return new Map(
    points(0, count, 256).map(({ id, payload }) => [
      id,
      { vector: vectorOf(Number(id), 256), payload: payload ?? {} },
    ]),
  );
}

function idsBySize(collection: Collection, size: number): number[] {
  return collection.info().segments.flatMap(({ id, points }) => (points === size ? [id] : []));
}

/** Nothing is left of an optimization: no frozen segment, no permit, every tracker at its end. */
function expectAtRest(collection: Collection): void {
  expect(collection.info().segments.filter(({ frozen }) => frozen)).toEqual([]);
  const { budgets, optimizations } = collection.telemetry();
  expect([budgets.io.used, budgets.cpu.used, optimizations.running]).toEqual([0, 0, 0]);
  expect(collection.optimizations().running).toEqual([]);
}

describe.each(STORES)('on $kind', ({ create }) => {
  it('optimization process: 3x3, 1x110, 2x20 points: the three small ones become one', async () => {
    const store = newStore(create);
    const collection = await openFilled(store, [3, 3, 3, 110, 20, 20]);
    expect(sizesOf(collection)).toEqual([110, 20, 20, 3, 3, 3]);
    const small = idsBySize(collection, 3);
    const [large] = idsBySize(collection, 110);
    await collection.configure({ optimizers: MERGE });
    expect(await collection.optimize()).toMatchObject({ color: 'green' });
    const { completed, queued, running } = collection.optimizations();
    expect(
      completed.map(({ optimizer, segmentIds, status }) => [optimizer, segmentIds, status]),
    ).toEqual([['merge', small, { state: 'done' }]]);
    expect([queued, running]).toEqual([[], []]);
    expect(sizesOf(collection)).toEqual([110, 20, 20, 9]);
    const ids = collection.info().segments.map(({ id }) => id);
    expect(ids).toContain(large);
    expect(ids.filter((id) => small.includes(id))).toEqual([]);
    expect(collection.telemetry().optimizations.points).toBe(9);
    // A second look finds nothing.
    await collection.optimize();
    expect(collection.optimizations().completed).toHaveLength(1);
    expectAtRest(collection);
    await collection.close();
    const again = await store.open();
    expect(sizesOf(again)).toEqual([110, 20, 20, 9]);
    expect(await contentsOf(again)).toEqual(modelOf(159));
  });

  it('merge: of 3, 3, 3, 10, 20, 20, 20 points the first four make one of 19', async () => {
    const store = newStore(create);
    const collection = await openFilled(store, [3, 3, 3, 10, 20, 20, 20]);
    const large = idsBySize(collection, 20);
    await collection.configure({ optimizers: MERGE });
    await collection.optimize();
    expect(sizesOf(collection)).toEqual([20, 20, 20, 19]);
    expect(idsBySize(collection, 20)).toEqual(large);
    expect(await contentsOf(collection)).toEqual(modelOf(79));
  });

  it('merge: segments of 40, 50 and 60 KB are merged below 200 KB, not below 100 KB', async () => {
    const store = newStore(create);
    const collection = await openFilled(store, [40, 50, 60]);
    const merge = (maxSegmentSizeKb: number) => ({
      optimizers: { defaultSegmentNumber: 1, maxSegmentSizeKb, maxOptimizationThreads: null },
    });
    await collection.configure(merge(100));
    await collection.optimize();
    expect(sizesOf(collection)).toEqual([60, 50, 40]);
    await collection.configure(merge(200));
    await collection.optimize();
    expect(sizesOf(collection)).toEqual([150]);
    expect(await contentsOf(collection)).toEqual(modelOf(150));
  });

  it('cancel: of 5x1000 points nothing is left but a cancelled tracker', async () => {
    const store = newStore(create);
    const collection = await openFilled(store, [1000, 1000, 1000, 1000, 1000]);
    const before = collection.info().segments;
    copyGate.close();
    await collection.configure({ optimizers: { ...MERGE, defaultSegmentNumber: 1 } });
    await copyGate.reached();
    expect(collection.status().color).toBe('yellow');
    expect(collection.info().segments.filter(({ frozen }) => frozen)).toHaveLength(5);
    await collection.configure({ optimizers: { maxOptimizationThreads: 0 } });
    expectAtRest(collection);
    expect(collection.info().segments).toEqual(before);
    const { completed } = collection.optimizations();
    expect(completed.map(({ optimizer, status }) => [optimizer, status.state])).toEqual([
      ['merge', 'cancelled'],
    ]);
    expect(collection.telemetry().optimizations.points).toBe(0);
    expect(collection.status()).toMatchObject({
      color: 'grey',
      reasons: [{ reason: 'disabled' }, { reason: 'planned' }],
    });
    // What was cancelled is done when it is allowed again.
    copyGate.open();
    await collection.configure({ optimizers: { maxOptimizationThreads: null } });
    expect(await collection.optimize()).toMatchObject({ color: 'green' });
    expect(sizesOf(collection)).toEqual([5000]);
  });

  it('a new segment only when all are over capacity: 5 → 6 → 6, and then 7', async () => {
    const store = newStore(create);
    const collection = await openFilled(store, [3, 3, 3, 3, 3], { spare: true });
    expect(sizesOf(collection)).toEqual([3, 3, 3, 3, 3, 0]);
    for (let look = 0; look < 3; look += 1) {
      collection.trigger();
      await collection.plunge();
      await collection.flush();
      expect(collection.info().segments).toHaveLength(6);
    }
    await collection.upsert(points(100, 10, 256));
    await until(() => collection.info().segments.length > 6);
    expect(sizesOf(collection)).toEqual([10, 3, 3, 3, 3, 3, 0]);
    await collection.close();
    expect(sizesOf(await store.open())).toEqual([10, 3, 3, 3, 3, 3, 0]);
  });

  it('at most 1 KB a segment: 20 points in batches of 5 fill more than two', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 256, optimizers: ONE_UPSERT_A_SEGMENT });
    for (let from = 0; from < 20; from += 5) {
      await collection.upsert(points(from, 5, 256));
      await until(() => sizesOf(collection).includes(0));
    }
    expect(sizesOf(collection)).toEqual([5, 5, 5, 5, 0]);
    expect(collection.info().points).toBe(20);
  });

  it('new points go to the smallest segment, all of them', async () => {
    const store = newStore(create);
    const collection = await openFilled(store, [100, 100], { spare: true });
    const [empty] = idsBySize(collection, 0);
    await collection.upsert(points(1000, 10, 256));
    expect(idsBySize(collection, 10)).toEqual([empty]);
  });

  it('vacuum: 200 points, every second deleted, payloads changed: one run, 100 rows', async () => {
    const store = newStore(create);
    const collection = await store.open({
      dimensions: 4,
      optimizers: {
        deletedThreshold: 0.2,
        vacuumMinVectorNumber: 50,
        maxOptimizationThreads: 0,
      },
    });
    await collection.upsert(points(0, 200, 4));
    await collection.delete(Array.from({ length: 100 }, (_, n) => 2 * n + 1));
    const tenth = Array.from({ length: 10 }, (_, n) => 20 * n);
    await collection.setPayload({ color: 'red' }, tenth);
    await collection.setPayload({ size: 0.42 }, tenth);
    const { optimizers } = collection.info().configuration;
    expect(optimizers.deletedThreshold).toBe(0.2);
    const [old] = collection.info().segments;
    expect(old).toMatchObject({ points: 100, rows: 220, deleted: 120 });
    expect(collection.optimizations().queued).toEqual([
      { optimizer: 'vacuum', segmentIds: [old?.id] },
    ]);
    await collection.configure({ optimizers: { maxOptimizationThreads: null } });
    await collection.optimize();
    const segments = collection.info().segments;
    expect(segments).toHaveLength(1);
    expect(segments[0]).toMatchObject({ points: 100, rows: 100, deleted: 0 });
    expect(segments[0]?.id).not.toBe(old?.id);
    const red = { must: [{ key: 'color', match: { value: 'red' } }] };
    await collection.close();
    const again = await store.open();
    const { points: found } = await again.scroll({ filter: red });
    expect(found.map(({ id }) => id)).toEqual(tenth);
    expect(found.every(({ payload }) => payload.size === 0.42)).toBe(true);
    expect(await again.count()).toBe(100);
  });

  it.each([
    ['as many deleted rows as are tolerated', 40, 50],
    ['too few rows to be worth it', 100, 201],
  ])('vacuum: %s: nothing to do', async (_, deleted, vacuumMinVectorNumber) => {
    const store = newStore(create);
    const collection = await store.open({
      dimensions: 4,
      optimizers: { deletedThreshold: 0.2, vacuumMinVectorNumber },
    });
    await collection.upsert(points(0, 200, 4));
    await collection.delete(Array.from({ length: deleted }, (_unused, n) => n));
    expect(await collection.optimize()).toMatchObject({ color: 'green' });
    expect(collection.optimizations().completed).toEqual([]);
    expect(collection.info().segments[0]).toMatchObject({ rows: 200, deleted });
  });

  it('a collection whose points are all deleted shrinks to one empty segment', async () => {
    const store = newStore(create);
    const collection = await openFilled(store, [3, 3, 3]);
    await collection.delete({ filter: {} });
    const optimizers = { ...MERGE, vacuumMinVectorNumber: 1, defaultSegmentNumber: 1 };
    await collection.configure({ optimizers });
    await collection.optimize();
    expect(collection.info().segments).toMatchObject([{ points: 0, rows: 0 }]);
    await collection.upsert(points(0, 2, 256));
    expect(await contentsOf(collection)).toEqual(modelOf(2));
  });

  it('copy on write: points of frozen segments change elsewhere, in one live row each', async () => {
    const store = newStore(create);
    const collection = await openFilled(store, [5, 5, 5]);
    copyGate.close();
    await collection.configure({ optimizers: { ...MERGE, defaultSegmentNumber: 1 } });
    await copyGate.reached();
    const at = (id: number, n: number) => ({ id, vector: vectorOf(n, 256), payload: { n } });
    await collection.upsert([at(1, 1001), at(2, 1001)]);
    await collection.upsert([at(2, 1002), at(3, 1002)]);
    // New points beside old ones, as the model's test of proxies has them.
    for (let n = 1; n <= 9; n += 1) {
      await collection.upsert([at(100 * n + 1, n), at(100 * n + 2, n)]);
    }
    const expected = modelOf(15);
    for (const [id, n] of [
      [1, 1001],
      [2, 1002],
      [3, 1002],
    ] as const) {
      expected.set(id, { vector: vectorOf(n, 256), payload: { n } });
    }
    for (let n = 1; n <= 9; n += 1) {
      for (const id of [100 * n + 1, 100 * n + 2]) {
        expected.set(id, { vector: vectorOf(n, 256), payload: { n } });
      }
    }
    const check = async () => {
      expect(await contentsOf(collection)).toEqual(expected);
      expect(collection.info().points).toBe(33);
      const frozen = collection.info().segments.filter((segment) => segment.frozen);
      return frozen.reduce((sum, segment) => sum + segment.points, 0);
    };
    // The three changed ones have left the frozen segments.
    expect(await check()).toBe(12);
    copyGate.open();
    await until(() => collection.telemetry().optimizations.running === 0);
    expect(await check()).toBe(0);
    expect(collection.telemetry().optimizations.points).toBe(12);
    await collection.close();
    expect(await contentsOf(await store.open())).toEqual(expected);
  });

  it('configuring again and again during optimizations loses nothing and ends green', async () => {
    const store = newStore(create);
    const collection = await openFilled(store, [30, 30, 30, 30, 30, 30]);
    const changes = Array.from({ length: 12 }, (_, n) =>
      collection.configure({
        optimizers: { ...MERGE, defaultSegmentNumber: 1 + (n % 3), vacuumMinVectorNumber: 1 },
      }),
    );
    const updates = Array.from({ length: 20 }, (_, n) =>
      collection.upsert([{ id: n, vector: vectorOf(n, 256), payload: { number: n % 10 } }]),
    );
    await Promise.all([...changes, ...updates]);
    expect(collection.info().configuration.optimizers.defaultSegmentNumber).toBe(3);
    expect(await collection.optimize()).toMatchObject({ color: 'green' });
    expect(await contentsOf(collection)).toEqual(modelOf(180));
    expectAtRest(collection);
  });
});

it('a store is whole after many optimizations, and its files shrink with it', async () => {
  const store = newStore();
  const collection = await store.open({
    dimensions: 64,
    optimizers: { deletedThreshold: 0.1, vacuumMinVectorNumber: 1, defaultSegmentNumber: 1 },
  });
  for (let round = 0; round < 6; round += 1) {
    await collection.upsert(points(0, 500, 64));
    await collection.delete(Array.from({ length: 100 }, (_, n) => n * 5));
    await collection.optimize();
    await collection.flush();
  }
  const completed = collection.optimizations().completed;
  expect(completed.length).toBeGreaterThanOrEqual(5);
  await collection.close();
  const { ok, problems, checked } = await verifyStore(String(store.target));
  expect(problems).toEqual([]);
  expect(ok).toBe(true);
  expect(checked.points).toBe(400);
  // No block is left of what the optimizations replaced: the values are blocks and two records.
  expect(checked.values).toBe(checked.blocks + 2);
});

it('what was replaced takes no disk any more when a collection is optimized and closed', async () => {
  const store = newStore();
  const collection = await store.open({ dimensions: 256, optimizers: { defaultSegmentNumber: 1 } });
  for (let round = 0; round < 4; round += 1) await collection.upsert(points(0, 8000, 256));
  await collection.optimize();
  await collection.close();
  const segments = join(String(store.target), 'segments');
  const live = 8000 * 256 * 4;
  expect(bytesIn(segments)).toBeGreaterThan(live);
  expect(bytesIn(segments)).toBeLessThan(1.6 * live);
});

it('who no longer waits for what is being given back is let go, and the rest goes on', async () => {
  const segments = new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' });
  let end = () => {};
  const compactions: Promise<void>[] = [];
  Object.assign(segments, {
    approximateSize: async () => 100 * 1024 * 1024,
    compactRange: () => {
      const compaction = new Promise<void>((resolve) => {
        end = resolve;
      });
      compactions.push(compaction);
      return compaction;
    },
  });
  const wal = new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' });
  const collection = await openCollection({ wal, segments }, { dimensions: 2 });
  const controller = new AbortController();
  const optimized = collection.optimize({ signal: controller.signal });
  await until(() => compactions.length > 0);
  controller.abort();
  await expect(optimized).rejects.toMatchObject({ code: 'SLUICE_ABORTED' });
  await collection.upsert([{ id: 1, vector: [1, 2] }]);
  end();
  expect(await collection.count()).toBe(1);
  await collection.close();
});

function bytesIn(directory: string): number {
  return readdirSync(directory).reduce(
    (sum, name) => sum + statSync(join(directory, name)).size,
    0,
  );
}
