import { describe, expect, it } from 'vitest';
import { copyRows } from '#sluice/services/optimizers/build-thread.js';
import type { PointHolder } from '#sluice/services/points/holder.js';
import { RewriteSpace } from '#sluice/services/points/rewrite-space.js';
import { TestBlockStore } from './support/block-store.js';
import {
  begin,
  contents,
  context,
  copyHere,
  flush,
  idsOf,
  openHolder,
  rebuildAll,
  reload,
  slicingClock,
  Writer,
} from './support/harness.js';

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** Points 0…9 in segment 0, 10…19 in segment 1, and an empty segment 2. */
async function start(options = {}) {
  const store = new TestBlockStore();
  const configuration = { optimizers: { maxSegmentSizeKb: 0.05 } };
  const holder = await openHolder(store, { configuration, ...options });
  const writer = new Writer(holder);
  writer.upsert(range(0, 10), 1);
  holder.ensureCapacity();
  writer.upsert(range(10, 20), 1);
  holder.ensureCapacity();
  await flush(holder);
  return { store, holder, writer };
}

const shape = (holder: PointHolder) =>
  holder.segments().map(({ id, points, rows }) => [id, points, rows]);

describe('a rebuild', () => {
  it('merges segments into one with an id of its own, and vacuums them', async () => {
    const { holder, writer } = await start();
    writer.delete([0, 11]);
    const before = await contents(holder);
    expect(await rebuildAll(holder, [0, 1])).toBe(18);
    expect(shape(holder)).toEqual([
      [3, 18, 18],
      [2, 0, 0],
    ]);
    expect(await contents(holder)).toEqual(before);
  });

  it('reports how many points it is about, and how far it is', async () => {
    const { holder, writer } = await start();
    writer.delete([0]);
    const run = begin(holder, [0, 1]);
    expect([run.points, run.cpus]).toEqual([19, 0]);
    const seen: unknown[] = [];
    await run.copy({ ...context, onProgress: (progress) => seen.push(progress) });
    expect(seen.at(-1)).toEqual({ copied: 19, indexed: 0, total: 19 });
    await expect(run.index(context)).rejects.toThrow('where there are indexes');
  });

  it('does not begin on segments that are gone, frozen or none', async () => {
    const { holder } = await start();
    expect(holder.beginRebuild([])).toBeUndefined();
    expect(holder.beginRebuild([0, 99])).toBeUndefined();
    begin(holder, [0]);
    expect(holder.beginRebuild([1, 0])).toBeUndefined();
    expect(holder.segments().map((segment) => segment.frozen)).toEqual([true, false, false]);
  });

  it('carries over what was deleted and overwritten at every stage', async () => {
    const { store, holder, writer } = await start();
    const run = begin(holder, [0, 1]);
    writer.delete([0]);
    writer.upsert([1], 2);
    let isCopying = true;
    store.onWrite = () => {
      if (!isCopying) return;
      isCopying = false;
      writer.delete([10]);
      writer.apply({ kind: 'setPayload', payload: { late: true }, selector: [11] });
    };
    await run.copy(context);
    expect(isCopying).toBe(false);
    writer.delete([2]);
    await run.catchUp(context);
    writer.delete([3]);
    writer.upsert([12, 100], 3);
    const expected = await contents(holder);
    expect(run.swap()).toBe(13);
    expect(await contents(holder)).toEqual(expected);
    expect([...expected.keys()]).toEqual([1, ...range(4, 10), ...range(11, 20), 100]);
    await flush(holder);
    expect(await contents(await reload(store))).toEqual(expected);
    expect(await rebuildAll(holder, idsOf(holder))).toBe(17);
    expect(await contents(holder)).toEqual(expected);
  });

  it('catches up with many changes before the swap', async () => {
    const clock = slicingClock(() => {});
    const holder = await openHolder(undefined, { clock });
    const writer = new Writer(holder);
    writer.upsert(range(0, 5000), 1);
    const run = begin(holder, [0]);
    await run.copy(context);
    writer.delete(range(0, 4000));
    const { turns } = clock;
    await run.catchUp(context);
    expect(clock.turns - turns).toBeGreaterThan(50);
    writer.delete([4000]);
    expect(run.swap()).toBe(999);
    expect(await holder.count()).toBe(999);
  });

  it.each(['begun', 'copied', 'caught up', 'failed', 'aborted'])(
    'that is cancelled when it has %s leaves the state as if it had never run',
    async (stage) => {
      const { store, holder, writer } = await start();
      const run = begin(holder, [0, 1, 2]);
      writer.delete([0, 10]);
      writer.upsert([1, 11, 200], 2);
      if (stage === 'failed') {
        store.onWrite = () => {
          throw new Error('full');
        };
        await expect(run.copy(context)).rejects.toThrow('full');
        store.onWrite = () => {};
      } else if (stage === 'aborted') {
        const copying = run.copy({ ...context, signal: AbortSignal.abort() });
        await expect(copying).rejects.toMatchObject({ code: 'SLUICE_CANCELLED' });
      } else if (stage !== 'begun') await run.copy(context);
      writer.delete([2]);
      if (stage === 'caught up') await run.catchUp(context);
      const expected = await contents(holder);
      run.rollback();
      await run.discard();
      expect(await contents(holder)).toEqual(expected);
      expect([...expected.keys()]).toEqual([1, ...range(3, 10), ...range(11, 20), 200]);
      expect(holder.segments().every((segment) => segment.appendable)).toBe(true);
      await flush(holder);
      expect(await contents(await reload(store))).toEqual(expected);
      expect([...store.disk.blocks.keys()].sort()).toEqual([...store.disk.liveKeys].sort());
      // The same segments can be rebuilt later.
      expect(await rebuildAll(holder, idsOf(holder))).toBe(expected.size);
    },
  );

  it('drops the empty segment that its freeze created, after a swap and after a rollback', async () => {
    const holder = await openHolder();
    new Writer(holder).upsert([1], 1);
    begin(holder, [0]).rollback();
    expect(shape(holder)).toEqual([[0, 1, 1]]);
    await rebuildAll(holder, [0]);
    expect(shape(holder)).toEqual([[4, 1, 1]]);
  });

  it('keeps the segment that its freeze created when points came into it', async () => {
    const holder = await openHolder();
    const writer = new Writer(holder);
    writer.upsert([1, 2], 1);
    const run = begin(holder, [0]);
    writer.upsert([1], 2);
    run.rollback();
    expect(shape(holder).map(([, points]) => points)).toEqual([1, 1]);
  });

  it('of segments whose points are all deleted leaves none behind but one that takes rows', async () => {
    const { store, holder, writer } = await start();
    const run = begin(holder, [0, 1, 2]);
    await run.copy(context);
    writer.delete(range(0, 20));
    expect(run.swap()).toBe(0);
    expect(shape(holder).map(([, points, rows]) => [points, rows])).toEqual([[0, 0]]);
    expect(writer.upsert([5], 5)).toBe(1);
    await flush(holder);
    expect([...store.disk.blocks.keys()]).toEqual([...store.disk.liveKeys]);
    expect(await contents(await reload(store))).toEqual(await contents(holder));
  });

  it('runs beside others, also on the segment that their freeze created', async () => {
    const { holder, writer } = await start();
    const first = begin(holder, [0, 1, 2]);
    writer.upsert([0, 50], 2);
    const spare = idsOf(holder).at(-1) ?? 0;
    const second = begin(holder, [spare]);
    writer.upsert([0, 51], 3);
    await Promise.all([first.copy(context), second.copy(context)]);
    writer.delete([50]);
    const expected = await contents(holder);
    expect(second.swap()).toBe(0);
    expect(first.swap()).toBe(19);
    expect(await contents(holder)).toEqual(expected);
  });

  it('does nothing when the holder was closed meanwhile', async () => {
    const { holder } = await start();
    const run = begin(holder, [0, 1]);
    await run.copy(context);
    await holder.close();
    run.rollback();
  });

  it('copies in a worker thread just the same', async () => {
    const dimensions = 256;
    const holder = await openHolder(undefined, { dimensions, copyVectors: copyRows });
    const writer = new Writer(holder);
    const ids = range(0, 3000);
    const vectors = Float32Array.from({ length: ids.length * dimensions }, (_, i) => i % 1013);
    writer.apply({ kind: 'upsert', ids, vectors, payloads: ids.map((id) => ({ id })) });
    writer.delete(range(100, 200));
    expect(await rebuildAll(holder, idsOf(holder))).toBe(2900);
    expect(holder.segments().map(({ rows }) => rows)).toEqual([2900]);
    for (const { id, payload, vector } of holder.get(ids, { withVector: true })) {
      const from = Number(id) * dimensions;
      const isSame = vector?.every((value, i) => value === vectors[from + i]);
      expect([id, isSame]).toEqual([payload.id, true]);
    }
  });
});

