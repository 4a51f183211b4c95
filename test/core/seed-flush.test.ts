// One test for each row of the model's flush worker, by its name there.
import { MemoryLevel } from 'memory-level';
import { openCollection } from 'sluice';
import { describe, expect, test, vi } from 'vitest';
import { settle } from './support/stepped-clock.js';
import { errorOf } from './support/tiny-segments.js';
import { openTiny } from './support/tiny-store.js';

/** No flush begins in time for a test but by size. */
const BY_SIZE_ALONE = { dirtyBytesMax: 500, flushIntervalMs: 3_600_000 };

describe('seed row: flush worker', () => {
  test('WAL, segments, clocks, acknowledge — in this order, every interval', async () => {
    const store = await openTiny();
    await store.fill(2);
    store.hooks.calls.length = 0;
    await store.clock.advance(5000);
    expect(
      store.hooks.calls.filter((call) => call !== 'segments' && call !== 'ensureCapacity'),
    ).toMatchInlineSnapshot(`
        [
          "capture 2",
          "wal.sync",
          "writeBlocks",
          "commit 2",
          "wal.acknowledge 2",
          "release",
        ]
      `);
    await store.run(store.handler.stop());
  });

  test('a round without changes writes nothing; declined operations alone are a change', async () => {
    const store = await openTiny();
    await store.fill(1);
    await store.clock.advance(5000);
    await store.clock.advance(5000);
    expect(store.calls('commit')).toEqual(['commit 1']);
    await store.failure(store.handler.submit({ double: 'nothing' }));
    await store.clock.advance(5000);
    expect(store.calls('commit')).toEqual(['commit 1', 'commit 2']);
    expect(store.handler.telemetry().log.acked).toBe(2);
    await store.run(store.handler.stop());
  });

  test('a picture that forgets to mention a moved number is committed all the same', async () => {
    const store = await openTiny();
    const { capture } = store.segments;
    store.segments.capture = (applied, notes) => ({
      ...capture.call(store.segments, applied, notes),
      changed: false,
    });
    await store.fill(2);
    await store.run(store.handler.flush());
    expect(store.disk.applied).toBe(2);
    await store.run(store.handler.stop());
    const again = await openTiny({ disk: store.disk, log: store.log });
    expect(Object.keys(again.content)).toHaveLength(2);
    await again.run(again.handler.stop());
  });

  test.each(['wal.sync', 'capture', 'writeBlocks', 'commit', 'wal.acknowledge'])(
    'each error reported and survived — %s fails, the next round makes up for it',
    async (place) => {
      const store = await openTiny();
      await store.fill(2);
      store.hooks.fail(place, errorOf('transient', 'hiccup'));
      await store.clock.advance(5000);
      const { log } = store.handler.telemetry();
      expect(log.acked).toBe(0);
      expect(store.handler.status()).toMatchObject({
        color: 'red',
        errors: [{ what: 'flush', message: 'hiccup', times: 1, recoveredAt: null }],
      });
      await store.run(store.put('meanwhile', 1));
      await store.clock.advance(5000);
      expect(store.handler.status()).toMatchObject({ color: 'green' });
      expect(store.handler.status().errors[0]?.recoveredAt).not.toBeNull();
      expect(store.handler.telemetry().log.acked).toBe(3);
      expect(store.disk.applied).toBe(3);
      await store.run(store.handler.stop());
    },
  );

  test('a round that finds nothing to write and nothing to forget ends after its first step', async () => {
    const begun: string[] = [];
    const store = await openTiny({
      settings: {
        inspect: ({ type, actorRef }) => {
          if (type === '@xstate.actor' && 'id' in actorRef) begun.push(String(actorRef.id));
        },
      },
    });
    await store.fill(2);
    const steps = async () => {
      begun.length = 0;
      await store.run(store.handler.flush());
      return begun.filter((id) => ['capture', 'writeBlocks', 'commit', 'acknowledge'].includes(id));
    };
    expect(await steps()).toEqual(['capture', 'writeBlocks', 'commit', 'acknowledge']);
    expect(await steps()).toEqual(['capture']);
    const release = store.handler.keepWalFrom(0);
    await store.fill(1);
    expect(await steps()).toEqual(['capture', 'writeBlocks', 'commit', 'acknowledge']);
    expect(await steps()).toEqual(['capture']);
    release();
    expect(await steps()).toEqual(['capture', 'acknowledge']);
    await store.run(store.handler.stop());
  });

  test('much that is unwritten wakes it before its time', async () => {
    const store = await openTiny({ settings: { dirtyBytesMax: 500 } });
    const since = store.clock.now();
    await store.fill(20);
    await store.clock.until(() => store.disk.applied === 20);
    expect(store.clock.now() - since).toBeLessThan(1000);
    await store.run(store.handler.stop());
  });

  test('what a round is writing does not ask for another one', async () => {
    const store = await openTiny({ settings: { dirtyBytesMax: 500 } });
    const gate = store.hooks.hold('writeBlocks');
    await store.fill(6);
    await store.clock.advance(1000);
    await store.fill(3);
    await store.clock.advance(1000);
    gate.open();
    await store.clock.advance(1000);
    expect(store.calls('commit')).toEqual(['commit 6']);
    await store.fill(2);
    await store.clock.advance(1000);
    expect(store.calls('commit')).toEqual(['commit 6']);
    await store.fill(1);
    await store.clock.advance(1000);
    expect(store.calls('commit')).toEqual(['commit 6', 'commit 12']);
    await store.run(store.handler.stop());
  });

  test.each(['writeBlocks', 'wal.acknowledge'])(
    'much that comes during %s is written by another round, right after it',
    async (place) => {
      const store = await openTiny({ settings: BY_SIZE_ALONE });
      const gate = store.hooks.hold(place);
      await store.fill(6);
      await store.clock.advance(1000);
      await store.fill(6);
      await store.clock.advance(1000);
      expect(store.disk.applied).not.toBe(12);
      gate.open();
      await store.clock.advance(1000);
      expect(store.calls('commit')).toEqual(['commit 6', 'commit 12']);
      await store.run(store.handler.stop());
    },
  );

  test('what an optimization drops during a round leaves no room for what comes', async () => {
    const store = await openTiny({ settings: BY_SIZE_ALONE });
    const gate = store.hooks.hold('writeBlocks');
    await store.fill(6);
    await store.clock.advance(1000);
    const dirtyBytes = vi.spyOn(store.segments, 'dirtyBytes').mockReturnValue(0);
    await store.fill(1);
    await store.clock.advance(1000);
    dirtyBytes.mockReturnValue(501);
    await store.fill(1);
    await store.clock.advance(1000);
    dirtyBytes.mockRestore();
    gate.open();
    await store.clock.advance(1000);
    expect(store.calls('commit')).toEqual(['commit 6', 'commit 8']);
    await store.run(store.handler.stop());
  });

  test.each(['writeBlocks', 'commit'])(
    'what a round that failed in %s did not write counts again',
    async (place) => {
      const store = await openTiny({ settings: BY_SIZE_ALONE });
      store.hooks.fail(place, errorOf('transient', 'hiccup'));
      await store.fill(6);
      await store.clock.advance(1000);
      expect(store.disk.applied).toBe(0);
      await store.fill(1);
      await store.clock.advance(1000);
      expect(store.disk.applied).toBe(7);
      await store.run(store.handler.stop());
    },
  );

  test.each([
    { end: 'the storage breaks', error: errorOf('sticky', 'torn') },
    { end: 'the flush worker crashes', error: undefined },
  ])('what was asked for by size is asked for again after $end', async ({ error }) => {
    const store = await openTiny({ settings: BY_SIZE_ALONE });
    const gate = store.hooks.hold('writeBlocks');
    await store.fill(6);
    await store.clock.advance(1000);
    // Asks for a second round, which is never begun.
    await store.fill(6);
    await store.clock.advance(1000);
    if (error) store.hooks.fail('commit', error);
    else store.hooks.fail('release', new Error('defect'));
    gate.open();
    await store.clock.advance(5000);
    if (error) {
      expect(store.handler.state).toBe('broken');
      await store.run(store.handler.reopen());
    } else expect(store.disk.applied).toBe(12);
    await store.fill(6);
    await store.clock.advance(1000);
    expect(store.disk.applied).toBe(18);
    await store.run(store.handler.stop());
  });

  test('a flush asked for during a round is answered by the next one', async () => {
    const store = await openTiny();
    await store.fill(1);
    const gate = store.hooks.hold('writeBlocks');
    const first = store.handler.flush();
    await settle();
    await store.run(store.put('late', 1));
    const second = store.handler.flush();
    gate.open();
    await store.run(first, 100);
    await store.run(second, 100);
    expect(store.calls('commit')).toEqual(['commit 1', 'commit 2']);
    await store.run(store.handler.stop());
  });
});

