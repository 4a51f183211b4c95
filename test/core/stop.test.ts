// Stop is legal in every state, ends everything, and leaves nothing behind.
import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { Hooks } from './support/hooks.js';
import { settle } from './support/stepped-clock.js';
import { errorOf } from './support/tiny-segments.js';
import { openTiny, TinyStore } from './support/tiny-store.js';

/** Nothing is left that could act later. */
function expectNothingLeft(store: TinyStore): void {
  expect(store.handler.state).toBe('stopped');
  expect(store.clock.pending).toBe(0);
  expect(store.segments.frozen).toBe(0);
  const { budgets, queue } = store.handler.telemetry();
  expect(budgets).toMatchObject({ io: { used: 0, waiting: 0 }, cpu: { used: 0, waiting: 0 } });
  expect(queue.waiting).toBe(0);
  const children = Object.values(store.handler.actor.getSnapshot().children);
  expect(children.filter((child) => child?.getSnapshot().status === 'active')).toEqual([]);
}

describe('stop', () => {
  test('applies what is in the log, then flushes it, then closes both', async () => {
    const store = await openTiny();
    for (let at = 0; at < 20; at += 1) void store.put(`key${at}`, at, false);
    await store.run(store.handler.stop());
    expect(store.disk.applied).toBe(20);
    expect(store.handler.telemetry().log.acked).toBe(20);
    expect(store.calls('segments.close', 'wal.close').slice(-2)).toEqual([
      'segments.close',
      'wal.close',
    ]);
    expectNothingLeft(store);
  });

  test('while opening: opening is given up, and ready says so', async () => {
    const store = new TinyStore();
    const gate = store.hooks.hold('segments.open');
    const ready = Promise.allSettled([store.handler.ready()]);
    await store.clock.until(() => gate.arrived === 1);
    await store.run(store.handler.stop());
    expect(await ready).toMatchObject([{ reason: { code: 'SLUICE_STOPPED' } }]);
    expectNothingLeft(store);
  });

  test('before anything has happened', async () => {
    const store = new TinyStore();
    await store.run(store.handler.stop());
    expectNothingLeft(store);
    const refused = [store.put('a'), store.handler.plunge(), store.handler.flush()];
    for (const each of await Promise.allSettled(refused)) {
      expect(each).toMatchObject({ reason: { code: 'SLUICE_STOPPED' } });
    }
  });

  test('after opening has failed', async () => {
    const hooks = new Hooks();
    hooks.fail('wal.open', errorOf('declined', 'locked by another process'));
    const store = new TinyStore({ hooks });
    expect(await store.failure(store.handler.ready())).toMatchObject({
      message: 'locked by another process',
    });
    await store.run(store.handler.stop());
    expectNothingLeft(store);
  });

  test('while recovering, also when the replay stands in retry', async () => {
    const first = await openTiny();
    await first.fill(5);
    const store = new TinyStore(first.crash());
    store.hooks.fail('apply', errorOf('transient'), 1000);
    const ready = Promise.allSettled([store.handler.ready()]);
    await store.clock.advance(50);
    expect(store.handler.state).toBe('recovering');
    await store.run(store.handler.stop());
    expect(await ready).toMatchObject([{ reason: { code: 'SLUICE_STOPPED' } }]);
    expectNothingLeft(store);
    const again = await openTiny({ disk: store.disk, log: store.log });
    expect(Object.keys(again.content)).toHaveLength(5);
    await again.run(again.handler.stop());
  });

  test('while an operation stands in retry: it stays in the log, its waiter is told', async () => {
    const store = await openTiny();
    store.hooks.fail('apply', errorOf('transient'), 1000);
    const waiting = Promise.allSettled([store.put('a', 1), store.handler.plunge()]);
    await store.clock.advance(500);
    await store.run(store.handler.stop());
    for (const each of await waiting) {
      expect(each).toMatchObject({ reason: { code: 'SLUICE_STOPPED' } });
    }
    expectNothingLeft(store);
    const again = await openTiny({ disk: store.disk, log: store.log });
    expect(again.content).toEqual({ a: 1 });
    await again.run(again.handler.stop());
  });

  test('while submissions wait for room: they are refused, those in the log are applied', async () => {
    const store = await openTiny({ settings: { updateQueueLengthMax: 2 } });
    const gate = store.hooks.hold('wal.append');
    const all = Promise.allSettled(Array.from({ length: 4 }, (_, at) => store.put(`k${at}`, at)));
    await settle();
    const stopped = store.handler.stop();
    gate.open();
    await store.run(stopped);
    const [first, second, third, fourth] = await all;
    expect([first?.status, second?.status]).toEqual(['fulfilled', 'fulfilled']);
    for (const each of [third, fourth]) {
      expect(each).toMatchObject({ reason: { code: 'SLUICE_STOPPED' } });
    }
    expectNothingLeft(store);
  });

  test.each(['copy', 'index', 'catchUp'])(
    'during the phase %s of an optimization',
    async (phase) => {
      const store = await openTiny({ optimizers: [{}] });
      const gate = store.hooks.hold(`compaction.${phase}`);
      await store.fill(5);
      await store.clock.until(() => gate.arrived === 1);
      await store.run(store.handler.stop());
      expect(store.handler.optimizations().completed).toMatchObject([
        { status: { state: 'cancelled' } },
      ]);
      expect(store.disk.blocks.size).toBe(0);
      expectNothingLeft(store);
    },
  );

  test('an optimization that does not listen is left behind after its limit', async () => {
    const store = await openTiny({ optimizers: [{}] });
    const deaf = store.hooks.hold('compaction.copy');
    const { pass } = store.hooks;
    store.hooks.pass = (place, detail) => pass.call(store.hooks, place, detail);
    await store.fill(5);
    await store.clock.until(() => deaf.arrived === 1);
    const since = store.clock.now();
    await store.run(store.handler.stop());
    expect(store.clock.now() - since).toBeLessThan(60_000);
    expect(store.segments.frozen).toBe(0);
    expect(store.handler.state).toBe('stopped');
    expect(store.disk.applied).toBe(5);
  });

  test('during reconfiguring: the change is refused', async () => {
    const store = await openTiny({ optimizers: [{}] });
    const gate = store.hooks.hold('compaction.copy');
    await store.fill(5);
    await store.clock.until(() => gate.arrived === 1);
    const change = Promise.allSettled([store.handler.reconfigure({ flushIntervalMs: 100 })]);
    expect(store.handler.state).toBe('reconfiguring');
    await store.run(store.handler.stop());
    expect(await change).toMatchObject([{ reason: { code: 'SLUICE_STOPPED' } }]);
    expectNothingLeft(store);
  });

  test('while a crashed worker waits for its restart', async () => {
    const store = await openTiny();
    await store.fill(2);
    store.hooks.fail('release', new Error('defect'));
    await store.failure(store.handler.flush());
    await store.run(store.handler.stop());
    expectNothingLeft(store);
  });

  test('while broken, and while it is breaking', async () => {
    const store = await openTiny();
    await store.fill(2);
    store.hooks.fail('commit', errorOf('sticky'));
    await store.failure(store.handler.flush());
    await store.run(store.handler.stop());
    expectNothingLeft(store);

    const second = await openTiny();
    await second.fill(2);
    second.hooks.fail('commit', errorOf('sticky'));
    const flushed = Promise.allSettled([second.handler.flush()]);
    await Promise.resolve();
    await second.run(second.handler.stop());
    await flushed;
    expectNothingLeft(second);
  });

  test('twice, together and one after the other', async () => {
    const store = await openTiny();
    await store.run(Promise.all([store.handler.stop(), store.handler.stop()]));
    await store.run(store.handler.stop());
    expect(store.hooks.calls.filter((call) => call === 'wal.close')).toHaveLength(1);
    expectNothingLeft(store);
  });

  test('goes on when the last flush fails, and tells when closing does', async () => {
    const store = await openTiny();
    await store.fill(2);
    store.hooks.fail('commit', errorOf('transient', 'no space'));
    store.hooks.fail('segments.close', errorOf('transient', 'busy'));
    expect(await store.failure(store.handler.stop())).toMatchObject({ message: 'busy' });
    const shown = store.handler.status().errors.map(({ what, message }) => [what, message]);
    expect(shown).toEqual([
      ['flush', 'no space'],
      ['close', 'busy'],
    ]);
    expect(store.calls('wal.close').length).toBe(1);
    const again = await openTiny({ disk: store.disk, log: store.log });
    expect(Object.keys(again.content)).toHaveLength(2);
    await again.run(again.handler.stop());
  });

  test('leaves no listener on the signals of callers', async () => {
    const store = await openTiny();
    const controller = new AbortController();
    const { signal } = controller;
    const submit = (wait: boolean) =>
      store.handler.submit({ put: ['a', 1] }, { wait, signal, timeoutMs: 60_000 });
    await store.run(Promise.all([submit(true), submit(false)]));
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    store.hooks.fail('apply', errorOf('transient'), 1000);
    const waiting = Promise.allSettled([submit(true)]);
    await settle();
    await store.run(store.handler.stop());
    await waiting;
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expectNothingLeft(store);
  });

  test('calls that come afterwards are refused or do nothing', async () => {
    const store = await openTiny({ optimizers: [{}] });
    await store.run(store.handler.stop());
    store.handler.trigger();
    const refused = await Promise.allSettled([
      store.put('a'),
      store.handler.plunge(),
      store.handler.flush(),
      store.handler.reconfigure({}),
      store.handler.ready(),
    ]);
    for (const each of refused) {
      expect(each).toMatchObject({ reason: { code: 'SLUICE_STOPPED' } });
    }
    expect(store.handler.status().color).toBe('green');
    expect(store.handler.optimizations()).toMatchObject({ running: [], queued: [], idle: [] });
    expectNothingLeft(store);
  });
});

test('before it is open a store refuses what it could only lose', async () => {
  const store = new TinyStore();
  store.handler.trigger();
  const refused = await Promise.allSettled([store.put('a'), store.handler.plunge()]);
  for (const each of refused) expect(each).toMatchObject({ reason: { code: 'SLUICE_NOT_OPEN' } });
  await store.run(store.handler.ready());
  await store.run(store.handler.plunge());
  await store.run(store.handler.stop());
});
