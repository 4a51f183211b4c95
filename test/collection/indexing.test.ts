// What indexing and the config mismatch do to a collection, with the numbers of the model's own tests.
import { rmSync } from 'node:fs';
import { type Collection, type OptimizerOptions, verifyStore } from 'sluice';
import { describe, expect, it } from 'vitest';
import { contentsOf, points, until } from '../support/points.js';
import { openFilled, sizesOf } from '../support/segments.js';
import { newStore, STORES } from '../support/stores.js';

/** The model's fixture of indexing: two segments wanted, indexes from 100 KB. */
const INDEX: Partial<OptimizerOptions> = {
  defaultSegmentNumber: 2,
  maxSegmentSizeKb: 100_000,
  indexingThresholdKb: 100,
  maxOptimizationThreads: null,
};

/** The segments that have points, the most first: their points, and whether they have an index. */
function indexedSizes(collection: Collection): [number, boolean][] {
  return collection
    .info()
    .segments.filter((segment) => segment.points > 0)
    .map(({ points, indexed }): [number, boolean] => [points, indexed])
    .sort(([a], [b]) => b - a);
}

function runs(collection: Collection): string[] {
  return collection.optimizations().completed.map(({ optimizer }) => optimizer);
}

function expectAtRest(collection: Collection): void {
  expect(collection.info().segments.filter(({ frozen }) => frozen)).toEqual([]);
  const { budgets, optimizations } = collection.telemetry();
  expect([budgets.io.used, budgets.cpu.used, optimizations.running]).toEqual([0, 0, 0]);
}

