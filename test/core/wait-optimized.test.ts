// Callers who wait until the optimizers are through with what they wrote.
import { createUpdateHandler, memoryWal } from 'sluice';
import { describe, expect, test } from 'vitest';
import { settle } from './support/stepped-clock.js';
import { errorOf } from './support/tiny-segments.js';
import { openTiny, type TinyStore } from './support/tiny-store.js';

/** The optimizer merges two full segments of two entries; the fifth entry begins a third. */
async function openWithWork(options: Parameters<typeof openTiny>[0] = {}): Promise<TinyStore> {
  return openTiny({ optimizers: [{}], ...options });
}

function putOptimized(store: TinyStore, key: string, options: object = {}) {
  const { clock, hooks } = store;
  let answer: unknown;
  const result = store.handler
    .submit({ put: [key, 1] }, { wait: 'optimized', ...options })
    .then((given) => {
      answer = given;
      return given;
    });
  result.catch(() => {});
  return { result, answered: () => answer !== undefined, clock, hooks };
}

/** A caller waits for its fourth entry, whose segment is being merged: the run stands at the gate. */
async function openWaiting() {
  const store = await openWithWork();
  const gate = store.hooks.hold('compaction.copy');
  await store.fill(3);
  const waiting = putOptimized(store, 'fourth');
  await store.run(store.put('fifth'));
  await store.clock.until(() => gate.arrived === 1);
  return { store, waiting };
}

const awaited = (store: TinyStore) => store.handler.telemetry().optimizations.awaited;
const DONE = { status: 'completed', affected: 1, optimized: true };

