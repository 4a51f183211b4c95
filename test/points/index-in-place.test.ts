import { describe, expect, it } from 'vitest';
import { TestBlockStore } from './support/block-store.js';
import { FakeIndexes } from './support/fake-indexes.js';
import {
  begin,
  contents,
  context,
  flush,
  neverAborted,
  openHolder,
  reload,
  Writer,
} from './support/harness.js';

const N = 300;
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** 300 points without a deleted row in segment 0, which is on disk and large enough for an index. */
async function start() {
  const indexes = new FakeIndexes();
  const store = new TestBlockStore();
  const options = { indexes, configuration: { optimizers: { indexingThresholdKb: 1 } } };
  const holder = await openHolder(store, options);
  const writer = new Writer(holder);
  writer.upsert(range(0, N), 1);
  await flush(holder);
  const keys = () => [...store.disk.blocks.keys()];
  return { indexes, store, options, holder, writer, keys };
}

/** A run over segment 0 up to its swap. */
async function built() {
  const all = await start();
  const run = begin(all.holder, [0]);
  await run.copy(context);
  await run.index(context);
  await run.catchUp(context);
  return { ...all, run };
}

describe('an index in place', () => {
  it('leaves the blocks of its segment as they are, under an id of its own', async () => {
    const { run, holder, store, options, keys } = await built();
    const before = keys();
    const expected = await contents(holder);
    expect(run.swap()).toBe(N);
    expect(run.output).toEqual([2]);
    expect(holder.segments()).toMatchObject([
      { id: 2, points: N, rows: N, indexed: true, appendable: false },
      { id: 1, points: 0, appendable: true },
    ]);
    expect(holder.dirtyBytes()).toBe(0);
    await flush(holder);
    expect(keys()).toEqual(before);
    expect(await contents(holder)).toEqual(expected);
    const again = await reload(store, options);
    expect(again.segments()).toMatchObject([{ id: 2, indexed: true }, { id: 1 }]);
    expect(await contents(again)).toEqual(expected);
  });

  it('has what was deleted and overwritten at every stage', async () => {
    const { holder, writer, store, options } = await start();
    const run = begin(holder, [0]);
    writer.delete([0]);
    writer.upsert([1], 2);
    await run.copy(context);
    writer.delete([2]);
    await run.index(context);
    writer.upsert([3, 1000], 3);
    await run.catchUp(context);
    writer.delete([4]);
    const expected = await contents(holder);
    expect(run.swap()).toBe(N - 5);
    writer.delete([5]);
    expected.delete(5);
    expect(await contents(holder)).toEqual(expected);
    await flush(holder);
    expect(await contents(await reload(store, options))).toEqual(expected);
  });

  it('swaps beside a flush that writes its segment anew', async () => {
    const { run, holder, writer, store, options } = await built();
    writer.delete([7]);
    const capture = holder.capture();
    await capture.writeBlocks(neverAborted);
    writer.delete([8]);
    run.swap();
    await capture.commit();
    capture.release();
    const expected = await contents(holder);
    expect((await contents(await reload(store))).size).toBe(expected.size + 1);
    await flush(holder);
    expect([...store.disk.blocks.keys()].sort()).toEqual([...store.disk.liveKeys].sort());
    // Its own indexes: opening sweeps the files that the manifest doesn't name.
    expect(await contents(await reload(store, options))).toEqual(expected);
  });

  it('swaps beside a flush that fails', async () => {
    const { run, holder, writer, store } = await built();
    writer.delete([7]);
    const capture = holder.capture();
    await capture.writeBlocks(neverAborted);
    run.swap();
    capture.release();
    await flush(holder);
    expect([...store.disk.blocks.keys()].sort()).toEqual([...store.disk.liveKeys].sort());
    expect(await contents(await reload(store))).toEqual(await contents(holder));
  });

  it('that is rolled back leaves the segment as it was, and no file', async () => {
    const { run, holder, writer, indexes, keys } = await built();
    writer.delete([0]);
    const before = keys();
    run.rollback();
    await run.discard();
    expect(indexes.files.size).toBe(0);
    expect(keys()).toEqual(before);
    expect(holder.diskUse().underway).toBe(0);
    expect(holder.segments()).toMatchObject([{ id: 0, rows: N, indexed: false, appendable: true }]);
    writer.upsert([N], 1);
    expect(await holder.count()).toBe(N);
  });

  it('leaves nothing behind when all points are deleted before its swap', async () => {
    const { run, holder, writer, indexes, keys } = await built();
    writer.delete(range(0, N));
    expect(run.swap()).toBe(0);
    expect(run.output).toEqual([]);
    expect(holder.segments()).toMatchObject([{ id: 1, rows: 0, appendable: true }]);
    await flush(holder);
    expect([keys(), indexes.files.size]).toEqual([[], 0]);
  });

  it('takes rows again when so many points were deleted that it needs no index', async () => {
    const { holder, writer, indexes, store } = await start();
    const run = begin(holder, [0]);
    await run.copy(context);
    indexes.onBuild = () => {
      writer.delete(range(0, 250));
      indexes.builds[0]?.onProgress(N);
      indexes.builds[0]?.signal.throwIfAborted();
    };
    await run.index(context);
    await run.catchUp(context);
    expect(run.swap()).toBe(N - 250);
    writer.upsert([N], 1);
    expect(holder.segments()).toMatchObject([
      { id: 2, points: N - 249, rows: N + 1, indexed: false },
    ]);
    await flush(holder);
    expect(await contents(await reload(store))).toEqual(await contents(holder));
  });

  it('is not for a segment with deleted rows, which is rewritten without them', async () => {
    const { holder, writer } = await start();
    writer.delete([0]);
    const run = begin(holder, [0]);
    await run.copy(context);
    await run.index(context);
    run.swap();
    expect(holder.segments()).toMatchObject([{ rows: N - 1, indexed: true }, { points: 0 }]);
  });
});
