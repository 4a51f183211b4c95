// What each operation does, seen through the façade, on each kind of store, now and after reopening.
import type { Collection, Payload, PointId, UpdateResult } from 'sluice';
import { describe, expect, it } from 'vitest';
import { contentsOf, inOrder, type PointModel } from '../support/points.js';
import { newStore, STORES, type Store } from '../support/stores.js';

const DIMENSIONS = 2;
const RED = { must: [{ key: 'color', match: { value: 'red' } }] };

/** Three points: 1 red, 2 blue, 'three' red with a nested field. */
async function threePoints(store: Store): Promise<{ collection: Collection; model: PointModel }> {
  const collection = await store.open({ dimensions: DIMENSIONS });
  const model: PointModel = new Map<PointId, { vector: number[]; payload: Payload }>([
    [1, { vector: [1, 0], payload: { color: 'red' } }],
    [2, { vector: [0, 1], payload: { color: 'blue' } }],
    ['three', { vector: [1, 1], payload: { color: 'red', size: { cm: 3 } } }],
  ]);
  await collection.upsert([...model].map(([id, point]) => ({ id, ...point })));
  return { collection, model };
}

describe.each(STORES)('on $kind', ({ create }) => {
  /** The collection holds exactly the model, in one live row an id, also when opened again. */
  async function expectHolds(store: Store, collection: Collection, model: PointModel) {
    const check = async (opened: Collection) => {
      expect(await contentsOf(opened)).toEqual(inOrder(model));
      expect(await opened.count()).toBe(model.size);
      const info = opened.info();
      expect(info.points).toBe(model.size);
      expect(info.segments.reduce((sum, { points }) => sum + points, 0)).toBe(model.size);
    };
    await check(collection);
    await check(await (await store.afterKill()).open());
    await collection.close();
    const again = await store.open();
    await check(again);
    await again.close();
  }

  async function changed(
    change: (collection: Collection, model: PointModel) => Promise<UpdateResult>,
  ): Promise<UpdateResult> {
    const store = newStore(create);
    const { collection, model } = await threePoints(store);
    const result = await change(collection, model);
    if (result.status === 'acknowledged') await collection.plunge();
    await expectHolds(store, collection, model);
    return result;
  }

  it('upsert adds points and replaces those it finds, payload and all', async () => {
    const result = await changed((collection, model) => {
      model.set(2, { vector: [5, 6], payload: {} });
      model.set(9, { vector: [7, 8], payload: { a: [1, null, { b: '€' }] } });
      return collection.upsert([
        { id: 2, vector: [5, 6] },
        { id: 9, vector: [7, 8], payload: { a: [1, null, { b: '€' }] } },
      ]);
    });
    expect(result).toEqual({ opNum: 2, status: 'completed', affected: 2 });
  });

  it('of points with one id in an upsert the last one counts', async () => {
    const result = await changed((collection, model) => {
      model.set(2, { vector: [3, 3], payload: { n: 3 } });
      return collection.upsert([1, 2, 3].map((n) => ({ id: 2, vector: [n, n], payload: { n } })));
    });
    expect(result.affected).toBe(1);
  });

  it('an upsert that nobody waits for is acknowledged with its number, and applied', async () => {
    const result = await changed((collection, model) => {
      model.set(4, { vector: [1, 2], payload: {} });
      return collection.upsert([{ id: 4, vector: [1, 2] }], { wait: false });
    });
    expect(result).toEqual({ opNum: 2, status: 'acknowledged' });
  });

  it('delete counts the points that were there; a missing id counts 0', async () => {
    const result = await changed((collection, model) => {
      model.delete(1);
      model.delete('three');
      return collection.delete([1, 77, 'three', 1]);
    });
    expect(result.affected).toBe(2);
    const nothing = await changed((collection) => collection.delete([77]));
    expect(nothing).toEqual({ opNum: 2, status: 'completed', affected: 0 });
  });

  it('delete takes a filter', async () => {
    const result = await changed((collection, model) => {
      model.delete(1);
      model.delete('three');
      return collection.delete({ filter: RED });
    });
    expect(result.affected).toBe(2);
  });

  it('updateVectors keeps payloads', async () => {
    const result = await changed((collection, model) => {
      model.set('three', { vector: [8, 9], payload: { color: 'red', size: { cm: 3 } } });
      return collection.updateVectors([{ id: 'three', vector: Float32Array.of(8, 9) }]);
    });
    expect(result.affected).toBe(1);
  });

  it('setPayload merges, also into the object at a path', async () => {
    const point = { vector: [1, 1], payload: { color: 'green', size: { cm: 3 } } };
    await changed((collection, model) => {
      model.set('three', point);
      return collection.setPayload({ color: 'green' }, ['three']);
    });
    await changed((collection, model) => {
      model.set('three', { ...point, payload: { color: 'red', size: { cm: 3, inch: 1 } } });
      return collection.setPayload({ inch: 1 }, ['three'], { key: 'size' });
    });
    const byFilter = await changed((collection, model) => {
      model.set(1, { vector: [1, 0], payload: { color: 'red', x: 1 } });
      model.set('three', { vector: [1, 1], payload: { color: 'red', size: { cm: 3 }, x: 1 } });
      return collection.setPayload({ x: 1 }, { filter: RED });
    });
    expect(byFilter.affected).toBe(2);
  });

  it('overwritePayload replaces, deletePayload removes paths, clearPayload empties', async () => {
    await changed((collection, model) => {
      model.set('three', { vector: [1, 1], payload: { only: true } });
      return collection.overwritePayload({ only: true }, ['three']);
    });
    await changed((collection, model) => {
      model.set('three', { vector: [1, 1], payload: { size: {} } });
      return collection.deletePayload(['color', 'size.cm', 'not.there'], ['three']);
    });
    await changed((collection, model) => {
      model.set(1, { vector: [1, 0], payload: {} });
      model.set('three', { vector: [1, 1], payload: {} });
      return collection.clearPayload({ filter: RED });
    });
  });

  it.each([
    ['updateVectors', (c: Collection) => c.updateVectors([at(1), at(404)])],
    ['setPayload', (c: Collection) => c.setPayload({ x: 1 }, [1, 404])],
    ['overwritePayload', (c: Collection) => c.overwritePayload({ x: 1 }, [1, 404])],
    ['deletePayload', (c: Collection) => c.deletePayload(['color'], [1, 404])],
    ['clearPayload', (c: Collection) => c.clearPayload([1, 404])],
  ])('%s with a missing id changes nothing at all, live and on replay', async (_, operation) => {
    const store = newStore(create);
    const { collection, model } = await threePoints(store);
    await expect(operation(collection)).rejects.toMatchObject({ code: 'SLUICE_POINT_NOT_FOUND' });
    expect(collection.telemetry().operations.declined).toBe(1);
    const replayed = await (await store.afterKill()).open();
    expect(replayed.telemetry().operations.declined).toBe(1);
    // What comes after a refused operation is applied.
    await collection.upsert([{ id: 4, vector: [4, 4] }]);
    model.set(4, { vector: [4, 4], payload: {} });
    await expectHolds(store, collection, model);
  });

  it('payload indexes are stored with the collection', async () => {
    const store = newStore(create);
    const { collection } = await threePoints(store);
    await collection.createPayloadIndex('color', 'keyword');
    await collection.createPayloadIndex('size.cm', 'integer');
    await collection.createPayloadIndex('size.cm', 'float');
    await collection.deletePayloadIndex('color');
    const expected = { 'size.cm': 'float' };
    expect(collection.info().payloadIndexes).toEqual(expected);
    const killed = await (await store.afterKill()).open();
    expect(killed.info().payloadIndexes).toEqual(expected);
    await collection.close();
    expect((await store.open()).info().payloadIndexes).toEqual(expected);
  });

  it('a clock tag that has been overtaken is rejected and writes nothing, also after reopening', async () => {
    const store = newStore(create);
    const { collection } = await threePoints(store);
    const tagged = (opened: Collection, tick: number, token = 0) =>
      opened.upsert([at(5)], { clockTag: { peerId: 1, clockId: 0, tick, token } });
    expect(await tagged(collection, 7)).toMatchObject({ status: 'completed', opNum: 2 });
    expect(await tagged(collection, 7, 1)).toEqual({ status: 'clockRejected' });
    expect(await tagged(collection, 6)).toEqual({ status: 'clockRejected' });
    expect(collection.info().wal.last).toBe(2);
    await collection.close();
    const again = await store.open();
    expect(await tagged(again, 6)).toEqual({ status: 'clockRejected' });
    expect(await tagged(again, 8)).toMatchObject({ status: 'completed', opNum: 3 });
  });

  it('operations apply in the order of the calls, whoever waits', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: DIMENSIONS });
    const updates = Array.from({ length: 60 }, (_, n) =>
      n % 3 === 2
        ? collection.delete([1], { wait: n % 2 === 0 })
        : collection.upsert([{ id: 1, vector: [n, n] }], { wait: n % 2 === 0 }),
    );
    updates.push(collection.upsert([{ id: 1, vector: [60, 60] }], { wait: false }));
    const plunged = collection.plunge().then(() => collection.get([1], { withVector: true }));
    const results = await Promise.all(updates);
    expect(results.map(({ opNum }) => opNum)).toEqual(results.map((_, index) => index + 1));
    expect(await plunged).toEqual([{ id: 1, payload: {}, vector: Float32Array.of(60, 60) }]);
  });

  it('the configuration is stored; options at opening override and are stored', async () => {
    const store = newStore(create);
    const first = await store.open({ dimensions: 2, distance: 'dot', flushIntervalMs: 1234 });
    await first.configure({ optimizers: { deletedThreshold: 0.5 } });
    await first.close();
    const second = await store.open({ optimizers: { defaultSegmentNumber: 3 } });
    await second.close();
    const { configuration, dimensions, distance } = (await store.open()).info();
    expect({ dimensions, distance }).toEqual({ dimensions: 2, distance: 'dot' });
    expect(configuration.flushIntervalMs).toBe(1234);
    expect(configuration.optimizers).toMatchObject({
      deletedThreshold: 0.5,
      defaultSegmentNumber: 3,
    });
  });

  it('five times opened, written and dropped without closing, it holds two points', async () => {
    let store = newStore(create);
    for (let round = 0; round < 5; round += 1) {
      const collection = await store.open({ dimensions: DIMENSIONS });
      expect(await collection.count()).toBe(round === 0 ? 0 : 2);
      await collection.upsert([at(0, round), at(1, round)]);
      store = await dropped(store);
    }
    const contents = await contentsOf(await store.open());
    expect([...contents]).toEqual([
      [0, { vector: [4, 4], payload: {} }],
      [1, { vector: [4, 4], payload: {} }],
    ]);
  });
});

async function dropped(store: Store): Promise<Store> {
  const left = await store.afterKill();
  return newStore(() => left);
}

function at(id: number, value = 1) {
  return { id, vector: [value, value] };
}
