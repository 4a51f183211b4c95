// A sticky error breaks the store: everyone is answered, nothing is written, reopening recovers.
import { describe, expect, test } from 'vitest';
import { settle } from './support/stepped-clock.js';
import { errorOf } from './support/tiny-segments.js';
import { openTiny, TinyStore } from './support/tiny-store.js';

/** Places at which a sticky error may come, and what brings the store there. */
const places = [
  { place: 'wal.append', start: (store: TinyStore) => store.put('next') },
  { place: 'wal.appended', start: (store: TinyStore) => store.put('next') },
  { place: 'apply', start: (store: TinyStore) => store.put('next') },
  { place: 'wal.sync', start: (store: TinyStore) => store.handler.flush() },
  { place: 'writeBlocks', start: (store: TinyStore) => store.handler.flush() },
  { place: 'commit', start: (store: TinyStore) => store.handler.flush() },
  { place: 'wal.acknowledge', start: (store: TinyStore) => store.handler.flush() },
];

const rejectedAsBroken = { status: 'rejected', reason: { code: 'SLUICE_BROKEN' } };

async function breakByCommit(store: TinyStore): Promise<void> {
  store.hooks.fail('commit', errorOf('sticky', 'torn'));
  await store.failure(store.handler.flush());
}

describe.each(places)('a sticky error at $place', ({ place, start }) => {
  test('breaks the store; nothing more is acknowledged; reopening recovers', async () => {
    const store = await openTiny();
    const { handler } = store;
    await store.fill(3);
    store.hooks.fail(place, errorOf('sticky', 'disk gone'));
    const failed = await store.failure(start(store));
    expect(failed).toBeInstanceOf(Error);
    await settle();
    expect(handler.state).toBe('broken');
    expect(handler.status().color).toBe('red');
    const acknowledged = store.hooks.count('wal.acknowledge');
    const appended = store.hooks.count('wal.append');
    const refused = await Promise.allSettled([
      store.put('x'),
      store.put('x', 0, false),
      handler.plunge(),
      handler.flush(),
      handler.reconfigure({}),
    ]);
    for (const each of refused) expect(each).toMatchObject(rejectedAsBroken);
    await store.clock.advance(20_000);
    expect(store.hooks.count('wal.acknowledge')).toBe(acknowledged);
    expect(store.hooks.count('wal.append')).toBe(appended);
    expect(store.content).toMatchObject({ key0: 0, key1: 1, key2: 2 });
    await store.run(handler.reopen());
    expect(handler.state).toBe('running');
    expect(handler.status()).toMatchObject({ color: 'green' });
    const { opNum } = await store.run(store.put('again', 7));
    expect(opNum).toBe(place === 'wal.appended' || place === 'apply' ? 5 : 4);
    expect(store.content).toMatchObject({ key0: 0, again: 7 });
    await store.run(handler.stop());
    expect(store.clock.pending).toBe(0);
  });
});