describe.each(STORES)('on $kind', ({ create }) => {
  it('optimization process: 3x3, 1x110, 2x20 points: 119 points by merging and indexing', async () => {
    const store = newStore(create);
    const collection = await openFilled(store, [3, 3, 3, 110, 20, 20]);
    const before = collection.info().segments.map(({ id }) => id);
    await collection.configure({ optimizers: { ...INDEX, defaultSegmentNumber: 5 } });
    expect(await collection.optimize()).toMatchObject({ color: 'green', reasons: [] });
    expect(runs(collection).sort()).toEqual(['indexing', 'merge']);
    expect(indexedSizes(collection)).toEqual([
      [110, true],
      [20, false],
      [20, false],
      [9, false],
    ]);
    const after = collection.info().segments.map(({ id }) => id);
    expect(after.filter((id) => before.includes(id))).toHaveLength(2);
    expect(collection.telemetry().optimizations.points).toBe(119);
    await collection.optimize();
    expect(runs(collection)).toHaveLength(2);
    expectAtRest(collection);
  });

  it('number of segments: 5x100 points are indexed in at most 5 runs', async () => {
    const store = newStore(create);
    const collection = await openFilled(store, [100, 100, 100, 100, 100]);
    const expected = await contentsOf(collection);
    const optimizers = { ...INDEX, defaultSegmentNumber: 6, indexingThresholdKb: 10 };
    await collection.configure({ optimizers });
    await collection.optimize();
    expect(runs(collection).length).toBeLessThanOrEqual(5);
    expect(indexedSizes(collection)).toEqual(Array.from({ length: 5 }, () => [100, true]));
    expect(await contentsOf(collection)).toEqual(expected);
    await collection.upsert(points(500, 1, 256));
    expect(await collection.count()).toBe(501);
    expectAtRest(collection);
  });

  it('optimizing 25, 90, 100 and 200 points: the largest first, with a partner', async () => {
    const store = newStore(create);
    const collection = await openFilled(store, [25, 90, 100, 200]);
    await collection.createPayloadIndex('number', 'integer');
    const filter = { must: [{ key: 'number', match: { value: 3 } }] };
    const count = await collection.count({ filter });
    const four = { ...INDEX, defaultSegmentNumber: 4 };
    await collection.configure({ optimizers: { ...four, indexingThresholdKb: 1000 } });
    await collection.optimize();
    expect(runs(collection)).toEqual([]);
    await collection.configure({ optimizers: { ...four, indexingThresholdKb: 50 } });
    await collection.optimize();
    expect(indexedSizes(collection)).toEqual([
      [290, true],
      [100, true],
      [25, false],
    ]);
    expect(await collection.count({ filter })).toBe(count);
    expect(collection.info().payloadIndexes).toEqual({ number: 'integer' });
    await collection.upsert(points(1000, 3, 256));
    expect(sizesOf(collection)).toContain(28);
    await collection.configure({ optimizers: { indexingThresholdKb: 20 } });
    await collection.optimize();
    // What took rows has an index now; an empty segment takes them.
    expect(indexedSizes(collection).every(([, indexed]) => indexed)).toBe(true);
    await collection.upsert(points(2000, 3, 256));
    expect(await collection.count()).toBe(421);
  });

  it('vacuum of an indexed segment: the index covers what is left', async () => {
    const store = newStore(create);
    const collection = await store.open({
      dimensions: 16,
      optimizers: { ...INDEX, indexingThresholdKb: 10 },
    });
    await collection.upsert(points(0, 1000, 16));
    await collection.optimize();
    expect(indexedSizes(collection)).toEqual([[1000, true]]);
    await collection.configure({
      optimizers: { vacuumMinVectorNumber: 50, deletedThreshold: 0.2 },
    });
    expect(collection.optimizations().queued).toEqual([]);
    await collection.delete(Array.from({ length: 250 }, (_, at) => 4 * at));
    expect(await collection.optimize()).toMatchObject({ color: 'green' });
    expect(runs(collection)).toEqual(['vacuum', 'indexing']);
    const [segment] = collection.info().segments.filter(({ indexed }) => indexed);
    expect(segment).toMatchObject({ points: 750, rows: 750, deleted: 0 });
  });

  it('other parameters lead to indexes that have them, and only those do', async () => {
    const store = newStore(create);
    const collection = await openFilled(store, [110, 20]);
    await collection.configure({ optimizers: INDEX });
    await collection.optimize();
    const graphs = () => collection.info().segments.flatMap(({ hnsw }) => hnsw ?? []);
    expect(graphs()).toEqual([{ m: 16, efConstruct: 100 }]);
    await collection.configure({ hnsw: { ef: 20, fullScanThresholdKb: 5, maxIndexingThreads: 1 } });
    await collection.optimize();
    expect(runs(collection)).toEqual(['indexing']);
    await collection.configure({ hnsw: { m: 8, efConstruct: 20 } });
    await collection.optimize();
    expect(runs(collection)).toEqual(['config-mismatch', 'indexing']);
    expect(graphs()).toEqual([{ m: 8, efConstruct: 20 }]);
    expect(collection.info().configuration.hnsw).toEqual({
      m: 8,
      efConstruct: 20,
      ef: 20,
      fullScanThresholdKb: 5,
      maxIndexingThreads: 1,
    });
    await collection.close();
    const again = await store.open({ hnsw: { efConstruct: 30 } });
    await again.optimize();
    expect(again.info().segments.flatMap(({ hnsw }) => hnsw ?? [])).toEqual([
      { m: 8, efConstruct: 30 },
    ]);
  });

  it('cancelled indexing leaves everything as it was', async () => {
    const store = newStore(create);
    const collection = await openFilled(store, [1000, 1000, 1000], { spare: true });
    const expected = await contentsOf(collection);
    const sizes = sizesOf(collection);
    // Slow enough to be met at work.
    const hnsw = { m: 64, efConstruct: 4000 };
    await collection.configure({ optimizers: { ...INDEX, defaultSegmentNumber: 8 }, hnsw });
    await until(() => {
      const { running } = collection.optimizations();
      return running.some(({ progress }) => progress.indexed > 0);
    });
    await collection.configure({ optimizers: { maxOptimizationThreads: 0 } });
    const { completed } = collection.optimizations();
    expect(completed.length).toBeGreaterThan(0);
    for (const { optimizer, status } of completed) {
      expect([optimizer, status.state]).toEqual(['indexing', 'cancelled']);
    }
    expect(collection.telemetry().optimizations.points).toBe(0);
    expectAtRest(collection);
    expect(sizesOf(collection)).toEqual(sizes);
    expect(await contentsOf(collection)).toEqual(expected);
    expect(collection.status()).toMatchObject({ color: 'grey' });
  });
});

it('an index is there after reopening, and a collection without its files is whole', async () => {
  const store = newStore();
  const collection = await openFilled(store, [400, 20]);
  await collection.configure({ optimizers: INDEX });
  await collection.optimize();
  const expected = await contentsOf(collection);
  await collection.close();
  const again = await store.open();
  expect(indexedSizes(again)).toEqual([
    [400, true],
    [20, false],
  ]);
  expect(again.status()).toMatchObject({ color: 'green', errors: [] });
  await again.close();
  if (typeof store.target !== 'string') throw new Error('the store has a directory');
  const sound = await verifyStore(store.target);
  expect(sound).toMatchObject({ ok: true, checked: { indexes: 1 }, problems: [] });
  const killed = await store.afterKill();
  if (typeof killed.target !== 'string') throw new Error('the copy has a directory');
  rmSync(`${killed.target}/vector-index`, { recursive: true });
  const problems = [{ what: 'vector indexes', message: expect.stringContaining('is lost') }];
  expect(await verifyStore(killed.target)).toMatchObject({ ok: false, problems });
  const bare = await killed.open();
  expect(bare.status().errors).toMatchObject([{ what: 'vectorIndex', code: 'SLUICE_INDEX_LOST' }]);
  expect(await contentsOf(bare)).toEqual(expected);
  expect(await bare.optimize()).toMatchObject({ color: 'green' });
  expect(indexedSizes(bare)[0]).toEqual([400, true]);
  expect(bare.status().errors).toMatchObject([{ recoveredAt: expect.any(Number) }]);
});
