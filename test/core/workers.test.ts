// Workers fail, crash and come back; optimizations back off; status tells.
import { describe, expect, test } from 'vitest';
import { settle } from './support/stepped-clock.js';
import { errorOf } from './support/tiny-segments.js';
import { openTiny, TinyStore as Tiny, type TinyStore } from './support/tiny-store.js';

const failures = (store: TinyStore) => store.handler.status().errors;
const standing = (store: TinyStore) =>
  failures(store).flatMap(({ what, recoveredAt }) => (recoveredAt === null ? [what] : []));

/** Fills four entries, of which two sealed segments are left to merge. */
async function openWithWork(options: ConstructorParameters<typeof TinyStore>[0] = {}) {
  return openTiny({ optimizers: [{}], ...options });
}

describe('a worker that crashes', () => {
  test('update worker: is restarted with back-off, shown red, then recovered; nothing is lost', async () => {
    const first = await openTiny();
    await first.fill(3);
    const store = new Tiny(first.crash());
    store.hooks.fail('wal.read', new Error('flaky'), 3);
    await store.clock.until(() => store.hooks.count('wal.read') === 1);
    expect(store.handler.state).toBe('recovering');
    expect(store.handler.status()).toMatchObject({ color: 'red' });
    expect(standing(store)).toEqual(['updateWorker']);
    const since = store.clock.now();
    await store.run(store.handler.ready());
    // 100, 200 and 400 ms after the crashes.
    expect(store.clock.now() - since).toBeGreaterThanOrEqual(700);
    expect(store.clock.now() - since).toBeLessThan(800);
    expect(failures(store)).toMatchObject([{ what: 'updateWorker', times: 3 }]);
    expect(store.handler.status().color).toBe('green');
    expect(store.content).toEqual(first.content);
    await store.run(store.handler.stop());
  });

  test('update worker: submissions go on meanwhile and are answered after the restart', async () => {
    const store = await openTiny({ settings: { windowBytesMax: 20 } });
    store.hooks.fail('apply', errorOf('transient'));
    store.hooks.fail('wal.read', new Error('flaky'), 2);
    const all = Array.from({ length: 5 }, (_, at) => store.put(`key${at}`, at));
    const results = await store.run(Promise.all(all));
    expect(results.map(({ opNum }) => opNum)).toEqual([1, 2, 3, 4, 5]);
    await store.clock.until(() => standing(store).length === 0, 100);
    await store.run(store.handler.stop());
  });

  test('flush worker: is restarted, and the round it was in is told to its waiter', async () => {
    const store = await openTiny();
    await store.fill(2);
    store.hooks.fail('release', new Error('defect'));
    expect(await store.failure(store.handler.flush())).toBeInstanceOf(Error);
    await store.clock.until(() => standing(store).length === 0, 20_000);
    await store.run(store.handler.flush());
    expect(store.disk.applied).toBe(2);
    await store.run(store.handler.stop());
  });

  test('a flush that is asked for while the worker is away is done when it is back', async () => {
    const store = await openTiny({ settings: { flushIntervalMs: 3_600_000 } });
    await store.fill(2);
    store.hooks.fail('release', new Error('defect'));
    await store.failure(store.handler.flush());
    await store.run(store.handler.flush(), 10_000);
    expect(store.disk.applied).toBe(2);
    await store.run(store.handler.stop());
  });

  test('a flush that is asked for in a round that crashes is answered by the next worker', async () => {
    const store = await openTiny({ settings: { flushIntervalMs: 3_600_000 } });
    await store.fill(2);
    const gate = store.hooks.hold('writeBlocks');
    const first = store.failure(store.handler.flush());
    await store.clock.advance(10);
    const second = store.handler.flush();
    store.hooks.fail('release', new Error('defect'));
    gate.open();
    expect(await first).toMatchObject({ code: 'SLUICE_CRASHED' });
    await store.run(second, 10_000);
    expect(store.disk.applied).toBe(2);
    await store.run(store.handler.stop());
  });

  test('a flush that is asked for while recovering is done right afterwards', async () => {
    const first = await openTiny();
    await first.fill(2);
    const store = new Tiny({ ...first.crash(), settings: { flushIntervalMs: 3_600_000 } });
    await store.run(store.handler.flush(), 10_000);
    expect(store.disk.applied).toBe(2);
    await store.run(store.handler.stop());
  });
});

describe('the scheduler', () => {
  test.each(['ensureCapacity', 'segments', 'compaction.select'])(
    'survives an error of %s: red, backs off, then goes on',
    async (place) => {
      const store = await openTiny({ optimizers: [{}] });
      store.hooks.fail(place, new Error('flaky'), 3);
      await store.fill(5);
      await store.clock.until(() => standing(store).includes('optimizerScheduler'));
      expect(store.handler.status().color).toBe('red');
      await store.clock.until(() => store.handler.status().color === 'green');
      expect(store.hooks.count('compaction.swap')).toBe(1);
      await store.run(store.handler.stop());
    },
  );

  test('status does not throw when an optimizer does', async () => {
    const store = await openWithWork();
    await store.fill(5);
    await store.clock.until(() => store.handler.status().color === 'green');
    store.hooks.fail('compaction.select', new Error('defect'));
    expect(store.handler.status()).toMatchObject({
      color: 'red',
      reasons: [{ reason: 'error', what: 'plan' }],
    });
    await store.run(store.handler.stop());
  });
});