describe('a broken store', () => {
  test('finds records that may have been written and were', async () => {
    const store = await openTiny();
    store.hooks.fail('wal.appended', errorOf('sticky', 'unknown outcome'));
    const failed = await store.failure(store.put('maybe', 1));
    expect(failed).toMatchObject({ code: 'SLUICE_IO' });
    expect(store.content).toEqual({});
    await store.run(store.handler.reopen());
    expect(store.content).toEqual({ maybe: 1 });
    await store.run(store.handler.stop());
  });

  test('answers everyone who was waiting: in the queue, in the log, for a plunger, for a flush', async () => {
    const store = await openTiny({ settings: { updateQueueLengthMax: 2 } });
    await store.run(store.put('applied'));
    store.hooks.fail('apply', errorOf('transient'), 100);
    const pending = [store.put('a'), store.put('b'), store.put('c'), store.handler.plunge()];
    const outcomes = Promise.allSettled(pending);
    await settle();
    const gate = store.hooks.hold('writeBlocks');
    store.hooks.fail('commit', errorOf('sticky'));
    const flushes = [store.handler.flush()];
    await settle();
    flushes.push(store.handler.flush());
    const flushed = Promise.allSettled(flushes);
    gate.open();
    for (const each of await store.run(outcomes)) expect(each).toMatchObject(rejectedAsBroken);
    const [first, second] = await store.run(flushed);
    expect(first).toMatchObject({ reason: { code: 'SLUICE_IO' } });
    expect(second).toMatchObject(rejectedAsBroken);
    expect(store.hooks.count('commit')).toBe(1);
    await store.run(store.handler.stop());
  });

  test('answers those whose append was in flight when something else broke', async () => {
    const store = await openTiny();
    await store.put('first', 0, false);
    const gate = store.hooks.hold('wal.append');
    const waits = Promise.allSettled([store.put('a')]);
    const doesNotWait = store.put('b', 0, false);
    await settle();
    await breakByCommit(store);
    expect(store.handler.state).toBe('broken');
    gate.open();
    expect(await store.run(doesNotWait)).toMatchObject({ status: 'acknowledged' });
    expect(await store.run(waits)).toMatchObject([rejectedAsBroken]);
    await store.run(store.handler.reopen());
    expect(store.content).toEqual({ first: 0, a: 0, b: 0 });
    expect(store.handler.telemetry().queue).toMatchObject({ entries: 0, bytes: 0 });
    await store.run(store.handler.stop());
  });

  test('shows each failure once', async () => {
    const store = await openTiny();
    await store.fill(1);
    await breakByCommit(store);
    const { errors } = store.handler.status();
    expect(errors).toMatchObject([{ what: 'flush', code: 'SLUICE_IO', times: 1 }]);
    await store.run(store.handler.stop());
  });

  test('cancels a running optimization and rolls it back', async () => {
    const store = await openTiny({ optimizers: [{}] });
    const gate = store.hooks.hold('compaction.index');
    await store.fill(5);
    await store.clock.until(() => gate.arrived === 1);
    await breakByCommit(store);
    await settle();
    expect(store.segments.frozen).toBe(0);
    expect(store.handler.telemetry().budgets).toMatchObject({ io: { used: 0 }, cpu: { used: 0 } });
    expect(store.hooks.count('compaction.begin')).toBe(1);
    expect(store.hooks.count('compaction.discard')).toBe(0);
    expect(store.handler.optimizations().completed[0]?.status.state).toBe('cancelled');
    await store.run(store.handler.reopen());
    await store.clock.until(() => store.handler.status().color === 'green');
    await store.run(store.handler.stop());
  });

  test('stays broken when reopening fails, and says why', async () => {
    const store = await openTiny();
    await store.fill(1);
    await breakByCommit(store);
    store.hooks.fail('wal.open', errorOf('sticky', 'still gone'));
    expect(await store.failure(store.handler.reopen())).toMatchObject({ message: 'still gone' });
    expect(store.handler.state).toBe('broken');
    await store.run(store.handler.reopen());
    expect(store.handler.state).toBe('running');
    await store.run(store.handler.stop());
  });

  test('can only be reopened when it is broken', async () => {
    const store = await openTiny();
    expect(await store.failure(store.handler.reopen())).toMatchObject({ code: 'SLUICE_NOT_OPEN' });
    await store.run(store.handler.stop());
    expect(await store.failure(store.handler.reopen())).toMatchObject({ code: 'SLUICE_NOT_OPEN' });
  });

  test('that broke while recovering rejects ready, and reopens', async () => {
    const first = await openTiny();
    await first.fill(3);
    const store = new TinyStore(first.crash());
    store.hooks.fail('wal.read', errorOf('sticky', 'unreadable'));
    expect(await store.failure(store.handler.ready())).toMatchObject({ code: 'SLUICE_BROKEN' });
    store.hooks.fail('wal.read', errorOf('sticky', 'unreadable'));
    expect(await store.failure(store.handler.reopen())).toMatchObject({ code: 'SLUICE_BROKEN' });
    await store.run(store.handler.reopen());
    expect(store.content).toEqual({ key0: 0, key1: 1, key2: 2 });
    await store.run(store.handler.stop());
  });
});