describe('seed row: keep-from', () => {
  test('the lowest of several holders counts, and each can let go', async () => {
    const store = await openTiny();
    await store.fill(10);
    const low = store.handler.keepWalFrom(4);
    const high = store.handler.keepWalFrom(8);
    const acked = async () => {
      await store.run(store.put('more'));
      await store.run(store.handler.flush());
      return store.handler.telemetry().log.acked;
    };
    expect(await acked()).toBe(3);
    low();
    expect(await acked()).toBe(7);
    high();
    expect(await acked()).toBe(13);
    await store.run(store.handler.stop());
  });

  test('0 keeps everything', async () => {
    const store = await openTiny();
    const release = store.handler.keepWalFrom(0);
    await store.fill(5);
    await store.run(store.handler.flush());
    expect(store.hooks.count('wal.acknowledge')).toBe(0);
    expect(store.disk.applied).toBe(5);
    release();
    await store.run(store.handler.flush());
    expect(store.handler.telemetry().log.acked).toBe(5);
    await store.run(store.handler.stop());
  });

  test('too late is an error, also while the log is just forgetting', async () => {
    const store = await openTiny();
    await store.fill(5);
    const gate = store.hooks.hold('wal.acknowledge');
    const flushed = store.handler.flush();
    await settle();
    expect(gate.arrived).toBe(1);
    const truncated = expect.objectContaining({ code: 'SLUICE_WAL_TRUNCATED' });
    expect(() => store.handler.keepWalFrom(3)).toThrow(truncated);
    gate.open();
    await store.run(flushed);
    expect(() => store.handler.keepWalFrom(5)).toThrow(truncated);
    store.handler.keepWalFrom(6)();
    expect(() => store.handler.keepWalFrom(-1)).toThrow(TypeError);
    await store.run(store.handler.stop());
  });
});