describe('an optimization that fails', () => {
  test.each(['copy', 'index', 'catchUp', 'swap'])(
    'in %s is rolled back, shown, and tried again after its back-off',
    async (phase) => {
      const store = await openWithWork();
      store.hooks.fail(`compaction.${phase}`, new Error('no luck'), 2);
      await store.fill(5);
      await store.clock.until(() => store.hooks.count('compaction.discard') === 1);
      const since = store.clock.now();
      await settle();
      expect(store.segments.frozen).toBe(0);
      expect(store.disk.blocks.size).toBe(0);
      expect(store.handler.telemetry().budgets).toMatchObject({
        io: { used: 0 },
        cpu: { used: 0 },
      });
      expect(store.handler.status()).toMatchObject({ color: 'red' });
      expect(store.handler.status().reasons).toContainEqual({ reason: 'backingOff' });
      expect(standing(store)).toEqual(['optimization:compaction']);
      await store.run(store.put('meanwhile'));
      expect(store.hooks.count('compaction.begin')).toBe(1);
      await store.clock.until(() => store.handler.status().color === 'green');
      // 500 ms, then 1000 ms.
      expect(store.clock.now() - since).toBeGreaterThanOrEqual(1500);
      expect(store.hooks.count('compaction.begin')).toBe(3);
      const states = store.handler.optimizations().completed.map(({ status }) => status.state);
      expect(states).toEqual(['done', 'error', 'error']);
      await store.run(store.handler.stop());
    },
  );

  test('trigger tries again at once', async () => {
    const store = await openWithWork();
    store.hooks.fail('compaction.copy', new Error('no luck'));
    await store.fill(5);
    await store.clock.until(() => store.hooks.count('compaction.discard') === 1);
    const since = store.clock.now();
    store.handler.trigger();
    await store.clock.until(() => store.handler.status().color === 'green');
    expect(store.clock.now() - since).toBeLessThan(100);
    await store.run(store.handler.stop());
  });

  test('that finds its segments gone ends without a trace and backs off', async () => {
    const store = await openWithWork();
    const [optimizer] = store.optimizers;
    if (optimizer === undefined) throw new Error('the store has an optimizer');
    const { begin } = optimizer;
    let gone = 1;
    optimizer.begin = (ids) => {
      gone -= 1;
      return gone >= 0 ? undefined : begin.call(optimizer, ids);
    };
    await store.fill(5);
    await store.clock.until(() => gone === 0);
    expect(store.handler.optimizations().completed).toEqual([]);
    expect(store.handler.status()).toMatchObject({
      color: 'grey',
      reasons: [{ reason: 'backingOff' }],
    });
    await store.clock.until(() => store.handler.status().color === 'green');
    await store.run(store.handler.stop());
  });

  test('whose rollback throws still gives its permits back and is shown', async () => {
    const store = await openWithWork();
    store.hooks.fail('compaction.copy', new Error('no luck'));
    store.hooks.fail('compaction.rollback', new Error('defect'));
    await store.fill(5);
    await store.clock.until(() => standing(store).includes('optimization:compaction'));
    await store.clock.until(() => store.handler.status().color === 'green');
    expect(store.handler.telemetry().budgets).toMatchObject({ io: { used: 0 }, cpu: { used: 0 } });
    await store.run(store.handler.stop());
  });
});

describe('an operation that fails for now', () => {
  test('is tried again with growing delays, nothing overtakes it, and status clears when it is through', async () => {
    const store = await openTiny();
    store.hooks.fail('apply', errorOf('transient', 'not now'), 5);
    const times: number[] = [];
    const { now } = store.hooks;
    store.hooks.now = (place, detail) => {
      if (place === 'apply') times.push(store.clock.now());
      now.call(store.hooks, place, detail);
    };
    const all = [store.put('a', 1), store.put('a', 2), store.put('a', 3)];
    await settle();
    expect(store.handler.status()).toMatchObject({
      color: 'red',
      errors: [{ what: 'apply', times: 1 }],
    });
    await store.run(Promise.all(all));
    expect(store.calls('apply')).toEqual([
      ...Array.from({ length: 6 }, () => 'apply 1'),
      'apply 2',
      'apply 3',
    ]);
    const delays = times.slice(1, 6).map((at, index) => at - (times[index] ?? 0));
    expect(delays).toEqual([100, 200, 400, 800, 1600]);
    expect(store.handler.status().color).toBe('green');
    expect(store.handler.telemetry().operations).toMatchObject({ applied: 3, retries: 5 });
    await store.run(store.handler.stop());
  });
});
