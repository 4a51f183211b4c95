// The corners of the façade: nothing at all, zero vectors, waits that are given up, holds on the log.
import { openCollection, SluiceError } from 'sluice';
import { describe, expect, it } from 'vitest';
import { contentsOf, points } from '../support/points.js';
import { newStore, STORES } from '../support/stores.js';

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'fulfilled',
    (error: unknown) => (error instanceof SluiceError ? error.code : error),
  );
}

describe.each(STORES)('on $kind', ({ create }) => {
  it('updates of nothing are operations that touch nothing, live and on replay', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 2 });
    const results = [
      await collection.upsert([]),
      await collection.updateVectors([]),
      await collection.delete([]),
      await collection.setPayload({}, []),
      await collection.clearPayload({ filter: { must: [{ hasId: [] }] } }),
    ];
    expect(results).toEqual(
      results.map((_, index) => ({ opNum: index + 1, status: 'completed', affected: 0 })),
    );
    const killed = await (await store.afterKill()).open();
    expect(killed.telemetry()).toMatchObject({
      recovery: { toReplay: 5 },
      operations: { declined: 0 },
    });
    expect(await contentsOf(killed)).toEqual(new Map());
  });

  it('an empty collection answers every read', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 2 });
    expect(await collection.search([1, 2], { limit: 5 })).toEqual([]);
    expect(await collection.scroll()).toEqual({ points: [] });
    expect(await collection.count()).toBe(0);
    expect(await collection.get([1])).toEqual([]);
    expect(await collection.optimize()).toMatchObject({ color: 'green' });
    expect(collection.info()).toMatchObject({ points: 0, wal: { acked: 0, applied: 0, last: 0 } });
  });

  it('a zero vector has a score by cosine, and others are nearer', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 2 });
    await collection.upsert([
      { id: 1, vector: [0, 0] },
      { id: 2, vector: [1, 1] },
    ]);
    for (const query of [
      [0, 0],
      [1, 1],
    ]) {
      const hits = await collection.search(query, { limit: 5 });
      expect(hits).toHaveLength(2);
      expect(hits.every(({ score }) => Number.isFinite(score))).toBe(true);
    }
    const [first] = await collection.search([2, 2], { limit: 1 });
    expect(first?.id).toBe(2);
  });

  it('equal scores come by id, whatever segment they are in', async () => {
    const store = newStore(create);
    const optimizers = { maxSegmentSizeKb: 0.01, maxOptimizationThreads: 0 };
    const collection = await store.open({ dimensions: 1, distance: 'dot', optimizers });
    for (const id of [9, 'b', 3, 'a', 7, 1]) {
      await collection.upsert([{ id, vector: [1] }]);
      collection.trigger();
      await collection.flush();
    }
    const hits = await collection.search([1], { limit: 5 });
    expect(hits.map(({ id }) => id)).toEqual([1, 3, 7, 9, 'a']);
  });

  it('waiting for the optimizers can be given up', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 2 });
    const signal = AbortSignal.abort();
    expect(await codeOf(collection.optimize({ signal }))).toBe('SLUICE_ABORTED');
  });

  it('a read can be given up', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 2 });
    await collection.upsert(points(0, 30_000, 2));
    const controller = new AbortController();
    const { signal } = controller;
    // So much to look at that no read is done before it is given up.
    const filter = {
      must: Array.from({ length: 2000 }, () => ({ key: 'number', range: { gte: 0 } })),
    };
    const reads = [
      collection.count({ filter, signal }),
      collection.scroll({ filter, signal, limit: 30_000 }),
      collection.search([1, 2], { filter, signal, limit: 30_000 }),
    ].map(codeOf);
    controller.abort();
    for (const code of await Promise.all(reads)) expect(code).toBe('SLUICE_ABORTED');
    expect(await codeOf(collection.count({ signal }))).toBe('SLUICE_ABORTED');
    // Whatever the reason is: it is the cause, and not an error of the store.
    const cause = new SluiceError('SLUICE_IO', 'the reason of a caller');
    const given = collection.scroll({ signal: AbortSignal.abort(cause) });
    await expect(given).rejects.toMatchObject({ code: 'SLUICE_ABORTED', cause });
    expect(await collection.count()).toBe(30_000);
  });

  it('records that are kept stay; when it is too late the hold is refused, also at opening', async () => {
    const store = newStore(create);
    const first = await store.open({ dimensions: 2, keepWalFrom: 2 });
    for (let id = 0; id < 4; id += 1) await first.upsert(points(id, 1, 2));
    await first.flush();
    expect(first.info().wal).toEqual({ acked: 1, applied: 4, last: 4 });
    const release = first.keepWalFrom(3);
    await first.close();
    release();
    const second = await store.open();
    await second.flush();
    expect(second.info().wal).toEqual({ acked: 4, applied: 4, last: 4 });
    expect(() => second.keepWalFrom(4)).toThrowError(
      expect.objectContaining({ code: 'SLUICE_WAL_TRUNCATED' }),
    );
    await second.close();
    expect(await codeOf(store.open({ keepWalFrom: 2 }))).toBe('SLUICE_WAL_TRUNCATED');
    const third = await store.open({ keepWalFrom: 5 });
    await third.upsert(points(9, 1, 2));
    await third.flush();
    expect(third.info().wal).toEqual({ acked: 4, applied: 5, last: 5 });
    expect(await third.count()).toBe(5);
  });

  it('configuring a collection that is being closed is refused, or done', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 2 });
    const before = collection.configure({ flushIntervalMs: 777 });
    const closing = collection.close();
    const after = codeOf(collection.configure({ flushIntervalMs: 888 }));
    const answers = [await codeOf(before), await after];
    await closing;
    for (const answer of answers) expect(['fulfilled', 'SLUICE_STOPPED']).toContain(answer);
    const { flushIntervalMs } = (await store.open()).info().configuration;
    const inForce = answers.lastIndexOf('fulfilled');
    expect(flushIntervalMs).toBe([5000, 777, 888][inForce + 1]);
  });

  it('of two who open at once one is refused', async () => {
    const store = newStore(create);
    const answers = await Promise.allSettled([
      store.open({ dimensions: 2 }),
      store.open({ dimensions: 2 }),
    ]);
    const codes = answers.map((answer) =>
      answer.status === 'fulfilled' ? 'open' : (answer.reason as SluiceError).code,
    );
    expect(codes.sort()).toEqual(['SLUICE_LOCKED', 'open']);
  });

  it('ids and payloads of every kind come back as they were', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 1 });
    const ids = [0, Number.MAX_SAFE_INTEGER, '0', ' ', 'ä', '😀', 'x'.repeat(1024), '__proto__'];
    const payload = JSON.parse(
      '{"__proto__": 1, "constructor": {"a": [[], {}, null, true, 1e308, -1.5, "\\ud800", "😀"]}}',
    );
    await collection.upsert(ids.map((id) => ({ id, vector: [-0.5], payload })));
    const expected = ids.map((id) => ({ id, payload }));
    expect(await collection.get(ids)).toEqual(expected);
    await collection.flush();
    const killed = await (await store.afterKill()).open();
    expect(await killed.get(ids)).toEqual(expected);
    expect(Object.hasOwn((await killed.get([0]))[0]?.payload ?? {}, '__proto__')).toBe(true);
  });
});

it('a path may be relative, a link, or have a slash at its end: it is one store', async () => {
  const store = newStore();
  const collection = await store.open({ dimensions: 2 });
  expect(await codeOf(openCollection(`${String(store.target)}/`))).toBe('SLUICE_LOCKED');
  expect(collection.info().path).toBe(store.target);
});