test('seed row: confirmed version never above a failed operation − 1', async () => {
  const store = await openTiny();
  await store.fill(3);
  store.hooks.fail('apply', errorOf('transient'), 1000);
  void store.put('stuck', 1, false);
  for (let at = 0; at < 5; at += 1) void store.put(`behind${at}`, at, false);
  await store.clock.advance(20_000);
  expect(store.handler.telemetry().log).toMatchObject({ acked: 3, applied: 3, last: 9 });
  expect(store.disk.applied).toBe(3);
  store.hooks.clear('apply');
  await store.run(store.handler.plunge());
  await store.run(store.handler.flush());
  expect(store.handler.telemetry().log).toMatchObject({ acked: 9, applied: 9 });
  await store.run(store.handler.stop());
});

describe('seed row: clocks stored when changed', () => {
  test('a tag is accepted once, rejected when overtaken, stored at the flush and there after reopening', async () => {
    const stores = { wal: new MemoryLevel(), segments: new MemoryLevel() };
    const open = () => openCollection(stores, { dimensions: 2 });
    const point = [{ id: 1, vector: [1, 0] }];
    const tag = (tick: number) => ({ clockTag: { peerId: 7, clockId: 0, tick } });

    const first = await open();
    expect(await first.upsert(point, tag(1))).toMatchObject({ status: 'completed' });
    expect(await first.upsert(point, tag(3))).toMatchObject({ status: 'completed' });
    expect(await first.upsert(point, tag(2))).toEqual({ status: 'clockRejected' });
    await first.flush();
    const { flush } = first.telemetry();
    await first.flush();
    expect(first.telemetry().flush.commits).toBe(flush.commits);
    await first.close();

    const second = await open();
    expect(second.telemetry().recovery.toReplay).toBe(0);
    expect(await second.upsert(point, tag(2))).toEqual({ status: 'clockRejected' });
    expect(await second.upsert(point, tag(4))).toMatchObject({ status: 'completed' });
    await second.close();
  });
});
