// One test for each row of the model's update worker, by its name there.
import { describe, expect, test } from 'vitest';
import { settle } from './support/stepped-clock.js';
import { errorOf } from './support/tiny-segments.js';
import { openTiny } from './support/tiny-store.js';

describe('seed row: UpdateSignal', () => {
  test('UpdateSignal Operation — is applied in its turn and wakes the optimizers', async () => {
    const store = await openTiny({ optimizers: [{ fanIn: 9 }] });
    await store.clock.advance(10);
    const passes = store.hooks.count('compaction.select');
    await store.run(store.put('a', 1));
    expect(store.content).toEqual({ a: 1 });
    await store.clock.advance(100);
    expect(store.hooks.count('compaction.select')).toBeGreaterThan(passes);
    await store.run(store.handler.stop());
  });

  test('UpdateSignal Stop — what was submitted before is applied, the workers end', async () => {
    const store = await openTiny();
    const results = Promise.all([store.put('a', 1), store.put('b', 2)]);
    await store.run(store.handler.stop());
    expect((await results).map(({ status }) => status)).toEqual(['completed', 'completed']);
    expect(store.handler.state).toBe('stopped');
  });

  test('UpdateSignal Nop — makes the optimizers look after everything submitted before it', async () => {
    const store = await openTiny({ optimizers: [{ fanIn: 9 }] });
    await store.clock.advance(10);
    store.hooks.calls.length = 0;
    store.hooks.fail('apply', errorOf('transient'));
    const put = store.put('a', 1);
    store.handler.trigger();
    await settle();
    expect(store.hooks.count('compaction.select')).toBe(0);
    await store.run(put);
    await store.clock.advance(10);
    const order = store.calls('apply', 'compaction.select');
    expect(order.slice(0, 3)).toEqual(['apply 1', 'apply 1', 'compaction.select']);
    await store.run(store.handler.stop());
  });

  test('UpdateSignal Plunger — answers when everything submitted before it has been applied', async () => {
    const store = await openTiny();
    let answered = false;
    store.hooks.fail('apply', errorOf('transient'), 2);
    void store.put('a', 1, false);
    const plunged = store.handler.plunge().then(() => {
      answered = true;
    });
    void store.put('b', 2, false);
    await store.clock.advance(200);
    expect(answered).toBe(false);
    await store.run(plunged);
    expect(store.content).toMatchObject({ a: 1 });
    await store.run(store.handler.stop());
  });
});

describe('seed row: waiting', () => {
  test('wait flushes the WAL before applying — answered only when synced and applied, in this order', async () => {
    const store = await openTiny();
    let answeredAt = -1;
    await store.run(
      store.put('a', 1).then(() => {
        answeredAt = store.hooks.calls.length;
      }),
    );
    const order = store.hooks.calls
      .slice(0, answeredAt)
      .filter((call) => call.startsWith('wal.append') || call.startsWith('apply'));
    expect(order).toEqual(['wal.append 1 synced', 'wal.appended 1', 'apply 1']);
    await store.run(store.handler.stop());
  });

  test('a WAL that can not be written — the operation is refused and never applied', async () => {
    const store = await openTiny();
    store.hooks.fail('wal.append', errorOf('transient', 'no WAL'));
    expect(await store.failure(store.put('a', 1))).toMatchObject({ message: 'no WAL' });
    await store.run(store.handler.plunge());
    expect(store.hooks.count('apply')).toBe(0);
    await store.run(store.handler.stop());
  });

  test("result to the waiter's channel — the number of entries touched, or the refusal", async () => {
    const store = await openTiny();
    const [put, refused] = await store.run(
      Promise.allSettled([store.put('a', 1), store.handler.submit({ double: 'nothing' })]),
    );
    expect(put).toMatchObject({ value: { opNum: 1, affected: 1 } });
    expect(refused).toMatchObject({ reason: { code: 'SLUICE_DECLINED' } });
    await store.run(store.handler.stop());
  });

  test('a waiter that is gone is no error — the operation is applied, status stays green', async () => {
    const store = await openTiny();
    const controller = new AbortController();
    const gate = store.hooks.hold('wal.append');
    const options = { wait: true, signal: controller.signal };
    const given = store.handler.submit({ put: ['a', 1] }, options);
    const plunged = store.handler.plunge();
    await settle();
    controller.abort();
    gate.open();
    expect(await store.run(given)).toEqual({ opNum: 1, status: 'waitTimeout' });
    await store.run(plunged);
    expect(store.content).toEqual({ a: 1 });
    expect(store.handler.status()).toEqual({ color: 'green', reasons: [], errors: [] });
    await store.run(store.handler.stop());
  });
});

describe('seed row: ending', () => {
  test('closed source ends the worker — admission closed, the worker drains and ends', async () => {
    const store = await openTiny();
    const gate = store.hooks.hold('wal.append');
    const inFlight = store.put('a', 1);
    await settle();
    const stopped = store.handler.stop();
    expect(await store.failure(store.put('b'))).toMatchObject({ code: 'SLUICE_STOPPED' });
    gate.open();
    expect(await store.run(inFlight)).toMatchObject({ status: 'completed' });
    await store.run(stopped);
    expect(store.content).toEqual({ a: 1 });
  });

  test('run, stop flush worker, wait for workers to stop — update worker, optimizers, flush, in this order', async () => {
    const store = await openTiny({ optimizers: [{}] });
    const children = () => Object.keys(store.handler.actor.getSnapshot().children).sort();
    expect(children()).toEqual(['flushWorker', 'optimizerScheduler', 'updateWorker']);
    const gate = store.hooks.hold('compaction.copy');
    await store.fill(5);
    await store.clock.until(() => gate.arrived === 1);
    void store.put('last', 1, false);
    store.hooks.calls.length = 0;
    await store.run(store.handler.stop());
    const order = store.calls('apply', 'compaction.rollback', 'commit', 'wal.close');
    expect(order).toEqual(['apply 6', 'compaction.rollback', 'commit 6', 'wal.close']);
    expect(children()).toEqual([]);
  });
});

describe('seed row: failed operations', () => {
  test('re-applied from the first, in order — nothing overtakes the one that fails for now', async () => {
    const store = await openTiny();
    await store.run(store.put('a', 1));
    store.hooks.fail('apply', errorOf('transient', 'later'), 3);
    const all = [store.handler.submit({ double: 'a' }), store.put('a', 10), store.put('b', 1)];
    await store.run(Promise.all(all));
    expect(store.calls('apply')).toEqual([
      'apply 1',
      'apply 2',
      'apply 2',
      'apply 2',
      'apply 2',
      'apply 3',
      'apply 4',
    ]);
    expect(store.content).toEqual({ a: 10, b: 1 });
    await store.run(store.handler.stop());
  });

  test('after a crash they are replayed in the same order with the same result', async () => {
    const store = await openTiny();
    await store.run(store.put('a', 1));
    store.hooks.fail('apply', errorOf('transient', 'later'), 1000);
    void store.handler.submit({ double: 'a' }, { wait: false });
    void store.put('b', 1, false);
    await store.clock.advance(1000);
    expect(store.content).toEqual({ a: 1 });
    const again = await openTiny(store.crash());
    expect(again.calls('apply')).toEqual(['apply 1', 'apply 2', 'apply 3']);
    expect(again.content).toEqual({ a: 2, b: 1 });
    await again.run(again.handler.stop());
  });
});
