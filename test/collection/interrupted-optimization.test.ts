// Changes that arrive during an optimization which is then cancelled, or fails. The model lost
// deletes this way for years (its issue 10364): rolled-back proxies forgot what they had recorded.
import { Collection, type Filter, type PointId } from 'sluice';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { collectionParts } from '#sluice/collection-parts.js';
import { openDirectory } from '#sluice/services/level/directory.js';
import { type BuildThread, copyGate } from '../support/copy-gate.js';
import { contentsOf, inOrder, type PointModel, until } from '../support/points.js';
import { newStore, STORES, type Store } from '../support/stores.js';

vi.mock('#sluice/services/optimizers/build-thread.js', async (original) => {
  const { copyGate } = await import('../support/copy-gate.js');
  return copyGate.around(await original<BuildThread>());
});

beforeEach(() => copyGate.reset());

const OPTIONS = {
  dimensions: 2,
  optimizers: { deletedThreshold: 0.1, vacuumMinVectorNumber: 30 },
  // No flush but those that a test asks for.
  flushIntervalMs: 1_000_000,
};

const COUNT = 40;

const group = (value: number): Filter => ({ must: [{ key: 'group', match: { value } }] });

/** Forty points in one segment, ten more deleted, so that it wants a vacuum, held in the copy. */
async function heldOptimization(store: Store, options = OPTIONS) {
  const collection = await store.open(options);
  const model: PointModel = new Map();
  for (let id = 0; id < COUNT; id += 1) {
    model.set(id, { vector: [id, -id], payload: { group: id % 4, old: true } });
  }
  await collection.upsert([...model].map(([id, point]) => ({ id, ...point })));
  await collection.upsert(Array.from({ length: 10 }, (_, n) => ({ id: `x${n}`, vector: [n, n] })));
  copyGate.close();
  await collection.delete(Array.from({ length: 10 }, (_, n) => `x${n}`));
  await copyGate.reached();
  return { collection, model };
}

/** Every kind of change, by ids and by filters, to points of the frozen segment and to new ones. */
async function changeEverything(collection: Collection, model: PointModel): Promise<void> {
  const each = (
    ids: PointId[],
    change: (point: { vector: number[]; payload: object }) => object,
  ) => {
    for (const id of ids) {
      const point = model.get(id);
      if (point) model.set(id, { ...point, ...change(point) });
    }
  };
  const inGroup = (value: number) =>
    [...model].flatMap(([id, { payload }]) => (payload.group === value ? [id] : []));

  await collection.delete([0, 1, 2]);
  for (const id of [0, 1, 2]) model.delete(id);
  await collection.delete({ filter: group(3) });
  for (const id of inGroup(3)) model.delete(id);

  await collection.upsert([4, 5, 100].map((id) => ({ id, vector: [9, id], payload: { new: id } })));
  for (const id of [4, 5, 100]) model.set(id, { vector: [9, id], payload: { new: id } });
  await collection.updateVectors([{ id: 8, vector: [7, 7] }]);
  each([8], () => ({ vector: [7, 7] }));

  await collection.setPayload({ set: 1 }, [9, 10]);
  each([9, 10], ({ payload }) => ({ payload: { ...payload, set: 1 } }));
  await collection.overwritePayload({ only: 1 }, [12]);
  each([12], () => ({ payload: { only: 1 } }));
  await collection.deletePayload(['old'], { filter: group(1) });
  each(inGroup(1), ({ payload }) => {
    const { old: _, ...rest } = payload as { old?: boolean };
    return { payload: rest };
  });
  await collection.clearPayload([16]);
  each([16], () => ({ payload: {} }));

  // Deleted and put back, changed twice, and new points that go again.
  await collection.delete([20, 21]);
  await collection.upsert([{ id: 20, vector: [2, 0], payload: { back: true } }]);
  model.delete(21);
  model.set(20, { vector: [2, 0], payload: { back: true } });
  await collection.upsert([{ id: 'gone', vector: [1, 1] }], { wait: false });
  await collection.delete(['gone', 100], { wait: false });
  model.delete(100);
  await collection.plunge();
}