describe("wait: 'optimized'", () => {
  test('is answered soon when the segment is not wanted', async () => {
    const store = await openWithWork();
    const { result } = putOptimized(store, 'a');
    expect(await store.run(result, 100)).toEqual({ opNum: 1, ...DONE });
    expect(awaited(store)).toBe(0);
    await store.run(store.handler.stop());
  });

  test('is synced as with true: safe from a power cut', async () => {
    const store = await openWithWork();
    await store.run(putOptimized(store, 'a').result);
    expect(store.calls('wal.append')).toEqual(['wal.append 1 synced']);
    await store.run(store.handler.stop());
  });

  test('waits while the segment is planned for want of a slot, and while it is optimized', async () => {
    const store = await openWithWork({ settings: { maxOptimizationThreads: 1 } });
    const gates = [store.hooks.hold('compaction.copy'), store.hooks.hold('compaction.copy')];
    await store.fill(7);
    await store.clock.until(() => gates[0]?.arrived === 1);
    // It fills the fourth segment, which is planned together with the third.
    const waiting = putOptimized(store, 'eighth');
    await store.clock.advance(10_000);
    await store.run(store.put('ninth'));
    await store.clock.advance(10_000);
    expect(store.handler.optimizations().queued).toHaveLength(1);
    expect([waiting.answered(), awaited(store)]).toEqual([false, 1]);
    gates[0]?.open();
    await store.clock.until(() => gates[1]?.arrived === 1);
    await store.clock.advance(10_000);
    expect(waiting.answered()).toBe(false);
    gates[1]?.open();
    expect(await store.run(waiting.result, 100)).toMatchObject(DONE);
    expect(store.hooks.count('compaction.swap')).toBe(2);
    await store.run(store.handler.stop());
  });

  test('waits on for the successor when that is wanted again', async () => {
    const store = await openWithWork({
      optimizers: [{ name: 'small' }, { name: 'large', bigEntries: 5 }],
    });
    const gate = store.hooks.hold('large.copy');
    const last = store.hooks.hold('small.copy');
    await store.fill(3);
    const waiting = putOptimized(store, 'fourth');
    void store.fill(5, 'more');
    await store.clock.until(() => last.arrived === 1);
    last.open();
    // Each pair has become a segment of four, and these are merged by the other optimizer.
    await store.clock.until(() => gate.arrived === 1);
    await store.clock.advance(20_000);
    expect(waiting.answered()).toBe(false);
    gate.open();
    expect(await store.run(waiting.result, 1000)).toMatchObject({ opNum: 4, ...DONE });
    await store.run(store.handler.stop());
  });

  test('waits through a back-off until the next try has succeeded', async () => {
    const store = await openWithWork();
    store.hooks.fail('compaction.copy', new Error('no luck'), 2);
    await store.fill(3);
    const waiting = putOptimized(store, 'fourth');
    await store.run(store.put('fifth'));
    await store.clock.until(() => store.hooks.count('compaction.discard') === 2);
    expect(store.handler.status().reasons).toContainEqual({ reason: 'backingOff' });
    expect(waiting.answered()).toBe(false);
    const since = store.clock.now();
    expect(await store.run(waiting.result)).toMatchObject(DONE);
    expect(store.clock.now() - since).toBeGreaterThan(900);
    await store.run(store.handler.stop());
  });

  test('a run that is cancelled by a reconfiguration is waited for until it has been repeated', async () => {
    const { store, waiting } = await openWaiting();
    await store.run(store.handler.reconfigure({}));
    expect(await store.run(waiting.result)).toMatchObject(DONE);
    const states = store.handler.optimizations().completed.map(({ status }) => status.state);
    expect(states).toEqual(['done', 'cancelled']);
    await store.run(store.handler.stop());
  });

  test('is answered with the reason when optimizations are disabled, or become so', async () => {
    const { store, waiting } = await openWaiting();
    await store.run(store.handler.reconfigure({ maxOptimizationThreads: 0 }));
    const disabled = { status: 'completed', affected: 1, optimized: false, reason: 'disabled' };
    expect(await store.run(waiting.result, 100)).toEqual({ opNum: 4, ...disabled });
    // The next one fills a third segment, which has nothing to be merged with.
    const later = putOptimized(store, 'sixth');
    expect(await store.run(later.result, 100)).toMatchObject({ optimized: true });
    await store.run(store.handler.stop());
  });

  test('a decline is told as ever, and a delete, which puts nothing anywhere, does not wait', async () => {
    const store = await openWithWork();
    const gate = store.hooks.hold('compaction.copy');
    await store.fill(5);
    await store.clock.until(() => gate.arrived === 1);
    const options = { wait: 'optimized' } as const;
    const declined = store.handler.submit({ double: 'nothing' }, options);
    expect(await store.failure(declined)).toMatchObject({ code: 'SLUICE_DECLINED' });
    const deleted = store.handler.submit({ delete: 'key0' }, options);
    expect(await store.run(deleted, 100)).toMatchObject(DONE);
    expect(awaited(store)).toBe(0);
    gate.open();
    await store.run(store.handler.stop());
  });

  test('a timeout and an abort end the waiting alone: waitTimeout, and nothing is left of it', async () => {
    const store = await openWithWork();
    const gate = store.hooks.hold('compaction.copy');
    await store.fill(3);
    const controller = new AbortController();
    const impatient = putOptimized(store, 'fourth', { timeoutMs: 300 });
    const other = store.handler.submit(
      { put: ['fourth', 2] },
      { wait: 'optimized', signal: controller.signal },
    );
    await store.run(store.put('fifth'));
    await store.clock.until(() => gate.arrived === 1);
    expect(awaited(store)).toBe(2);
    expect(await store.run(impatient.result)).toEqual({ opNum: 4, status: 'waitTimeout' });
    expect(awaited(store)).toBe(1);
    controller.abort();
    expect(await store.run(other, 10)).toEqual({ opNum: 5, status: 'waitTimeout' });
    expect(awaited(store)).toBe(0);
    gate.open();
    await store.run(store.handler.stop());
    expect(store.content).toMatchObject({ fourth: 2, fifth: 0 });
  });

  test('stopping and breaking answer whoever waits', async () => {
    for (const end of ['stop', 'break'] as const) {
      const { store, waiting } = await openWaiting();
      if (end === 'break') {
        store.hooks.fail('commit', errorOf('sticky'));
        await store.failure(store.handler.flush());
      } else void store.handler.stop();
      const code = end === 'break' ? 'SLUICE_BROKEN' : 'SLUICE_STOPPED';
      expect(await store.failure(waiting.result)).toMatchObject({ code });
      expect(awaited(store)).toBe(0);
      await store.run(store.handler.stop());
    }
  });

  test('a scheduler that fails is waited for', async () => {
    const store = await openWithWork();
    store.hooks.fail('ensureCapacity', new Error('flaky'), 3);
    const waiting = putOptimized(store, 'a');
    await store.clock.until(() => store.hooks.count('ensureCapacity') >= 2);
    expect(waiting.answered()).toBe(false);
    expect(await store.run(waiting.result)).toMatchObject(DONE);
    await store.run(store.handler.stop());
  });

  test('however many wait, the optimizers are asked once a pass', async () => {
    const store = await openWithWork({ settings: { maxOptimizationThreads: 1 } });
    const gate = store.hooks.hold('compaction.copy');
    await store.fill(4);
    const before = store.hooks.count('compaction.select');
    const waiting = Array.from({ length: 200 }, () => putOptimized(store, 'key3').result);
    await store.clock.until(() => gate.arrived === 1);
    await store.clock.advance(100);
    expect(awaited(store)).toBeGreaterThan(0);
    const looks = store.hooks.count('compaction.select') - before;
    expect(looks).toBeLessThan(40);
    gate.open();
    await store.run(Promise.all(waiting));
    expect(awaited(store)).toBe(0);
    await store.run(store.handler.stop());
  });
});

