// Clock tags of a collection: recovery points and deltas, also after a crash and a reopening.
import { type ClockTag, type Collection, openCollection } from 'sluice';
import { describe, expect, it } from 'vitest';
import { collect } from '../support/collect.js';
import { FaultLevel } from '../support/fault-level.js';
import { contentsOf, points } from '../support/points.js';
import { newStore, STORES } from '../support/stores.js';

const OPTIONS = { dimensions: 2, flushIntervalMs: 1_000_000 };

const tag = (peerId: number, tick: number): ClockTag => ({ peerId, clockId: 0, tick });

/** Writes one point with this tag. */
function write(collection: Collection, clockTag: ClockTag | undefined) {
  const id = clockTag === undefined ? 0 : 100 * clockTag.peerId + clockTag.tick;
  return collection.upsert(points(id, 1, 2), clockTag === undefined ? {} : { clockTag });
}

async function writeAll(collection: Collection, ...tags: (ClockTag | undefined)[]): Promise<void> {
  for (const each of tags) await write(collection, each);
}

describe.each(STORES)('a recovery point in $kind', ({ create }) => {
  it('names the newest tick of each clock, of what is synced, and is the same after reopening', async () => {
    const store = newStore(create);
    const collection = await store.open(OPTIONS);
    expect(collection.recoveryPoint()).toEqual([]);
    await writeAll(collection, tag(2, 1), tag(1, 7), tag(2, 2), undefined);
    expect(collection.recoveryPoint()).toEqual([tag(1, 7), tag(2, 2)]);
    await collection.upsert(points(1, 1, 2), { clockTag: tag(1, 8), wait: false });
    await collection.plunge();
    expect(collection.recoveryPoint()).toEqual([tag(1, 7), tag(2, 2)]);
    await collection.flush();
    const expected = [tag(1, 8), tag(2, 2)];
    expect(collection.recoveryPoint()).toEqual(expected);
    const killed = await (await store.afterKill()).open(OPTIONS);
    expect(killed.recoveryPoint()).toEqual(expected);
    await collection.close();
    expect((await store.open(OPTIONS)).recoveryPoint()).toEqual(expected);
  });

  it('tells what to send to another collection, which then is equal', async () => {
    const [one, other] = [
      await newStore(create).open(OPTIONS),
      await newStore(create).open(OPTIONS),
    ];
    one.keepWalFrom(0);
    await writeAll(one, tag(1, 1), tag(2, 1));
    await writeAll(other, tag(1, 1), tag(2, 1));
    await writeAll(one, tag(1, 2), tag(2, 2), tag(3, 1));
    const delta = await one.walDelta(other.recoveryPoint());
    expect(delta).toEqual({ status: 'from', opNum: 3 });
    expect(await other.walDelta(one.recoveryPoint())).toEqual({ status: 'unknownClocks' });
    if (delta.status !== 'from') return;
    for (const { operation } of await collect(one.changes({ from: delta.opNum }))) {
      const { clockTag } = operation;
      if (clockTag !== undefined) await write(other, clockTag);
    }
    expect(await one.walDelta(other.recoveryPoint())).toEqual({ status: 'equal' });
    expect(await contentsOf(other)).toEqual(await contentsOf(one));
  });

  it('below what the log has forgotten is cut off, exactly there, also after reopening', async () => {
    const store = newStore(create);
    const collection = await store.open({ ...OPTIONS, keepWalFrom: 3 });
    await writeAll(collection, tag(1, 1), tag(1, 2), tag(1, 3), tag(1, 4));
    const delta = (opened: Collection, tick: number) => opened.walDelta([tag(1, tick)]);
    expect(await delta(collection, 1)).toEqual({ status: 'from', opNum: 2 });
    await collection.flush();
    const killed = await (await store.afterKill()).open({ ...OPTIONS, keepWalFrom: 3 });
    for (const opened of [collection, killed]) {
      expect(opened.info().wal.acked).toBe(2);
      expect(await delta(opened, 1)).toEqual({ status: 'cutOff' });
      expect(await delta(opened, 2)).toEqual({ status: 'from', opNum: 3 });
      expect(await delta(opened, 3)).toEqual({ status: 'from', opNum: 4 });
    }
    await collection.close();
    const again = await store.open(OPTIONS);
    await again.flush();
    expect(again.info().wal.acked).toBe(4);
    expect(await delta(again, 3)).toEqual({ status: 'cutOff' });
    expect(await delta(again, 4)).toEqual({ status: 'equal' });
    await write(again, tag(1, 5));
    await again.flush();
    expect(await delta(again, 4)).toEqual({ status: 'cutOff' });
    expect(await delta(again, 5)).toEqual({ status: 'equal' });
  });

  it('has to be one', async () => {
    const collection = await newStore(create).open(OPTIONS);
    await expect(Reflect.apply(collection.walDelta, collection, [7])).rejects.toThrow(TypeError);
    await expect(collection.walDelta([tag(1, 0)])).rejects.toMatchObject({
      code: 'SLUICE_BAD_OPTION',
    });
    expect(await collection.walDelta([])).toEqual({ status: 'empty' });
  });
});

