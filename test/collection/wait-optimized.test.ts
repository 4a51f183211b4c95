// Updates that wait until the optimizers are through with what they wrote.
import type { Collection } from 'sluice';
import { describe, expect, it } from 'vitest';
import { points, vectorOf } from '../support/points.js';
import { newStore, STORES } from '../support/stores.js';

/** A vacuum for any deleted row. */
const EAGER = { deletedThreshold: 0, vacuumMinVectorNumber: 1, defaultSegmentNumber: 8 };

const deletedRows = (collection: Collection) =>
  collection.info().segments.reduce((sum, { deleted }) => sum + deleted, 0);

describe.each(STORES)('on $kind', ({ create }) => {
  it("wait: 'optimized' is answered when no deleted row is left, time after time", async () => {
    const collection = await newStore(create).open({ dimensions: 8, optimizers: EAGER });
    for (let round = 0; round < 10; round += 1) {
      const result = await collection.upsert(points(0, 50, 8), { wait: 'optimized' });
      const opNum = round + 1;
      expect(result).toEqual({ opNum, status: 'completed', affected: 50, optimized: true });
      expect(deletedRows(collection)).toBe(0);
      expect(collection.status()).toMatchObject({ color: 'green', errors: [] });
    }
    expect(collection.telemetry().optimizations).toMatchObject({ awaited: 0, running: 0 });
    expect(collection.telemetry().optimizations.byOptimizer.vacuum?.done).toBeGreaterThan(8);
  });

  it('many at the same time are all answered', async () => {
    const collection = await newStore(create).open({ dimensions: 8, optimizers: EAGER });
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, n) =>
        collection.upsert([{ id: n % 7, vector: vectorOf(n, 8) }], { wait: 'optimized' }),
      ),
    );
    expect(new Set(results.map(({ optimized }) => optimized))).toEqual(new Set([true]));
    expect(collection.telemetry().optimizations.awaited).toBe(0);
    expect((await collection.optimize()).color).toBe('green');
    expect(deletedRows(collection)).toBe(0);
  });

  it('with optimizations disabled it says so; a delete waits for nothing', async () => {
    const optimizers = { ...EAGER, maxOptimizationThreads: 0 };
    const collection = await newStore(create).open({ dimensions: 8, optimizers });
    await collection.upsert(points(0, 20, 8));
    const wait = 'optimized';
    expect(await collection.setPayload({ seen: true }, [1, 2], { wait })).toEqual({
      ...{ opNum: 2, status: 'completed', affected: 2 },
      ...{ optimized: false, reason: 'disabled' },
    });
    expect(await collection.delete([3], { wait })).toMatchObject({ optimized: true });
    await expect(
      collection.updateVectors([{ id: 99, vector: vectorOf(1, 8) }], { wait }),
    ).rejects.toMatchObject({ code: 'SLUICE_POINT_NOT_FOUND' });
    expect(collection.status()).toMatchObject({
      color: 'grey',
      reasons: [{ reason: 'disabled' }, {}],
    });
  });

  it('another word is refused, and nothing is written', async () => {
    const collection = await newStore(create).open({ dimensions: 8 });
    const wait = 'optimised' as never;
    await expect(collection.upsert(points(0, 1, 8), { wait })).rejects.toMatchObject({
      code: 'SLUICE_BAD_OPTION',
      message: 'wait must be true, false or \'optimized\', not "optimised"',
    });
    expect(collection.telemetry().log.last).toBe(0);
  });

  it('closing answers who waits', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 8, optimizers: EAGER });
    const results = Array.from({ length: 30 }, () =>
      collection.upsert(points(0, 20, 8), { wait: 'optimized' }).then(
        ({ status }) => status,
        ({ code }) => code,
      ),
    );
    await collection.plunge();
    await collection.close();
    for (const result of await Promise.all(results)) {
      expect(['completed', 'SLUICE_STOPPED']).toContain(result);
    }
    expect(await (await store.open()).count()).toBe(20);
  });
});

it('optimize tells of its progress, the last time when nothing is left', async () => {
  const collection = await newStore().open({ dimensions: 8, optimizers: EAGER });
  await collection.upsert(points(0, 50, 8));
  await collection.upsert(points(0, 50, 8));
  const seen: number[] = [];
  const status = await collection.optimize({
    onProgress: ({ running, queued }) => seen.push(running.length + queued.length),
  });
  expect(status.color).toBe('green');
  expect(seen.at(-1)).toBe(0);
});
