// Threads that copy vectors or build an index, and die or hang: nothing is lost, the status says
// what goes on, and the next attempt succeeds.
import { join } from 'node:path';
import { Collection, openCollection, verifyStore } from 'sluice';
import { describe, expect, it } from 'vitest';
import { collectionParts } from '#sluice/collection-parts.js';
import { openDirectory } from '#sluice/services/level/directory.js';
import { copyRows } from '#sluice/services/optimizers/build-thread.js';
import { FileVectorIndexes } from '#sluice/services/vector-index/file-indexes.js';
import type { VectorIndexes } from '#sluice/services/vector-index/vector-index.js';
import { contentsOf, type PointModel, until } from '../support/points.js';
import { temporaryDirectory } from '../support/temporary.js';

const COUNT = 300;
const OPTIONS = {
  dimensions: 8,
  distance: 'euclid',
  flushIntervalMs: 20,
  optimizers: { indexingThresholdKb: 2, defaultSegmentNumber: 1, maxOptimizationThreads: 0 },
} as const;
const fixture = (path: string) => new URL(`../${path}-worker.mjs`, import.meta.url);

const WORKERS = {
  copies: {
    dies: fixture('optimizers/fixtures/dying'),
    hangs: fixture('optimizers/fixtures/hang'),
  },
  indexes: {
    dies: fixture('vector-index/fixtures/half-written'),
    hangs: fixture('vector-index/fixtures/hanging'),
  },
};

/** A collection whose threads run another script as long as there is one. */
async function openWith(path: string, scripts: { copies?: URL; indexes?: URL }) {
  const directory = await openDirectory(path, { create: true });
  const place = { directory: directory.vectorIndexPath };
  const good = new FileVectorIndexes(place);
  const bad = new FileVectorIndexes({
    ...place,
    ...(scripts.indexes && { workerUrl: scripts.indexes }),
  });
  const indexes: VectorIndexes = {
    build: (...job) => (scripts.indexes === undefined ? good : bad).build(...job),
    open: (...given) => good.open(...given),
    copy: (...given) => good.copy(...given),
    remove: (files) => good.remove(files),
    sweep: (named) => good.sweep(named),
    close: async () => {
      await bad.close();
      await good.close();
    },
  };
  const copyVectors: typeof copyRows = (job, options) => {
    const { copies } = scripts;
    return copyRows(job, copies ? { ...options, workerUrl: copies, inlineBytesMax: 0 } : options);
  };
  const parts = collectionParts(directory, OPTIONS, { indexes, directory, copyVectors });
  const collection = new Collection(parts);
  await collection.ready();
  return collection;
}

/** There are rows that were deleted: without them nothing would have to be copied. */
async function startOptimizing(collection: Collection): Promise<void> {
  expect(collection.telemetry().segments.some(({ deleted }) => deleted > 0)).toBe(true);
  await collection.configure({ optimizers: { maxOptimizationThreads: null } });
}

describe.each(['copies', 'indexes'] as const)('a thread that makes %s', (kind) => {
  it.each(['dies', 'hangs'] as const)('and %s takes nothing with it', async (what) => {
    const path = join(await temporaryDirectory(), 'store');
    const scripts: { copies?: URL; indexes?: URL } = { [kind]: WORKERS[kind][what] };
    const collection = await openWith(path, scripts);
    const model: PointModel = new Map();
    const upsert = async (first: number, count: number) => {
      const ids = Array.from({ length: count }, (_, at) => first + at);
      for (const id of ids) {
        const vector = Array.from({ length: 8 }, (__, at) => id + at);
        model.set(id, { vector, payload: { id } });
      }
      await collection.upsert(ids.map((id) => ({ id, ...(model.get(id) ?? { vector: [] }) })));
    };
    await upsert(0, COUNT);
    await upsert(0, 10);
    await startOptimizing(collection);
    if (what === 'dies') {
      await until(() => collection.status().color === 'red');
      expect(collection.status().reasons).toContainEqual(
        expect.objectContaining({ reason: 'error', code: 'SLUICE_THREAD' }),
      );
    } else {
      await until(() => collection.optimizations().running.length > 0);
      expect(collection.status()).toMatchObject({
        color: 'yellow',
        reasons: expect.arrayContaining([expect.objectContaining({ reason: 'optimizing' })]),
      });
    }
    // Updates and reads go on meanwhile.
    await upsert(COUNT - 10, 20);
    await collection.delete([0, 1]);
    for (const id of [0, 1]) model.delete(id);
    expect(await contentsOf(collection)).toEqual(model);
    // A thread that hangs is ended by whatever cancels its optimization.
    await collection.configure({ optimizers: { maxOptimizationThreads: 0 } });
    expect(collection.optimizations().running).toEqual([]);
    delete scripts[kind];
    await collection.configure({ optimizers: { maxOptimizationThreads: null } });
    expect(await collection.optimize()).toMatchObject({ color: 'green' });
    expect(collection.info().segments.some(({ indexed }) => indexed)).toBe(true);
    await collection.close();
    expect(await verifyStore(path)).toMatchObject({ ok: true });
    const again = await openCollection(path);
    expect(await contentsOf(again)).toEqual(model);
    await again.close();
  });

  it('and hangs does not hold up closing', async () => {
    const path = join(await temporaryDirectory(), 'store');
    const collection = await openWith(path, { [kind]: WORKERS[kind].hangs });
    const ids = Array.from({ length: COUNT }, (_, id) => id);
    const points = ids.map((id) => ({ id, vector: new Array(8).fill(id) }));
    await collection.upsert(points);
    await collection.upsert(points.slice(0, 10));
    await startOptimizing(collection);
    await until(() => collection.optimizations().running.length > 0);
    await collection.close();
    const again = await openCollection(path);
    expect(await again.count()).toBe(COUNT);
    expect(await again.optimize()).toMatchObject({ color: 'green' });
    await again.close();
  });
});