describe('free disk', () => {
  it('must be twice the input', async () => {
    let free = 0;
    const { holder } = await start({ freeBytes: async () => free });
    const run = begin(holder, [0, 1]);
    await expect(run.copy(context)).rejects.toMatchObject({
      code: 'SLUICE_NOT_ENOUGH_SPACE',
      kind: 'transient',
    });
    run.rollback();
    await run.discard();
    free = 1_000_000;
    expect(await rebuildAll(holder, [0, 1])).toBe(20);
  });
});

describe('space for rewriting', () => {
  it('leaves what is reserved, and is not claimed twice', async () => {
    const space = new RewriteSpace(
      async () => 1000,
      () => 300,
    );
    const code = 'SLUICE_NOT_ENOUGH_SPACE';
    const claim = (stored: number, files = 0) => space.claim({ what: 'it', stored, files });
    await expect(claim(351)).rejects.toMatchObject({ code });
    await expect(claim(0, 701)).rejects.toMatchObject({ code });
    const release = await claim(200);
    await expect(claim(151)).rejects.toMatchObject({ code });
    const releaseFiles = await claim(0, 300);
    expect(space.underway).toBe(500);
    for (let times = 0; times < 2; times += 1) release();
    expect(space.underway).toBe(300);
    releaseFiles();
    await claim(350);
  });

  it('is not asked for when the store cannot tell', async () => {
    const space = new RewriteSpace(undefined, () => 300);
    expect(await space.claim({ what: 'it', stored: 2 ** 50 })).toBeTypeOf('function');
  });
});

describe('a copy that goes wrong', () => {
  it('is not taken for a whole one when the abort comes at its end', async () => {
    const controller = new AbortController();
    const { store, holder } = await start({
      copyVectors: async (...args: Parameters<typeof copyHere>) => {
        await copyHere(...args);
        controller.abort();
      },
    });
    const before = store.disk.blocks.size;
    const run = begin(holder, [0, 1]);
    const copying = run.copy({ ...context, signal: controller.signal });
    await expect(copying).rejects.toMatchObject({ code: 'SLUICE_CANCELLED' });
    run.rollback();
    await run.discard();
    expect(store.disk.blocks.size).toBe(before);
  });
});
