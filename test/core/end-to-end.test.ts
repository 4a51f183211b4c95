// A small store that shares no code with the point engine runs on the core.
import { describe, expect, test } from 'vitest';
import { openTiny, TinyStore } from './support/tiny-store.js';

describe('a store of three adapters', () => {
  test('applies operations in the order of submission and answers with what they touched', async () => {
    const store = await openTiny();
    const { handler } = store;
    const results = await store.run(
      Promise.all([
        handler.submit({ put: ['a', 1] }),
        handler.submit({ put: ['a', 2] }, { wait: false }),
        handler.submit({ double: 'a' }),
        handler.submit({ delete: 'b' }),
      ]),
    );
    expect(results).toEqual([
      { opNum: 1, status: 'completed', affected: 1 },
      { opNum: 2, status: 'acknowledged' },
      { opNum: 3, status: 'completed', affected: 1 },
      { opNum: 4, status: 'completed', affected: 0 },
    ]);
    expect(store.content).toEqual({ a: 4 });
    await store.run(handler.stop());
  });

  test('a stopped store opens again with everything, and replays nothing', async () => {
    const first = await openTiny();
    await first.fill(5);
    await first.run(first.handler.stop());
    expect(first.handler.state).toBe('stopped');
    const second = await openTiny({ disk: first.disk, log: first.log });
    expect(second.content).toEqual({ key0: 0, key1: 1, key2: 2, key3: 3, key4: 4 });
    expect(second.hooks.count('apply')).toBe(0);
    const { opNum } = await second.run(second.put('more'));
    expect(opNum).toBe(6);
    await second.run(second.handler.stop());
  });

  test('after a crash the log is replayed from the last commit on, each record once', async () => {
    const first = await openTiny();
    await first.fill(3, 'flushed');
    await first.run(first.handler.flush());
    await first.fill(2, 'unflushed');
    const second = await openTiny(first.crash());
    expect(second.calls('apply')).toEqual(['apply 4', 'apply 5']);
    expect(second.content).toEqual(first.content);
    expect(second.handler.telemetry().recovery.toReplay).toBe(2);
    await second.run(second.handler.stop());
  });

  test('everything acknowledged is visible when ready resolves', async () => {
    const first = await openTiny();
    for (let at = 0; at < 50; at += 1) void first.put(`key${at}`, at, false);
    await first.run(first.put('last', 1, false));
    const second = new TinyStore(first.crash());
    await second.run(second.handler.ready());
    expect(Object.keys(second.content)).toHaveLength(51);
    await second.run(second.handler.stop());
  });

  test('a flush puts everything applied on disk and the log forgets it', async () => {
    const store = await openTiny();
    await store.fill(4);
    await store.run(store.handler.flush());
    expect(store.disk.applied).toBe(4);
    expect(store.handler.telemetry().log).toMatchObject({ acked: 4, applied: 4, last: 4 });
    await store.run(store.handler.stop());
  });

  test('optimizers run until they want nothing, and the store is green', async () => {
    const store = await openTiny({ optimizers: [{}] });
    await store.fill(9);
    store.handler.trigger();
    await store.clock.until(() => store.handler.status().color === 'green');
    const sizes = store.segments.segments().map(({ points }) => points);
    expect(sizes).toEqual([4, 4, 1]);
    expect(Object.keys(store.content)).toHaveLength(9);
    await store.run(store.handler.stop());
    expect(store.segments.frozen).toBe(0);
  });

  test('what is deleted and overwritten during an optimization stays so', async () => {
    const store = await openTiny({ optimizers: [{}] });
    const gate = store.hooks.hold('compaction.copy');
    await store.fill(5);
    await store.clock.until(() => gate.arrived === 1);
    await store.run(store.handler.submit({ delete: 'key0' }));
    await store.run(store.put('key1', 100));
    gate.open();
    await store.clock.until(() => store.hooks.count('compaction.swap') > 0);
    expect(store.content).toEqual({ key1: 100, key2: 2, key3: 3, key4: 4 });
    await store.run(store.handler.stop());
    const again = await openTiny({ disk: store.disk, log: store.log });
    expect(again.content).toEqual({ key1: 100, key2: 2, key3: 3, key4: 4 });
    await again.run(again.handler.stop());
  });

  test('a cancelled optimization leaves the store as if it had never run', async () => {
    const store = await openTiny({ optimizers: [{}] });
    const gate = store.hooks.hold('compaction.index');
    await store.fill(5);
    await store.clock.until(() => gate.arrived === 1);
    await store.run(store.handler.submit({ delete: 'key0' }));
    await store.run(store.put('key1', 100));
    await store.run(store.handler.stop());
    expect(store.content).toEqual({ key1: 100, key2: 2, key3: 3, key4: 4 });
    expect(store.segments.frozen).toBe(0);
    expect(store.disk.blocks.size).toBe(0);
    const again = await openTiny({ disk: store.disk, log: store.log });
    expect(again.content).toEqual(store.content);
    await again.run(again.handler.stop());
  });

  test('a declined operation is told to its waiter, counted, and declined again on replay', async () => {
    const store = await openTiny();
    const error = await store.failure(store.handler.submit({ double: 'missing' }));
    expect(error).toMatchObject({ code: 'SLUICE_DECLINED', message: 'no missing to double' });
    await store.run(store.put('a', 1));
    expect(store.handler.telemetry().operations).toMatchObject({ applied: 1, declined: 1 });
    expect(store.handler.status().color).toBe('green');
    const again = await openTiny(store.crash());
    expect(again.content).toEqual({ a: 1 });
    expect(again.handler.telemetry().operations).toMatchObject({ applied: 1, declined: 1 });
    await again.run(again.handler.stop());
  });
});
