import { describe, expect, it } from 'vitest';
import { systemClock } from '#sluice/services/clock.js';
import { buildCreatePayloadIndex } from '#sluice/services/points/validate.js';
import { TestBlockStore } from './support/block-store.js';
import {
  begin,
  flush,
  idsOf,
  makeHolder,
  neverAborted,
  openHolder,
  reload,
  Writer,
} from './support/harness.js';

describe('opening', () => {
  it('stores dimensions and distance at once', async () => {
    const store = new TestBlockStore();
    await openHolder(store, { dimensions: 3, distance: 'euclid' });
    const holder = await reload(store, { dimensions: undefined });
    expect([holder.dimensions, holder.distance, holder.applied]).toEqual([3, 'euclid', 0]);
  });

  it('needs dimensions to create a store', async () => {
    const error = { code: 'SLUICE_BAD_OPTION' };
    await expect(openHolder(undefined, { dimensions: undefined })).rejects.toMatchObject(error);
  });

  it.each([
    [{ dimensions: 3 }, /2 dimensions.*not 3/],
    [{ distance: 'dot' as const }, /distance cosine.*not 2 and dot/],
  ])('refuses a store that is another: %j', async (options, message) => {
    const store = new TestBlockStore();
    await openHolder(store);
    const opening = reload(store, options);
    await expect(opening).rejects.toMatchObject({ code: 'SLUICE_DIMENSIONS_MISMATCH' });
    await expect(opening).rejects.toThrow(message);
  });

  it('leaves no open holder behind when a new store cannot be written', async () => {
    const store = new TestBlockStore();
    store.onWrite = () => {
      throw new Error('disk');
    };
    const holder = makeHolder(store);
    const options = { storeId: 'test', signal: neverAborted, onProgress: () => {} };
    await expect(holder.open(options)).rejects.toThrow('disk');
    store.onWrite = () => {};
    await expect(holder.open(options)).resolves.toMatchObject({ applied: 0 });
  });

  it('tells the progress and stops when it is told to', async () => {
    const store = new TestBlockStore();
    const holder = await openHolder(store);
    new Writer(holder).upsert([1, 2], 1);
    new Writer(holder).delete([1]);
    await flush(holder);
    await holder.close();
    const seen: number[][] = [];
    const onProgress = (...args: number[]) => seen.push(args);
    await makeHolder(store).open({ storeId: 'test', signal: neverAborted, onProgress });
    expect(seen).toEqual([
      [1, 2],
      [2, 2],
    ]);
    const aborted = { storeId: 'test', signal: AbortSignal.abort(), onProgress };
    await expect(makeHolder(store).open(aborted)).rejects.toMatchObject({
      code: 'SLUICE_CANCELLED',
    });
  });

  it('forgets memory at close and loads what was committed', async () => {
    const store = new TestBlockStore();
    const holder = await openHolder(store);
    const writer = new Writer(holder);
    writer.upsert([1], 1);
    await flush(holder);
    writer.upsert([2], 2);
    await holder.close();
    await holder.close();
    expect(() => holder.get([1])).toThrow('not open');
    await expect(holder.count()).rejects.toMatchObject({ code: 'SLUICE_NOT_OPEN' });
    const options = { storeId: 'test', signal: neverAborted, onProgress: () => {} };
    expect(await holder.open(options)).toMatchObject({ applied: 1 });
    expect(holder.get([1, 2]).map(({ id }) => id)).toEqual([1]);
  });
});

describe('opening again', () => {
  it('shows readers what was there before, and says so, until everything has been replayed', async () => {
    const store = new TestBlockStore();
    const holder = await openHolder(store);
    new Writer(holder).upsert([1, 2, 3], 1);
    await flush(holder);
    const writes = () => {
      new Writer(holder).delete([1]);
      holder.apply(3, buildCreatePayloadIndex('a', 'integer'));
    };
    writes();
    const before = holder.shown;
    expect(before).toMatchObject({ points: 2, payloadIndexes: { a: 'integer' } });
    const options = { storeId: 'test', signal: neverAborted, onProgress: () => {} };
    await holder.open(options);
    expect(holder.applied).toBe(1);
    expect(holder.shown).toEqual({ ...before, applied: 3 });
    writes();
    expect(holder.shown).toEqual({ ...before, applied: 3 });
    holder.recovered();
    expect(holder.shown).toEqual(before);
  });
});