async function expectHolds(collection: Collection, model: PointModel): Promise<void> {
  expect(await contentsOf(collection)).toEqual(inOrder(model));
  expect(await collection.count()).toBe(model.size);
  expect(collection.info().points).toBe(model.size);
}

async function expectHoldsAfterKill(store: Store, model: PointModel): Promise<void> {
  const left = await (await store.afterKill()).open();
  await expectHolds(left, model);
  await left.close();
}

/** How an optimization under way may end. */
const ENDS: {
  end: string;
  states: string[];
  finish: (collection: Collection) => Promise<unknown>;
}[] = [
  {
    end: 'cancelled by configure',
    states: ['cancelled'],
    finish: (collection) => collection.configure({ optimizers: { maxOptimizationThreads: 0 } }),
  },
  {
    end: 'failed',
    states: ['error'],
    finish: async (collection) => {
      copyGate.fail();
      copyGate.close();
      await until(() => collection.telemetry().optimizations.running === 0);
    },
  },
  {
    end: 'completed',
    states: ['done'],
    finish: async (collection) => {
      copyGate.open();
      await collection.optimize();
    },
  },
];

describe.each(STORES)('on $kind', ({ create }) => {
  describe.each(ENDS)('an optimization that is $end', ({ states, finish }) => {
    it('forgets no change that came before its end, now or after reopening or a kill', async () => {
      const store = newStore(create);
      const { collection, model } = await heldOptimization(store);
      await changeEverything(collection, model);
      await expectHolds(collection, model);
      await expectHoldsAfterKill(store, model);
      await finish(collection);
      const { completed } = collection.optimizations();
      expect(completed.map(({ status }) => status.state).slice(-1)).toEqual(states);
      expect(collection.info().segments.filter(({ frozen }) => frozen)).toEqual([]);
      await expectHolds(collection, model);
      await expectHoldsAfterKill(store, model);
      await collection.close();
      await expectHolds(await store.open(), model);
    });

    it('leaves a flush of the time between what it was', async () => {
      const store = newStore(create);
      const { collection, model } = await heldOptimization(store);
      await changeEverything(collection, model);
      await collection.flush();
      await expectHoldsAfterKill(store, model);
      await finish(collection);
      await expectHoldsAfterKill(store, model);
      await collection.delete([30]);
      model.delete(30);
      await collection.flush();
      await expectHolds(collection, model);
      await expectHoldsAfterKill(store, model);
      expect(collection.telemetry().log.acked).toBe(collection.info().wal.last);
    });
  });

  it('closing cancels an optimization and keeps every change that came during it', async () => {
    const store = newStore(create);
    const { collection, model } = await heldOptimization(store);
    await changeEverything(collection, model);
    const unwaited = collection.delete([31], { wait: false });
    model.delete(31);
    await collection.close();
    await unwaited;
    expect(copyGate.waiting).toBe(0);
    copyGate.open();
    const again = await store.open();
    await expectHolds(again, model);
    await again.optimize();
    await expectHolds(again, model);
  });

  it('what failed is tried again, and the status says so until it succeeds', async () => {
    const store = newStore(create);
    const { collection, model } = await heldOptimization(store);
    copyGate.fail();
    await until(() => collection.status().color === 'red');
    expect(collection.status().reasons).toContainEqual({
      reason: 'error',
      what: 'optimization:vacuum',
      code: 'SLUICE_THREAD',
    });
    expect(await collection.optimize()).toMatchObject({ color: 'green' });
    const [failure] = collection.status().errors;
    expect(failure?.recoveredAt).toEqual(expect.any(Number));
    expect(collection.telemetry().optimizations.points).toBe(COUNT);
    await expectHolds(collection, model);
  });

  it('a failure is over when there is nothing left to optimize', async () => {
    const store = newStore(create);
    const { collection } = await heldOptimization(store);
    copyGate.fail();
    await until(() => collection.status().color === 'red');
    await collection.configure({ optimizers: { vacuumMinVectorNumber: 1_000_000 } });
    expect(await collection.optimize()).toMatchObject({ color: 'green' });
    expect(collection.status().errors).toMatchObject([{ recoveredAt: expect.any(Number) }]);
  });

  it('whoever waits for the optimizers is told of a failure, and of a close', async () => {
    const store = newStore(create);
    const { collection } = await heldOptimization(store);
    const failing = collection.optimize();
    copyGate.fail();
    await expect(failing).rejects.toMatchObject({ code: 'SLUICE_THREAD' });
    copyGate.close();
    const closed = expect(collection.optimize()).rejects.toMatchObject({ code: 'SLUICE_STOPPED' });
    await copyGate.reached();
    await collection.close();
    await closed;
    copyGate.open();
  });

  it('a build thread that dies takes nothing with it', async () => {
    const store = newStore(create);
    copyGate.workerUrl = new URL('../optimizers/fixtures/dying-worker.mjs', import.meta.url);
    const collection = await store.open(OPTIONS);
    const ids = Array.from({ length: COUNT }, (_, id) => id);
    await collection.upsert(ids.map((id) => ({ id, vector: [id, 1] })));
    await collection.delete([0, 1, 2, 3, 4]);
    await until(() => collection.status().color === 'red');
    await collection.delete([5]);
    const model: PointModel = new Map(
      ids.slice(6).map((id) => [id, { vector: [id, 1], payload: {} }]),
    );
    await expectHolds(collection, model);
    await expectHoldsAfterKill(store, model);
    copyGate.workerUrl = undefined;
    expect(await collection.optimize()).toMatchObject({ color: 'green' });
    await expectHolds(collection, model);
  });
});