describe('between the commit and the truncation', () => {
  it.each([false, true])('a crash leaves no wrong answer (truncated: %s)', async (stored) => {
    const stores = { wal: new FaultLevel(), segments: new FaultLevel() };
    const collection = await openCollection(stores, OPTIONS);
    await writeAll(collection, tag(1, 1), tag(1, 2), tag(1, 3));
    stores.wal.failWrite({ stored });
    await expect(collection.flush()).rejects.toMatchObject({ code: 'SLUICE_IO' });
    await collection.close();
    for (const store of Object.values(stores)) await store.powerCut(() => false);
    const again = await openCollection(stores, { ...OPTIONS, keepWalFrom: 0 });
    expect(again.info().wal).toMatchObject({ acked: stored ? 3 : 0, applied: 3 });
    expect(await again.walDelta([tag(1, 2)])).toEqual(
      stored ? { status: 'cutOff' } : { status: 'from', opNum: 3 },
    );
    expect(await again.walDelta([tag(1, 3)])).toEqual({ status: 'equal' });
    await again.close();
  });
});

describe('a clock moves on', () => {
  it('with a declined operation too, before and after reopening alike', async () => {
    const store = newStore();
    const collection = await store.open(OPTIONS);
    const declined = collection.setPayload({ a: 1 }, [404], { clockTag: tag(1, 5) });
    await expect(declined).rejects.toMatchObject({ code: 'SLUICE_POINT_NOT_FOUND' });
    expect(collection.recoveryPoint()).toEqual([tag(1, 5)]);
    expect(await write(collection, tag(1, 4))).toEqual({ status: 'clockRejected' });
    await collection.close();
    const again = await store.open(OPTIONS);
    expect(await write(again, tag(1, 4))).toEqual({ status: 'clockRejected' });
    expect(await write(again, tag(1, 6))).toMatchObject({ status: 'completed' });
  });

  it('not with an operation that never came into the log', async () => {
    const collection = await newStore().open({ ...OPTIONS, walBytesMax: 2000 });
    const release = collection.keepWalFrom(0);
    const tags = Array.from({ length: 60 }, (_, at) => tag(1, at + 1));
    const outcomes = await Promise.allSettled(tags.map((each) => write(collection, each)));
    const full = outcomes.findIndex(({ status }) => status === 'rejected');
    expect(outcomes[full]).toMatchObject({ reason: { code: 'SLUICE_WAL_FULL' } });
    release();
    // Later ones were submitted before and are not there either: nothing has overtaken this one.
    expect(await write(collection, tag(1, full + 1))).toMatchObject({ status: 'completed' });
    expect(await write(collection, tag(1, full))).toEqual({ status: 'clockRejected' });
    const signal = AbortSignal.abort();
    const aborted = collection.upsert(points(1, 1, 2), { clockTag: tag(1, 99), signal });
    await expect(aborted).rejects.toMatchObject({ code: 'SLUICE_ABORTED' });
    expect(await write(collection, tag(1, 98))).toMatchObject({ status: 'completed' });
  });

  it('for operations on their way as for those that are there', async () => {
    const collection = await newStore().open(OPTIONS);
    const results = await Promise.all(
      [5, 4, 6, 6, 5].map((tick) => write(collection, tag(1, tick))),
    );
    expect(results.map(({ status }) => status)).toEqual([
      'completed',
      'clockRejected',
      'completed',
      'completed',
      'clockRejected',
    ]);
  });
});