describe('the configuration', () => {
  it('is overridden by what is given at open, and stored', async () => {
    const store = new TestBlockStore();
    const given = { flushIntervalMs: 100, optimizers: { deletedThreshold: 0.5 } };
    await openHolder(store, { configuration: given });
    const configuration = { optimizers: { maxSegmentSizeKb: 7 }, flushIntervalMs: undefined };
    const holder = await reload(store, { configuration });
    expect(holder.capture(holder.applied).changed).toBe(true);
    const expected = {
      flushIntervalMs: 100,
      optimizers: { deletedThreshold: 0.5, maxSegmentSizeKb: 7 },
    };
    expect(holder.configuration).toEqual(expected);
    expect(holder.optimizerOptions).toMatchObject({
      ...expected.optimizers,
      defaultSegmentNumber: 0,
    });
  });

  it('is stored by the next flush after a change', async () => {
    const store = new TestBlockStore();
    const holder = await openHolder(store);
    holder.configure({ optimizers: { deletedThreshold: 0.5 } });
    await flush(holder);
    const again = await reload(store);
    expect(again.configuration).toEqual({ optimizers: { deletedThreshold: 0.5 } });
    const capture = again.capture(again.applied);
    expect(capture.changed).toBe(false);
    capture.release();
  });

  it('keeps what was asked for in this process when it is opened again before a flush', async () => {
    const holder = await openHolder(undefined, { configuration: { a: 1, b: 1 } });
    holder.configure({ b: 2 });
    await holder.close();
    await holder.open({ storeId: 'test', signal: neverAborted, onProgress: () => {} });
    expect(holder.configuration).toEqual({ a: 1, b: 2 });
  });

  it('declines bad optimizer options and changes nothing', async () => {
    const holder = await openHolder();
    const bad = { optimizers: { deletedThreshold: 'much' } };
    expect(() => holder.configure(bad)).toThrow('deletedThreshold');
    expect(holder.configuration).toEqual({});
    expect(() => makeHolder(undefined, { configuration: bad })).toThrow('deletedThreshold');
  });
});

describe('capacity', () => {
  it('is added when all segments are full, and only then', async () => {
    const configuration = { optimizers: { maxSegmentSizeKb: 0.03 } };
    const holder = await openHolder(undefined, { configuration });
    const writer = new Writer(holder);
    for (const from of [0, 10, 20, 30, 40]) {
      writer.upsert(
        [0, 1, 2, 3].map((id) => from + id),
        1,
      );
      if (from < 40) holder.ensureCapacity();
    }
    expect(idsOf(holder)).toHaveLength(5);
    holder.ensureCapacity();
    expect(idsOf(holder)).toHaveLength(6);
    holder.ensureCapacity();
    expect(idsOf(holder)).toHaveLength(6);
    writer.upsert([100, 101, 102, 103, 104, 105, 106, 107, 108, 109], 1);
    holder.ensureCapacity();
    expect(idsOf(holder)).toHaveLength(7);
    expect(new Set(idsOf(holder)).size).toBe(7);
  });

  it('counts live vectors only', async () => {
    const configuration = { optimizers: { maxSegmentSizeKb: 0.03 } };
    const holder = await openHolder(undefined, { configuration });
    const writer = new Writer(holder);
    for (let value = 0; value < 10; value += 1) writer.upsert([1], value);
    holder.ensureCapacity();
    expect(idsOf(holder)).toHaveLength(1);
  });

  it('never ends: freezing the last segment creates an empty one in the same step', async () => {
    const holder = await openHolder();
    const [first = 0] = idsOf(holder);
    begin(holder, [first]);
    const appendable = holder.segments().map((segment) => segment.appendable);
    expect(appendable).toEqual([false, true]);
    expect(new Writer(holder).upsert([1], 1)).toBe(1);
  });
});

describe('views', () => {
  it('are counted, and waited for', async () => {
    const holder = await openHolder();
    expect(await holder.idle(0)).toBe(true);
    const views = [holder.view(), holder.view()];
    expect(await holder.idle(1)).toBe(false);
    const waiting = holder.idle(60_000);
    for (const view of views) {
      view.release();
      view.release();
    }
    expect(await waiting).toBe(true);
    expect(holder.openViews).toBe(0);
  });

  it('are released when a read fails', async () => {
    const clock = { ...systemClock, now: () => performance.now() * 1000 };
    const holder = await openHolder(undefined, { clock });
    new Writer(holder).upsert(
      Array.from({ length: 200 }, (_, i) => i),
      1,
    );
    const controller = new AbortController();
    const reading = holder.count({ signal: controller.signal });
    controller.abort();
    expect(holder.openViews).toBe(1);
    await expect(reading).rejects.toMatchObject({ code: 'SLUICE_ABORTED' });
    expect(holder.openViews).toBe(0);
  });

  it('are not even taken for a read that was given up before it began', async () => {
    const holder = await openHolder();
    const reading = holder.count({ signal: AbortSignal.abort() });
    expect(holder.openViews).toBe(0);
    await expect(reading).rejects.toMatchObject({ code: 'SLUICE_ABORTED' });
  });
});