it('without space on disk an optimization fails with its code, and begins when there is', async () => {
  const store = newStore();
  const path = String(store.target);
  const directory = await openDirectory(path, { create: true });
  let free = 1_000_000_000;
  const small = { ...parts(directory), freeBytes: async () => free };
  const collection = new Collection(
    collectionParts(small, OPTIONS, { indexes: undefined, directory: small }),
  );
  await collection.ready();
  const ids = Array.from({ length: COUNT }, (_, id) => id);
  await collection.upsert(ids.map((id) => ({ id, vector: [id, 1] })));
  free = 100;
  await collection.delete([0, 1, 2, 3, 4]);
  await until(() => collection.status().color === 'red');
  expect(collection.status().reasons).toContainEqual({
    reason: 'error',
    what: 'optimization:vacuum',
    code: 'SLUICE_NOT_ENOUGH_SPACE',
  });
  await collection.delete([6]);
  expect(await collection.count()).toBe(COUNT - 6);
  free = 1_000_000;
  expect(await collection.optimize()).toMatchObject({ color: 'green' });
  expect(collection.info().segments).toMatchObject([{ points: COUNT - 6, deleted: 0 }]);
  await collection.close();
  expect(await (await store.open()).count()).toBe(COUNT - 6);
});

it('on a small disk a flush begins when what waits for it is as much as the margin', async () => {
  const directory = await openDirectory(String(newStore().target), { create: true });
  const small = { ...parts(directory), marginBytes: 4000, freeBytes: async () => 1_000_000_000 };
  const options = { ...OPTIONS, flushIntervalMs: 600_000 };
  const collection = new Collection(
    collectionParts(small, options, { indexes: undefined, directory: small }),
  );
  await collection.ready();
  for (let from = 0; from < 1000; from += 100) {
    await collection.upsert(
      Array.from({ length: 100 }, (_, at) => ({ id: from + at, vector: [at, 1] })),
    );
  }
  await until(() => collection.telemetry().flush.commits > 0);
  await collection.close();
});

/** A directory as a plain object, so that a part of it can be replaced. */
function parts(directory: Awaited<ReturnType<typeof openDirectory>>) {
  const { path, wal, segments, vectorIndexPath, creating, marginBytes } = directory;
  return {
    path,
    wal,
    segments,
    vectorIndexPath,
    creating,
    marginBytes,
    finishCreation: () => directory.finishCreation(),
    walBytes: () => directory.walBytes(),
    close: () => directory.close(),
  };
}