describe('a store that does not tell which segments it touches', () => {
  async function openSilent(silent: { touched?: true; output?: true }): Promise<TinyStore> {
    const store = await openWithWork();
    if (silent.touched) Object.defineProperty(store.segments, 'touched', { value: undefined });
    const [optimizer] = store.optimizers;
    if (silent.output && optimizer !== undefined) {
      const begin = optimizer.begin.bind(optimizer);
      optimizer.begin = (ids) => {
        const run = begin(ids);
        if (run !== undefined) {
          Object.defineProperty(run, 'output', { get: () => undefined, set: () => {} });
        }
        return run;
      };
    }
    return store;
  }

  test.each([{ touched: true }, { output: true }] as const)(
    'without %j its callers wait until nothing at all is left to optimize',
    async (silent) => {
      const store = await openSilent(silent);
      const gates = [store.hooks.hold('compaction.copy'), store.hooks.hold('compaction.copy')];
      await store.fill(3);
      const waiting = putOptimized(store, 'fourth');
      await store.fill(5, 'more');
      await store.clock.until(() => gates.every(({ arrived }) => arrived === 1));
      gates[0]?.open();
      await store.clock.until(() => store.hooks.count('compaction.swap') === 1);
      await store.clock.advance(10_000);
      expect(waiting.answered()).toBe(false);
      gates[1]?.open();
      expect(await store.run(waiting.result, 100)).toMatchObject(DONE);
      await store.run(store.handler.stop());
    },
  );
});

test('what wait may be is checked', async () => {
  const store = await openTiny();
  const wrong = store.handler.submit({ put: ['a', 1] }, { wait: 'optimised' as never });
  expect(await store.failure(wrong)).toMatchObject({
    code: 'SLUICE_BAD_OPTION',
    message: 'wait must be true, false or \'optimized\', not "optimised"',
  });
  expect(store.content).toEqual({});
  await store.run(store.handler.stop());
});

test('the environment of a handler is checked as that of a collection', async () => {
  const store = await openTiny();
  const { segments } = store;
  for (const [options, message] of [
    [{ clock: { now: () => 0 } }, 'clock must be a clock'],
    [{ logger: true }, 'logger must be a logger'],
    [{ inspect: {} }, 'inspect must be a function'],
    [{ budgets: { io: 1 } }, 'budgets.io must be a ResourceBudget'],
    [{ optimizersStart: 'never' }, 'optimizersStart must be one of automatic, onTrigger'],
  ] as const) {
    expect(() =>
      createUpdateHandler({ wal: memoryWal(), segments, ...(options as object) }),
    ).toThrow(
      expect.objectContaining({
        code: 'SLUICE_BAD_OPTION',
        message: expect.stringContaining(message),
      }),
    );
  }
  await settle();
  await store.run(store.handler.stop());
});
