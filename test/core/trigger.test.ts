// When the optimizers begin: by themselves, or after a trigger.
import { describe, expect, test } from 'vitest';
import type { DeathCounter } from '#sluice/services/ports.js';
import { Hooks } from './support/hooks.js';
import { errorOf, TinyDisk } from './support/tiny-segments.js';
import { openTiny, type TinyStore, type TinyStoreOptions } from './support/tiny-store.js';

/** What is written survives the process; `hooks` see each write. */
class Counter implements DeathCounter {
  hooks = new Hooks();
  count = 0;

  read = async () => this.count;
  write = async (count: number, { sync }: { sync: boolean }) => {
    await this.hooks.pass('write', `${count}${sync ? ' synced' : ''}`);
    this.count = count;
  };
}

const WAITING = { reason: 'waitingForTrigger', why: expect.any(String) };
const swaps = (store: TinyStore) => store.hooks.count('compaction.swap');
const isGreen = (store: TinyStore) => () => store.handler.status().color === 'green';

async function openHeld(options: TinyStoreOptions = {}): Promise<TinyStore> {
  const settings = { optimizersStart: 'onTrigger' as const, ...options.settings };
  return openTiny({ optimizers: [{}], ...options, settings });
}

describe("optimizersStart: 'onTrigger'", () => {
  test('nothing is optimized before a trigger, which is shown grey; then it is as ever', async () => {
    const store = await openHeld();
    expect(store.handler.status()).toMatchObject({ color: 'green', reasons: [] });
    await store.fill(5);
    await store.clock.advance(60_000);
    expect(store.hooks.count('compaction.begin')).toBe(0);
    expect(store.handler.telemetry().optimizations.triggered).toBe(false);
    expect(store.handler.status()).toMatchObject({
      color: 'grey',
      reasons: [
        { reason: 'waitingForTrigger', why: "the option optimizersStart is 'onTrigger'" },
        { reason: 'planned', optimizer: 'compaction', segmentIds: [1, 2] },
      ],
    });
    // Everything else goes on: there is room for what comes, and flushes.
    expect(store.segments.segments()).toHaveLength(3);
    expect(store.disk.applied).toBe(5);
    store.handler.trigger();
    await store.clock.until(isGreen(store), 1000);
    expect(swaps(store)).toBe(1);
    expect(store.handler.telemetry().optimizations.triggered).toBe(true);
    await store.fill(4, 'more');
    await store.clock.until(() => swaps(store) === 2);
    await store.run(store.handler.stop());
  });

  test("a caller who waits for 'optimized' is told why it is in vain, or answered", async () => {
    const store = await openHeld();
    const put = (key: string) =>
      store.run(store.handler.submit({ put: [key, 1] }, { wait: 'optimized' }), 1000);
    expect(await put('a')).toMatchObject({ optimized: true });
    await store.fill(2);
    const reason = 'waitingForTrigger';
    const told = await put('d');
    expect(told).toEqual({ opNum: 4, status: 'completed', affected: 1, optimized: false, reason });
    store.handler.trigger();
    expect(await put('e')).toMatchObject({ optimized: true });
    await store.run(store.handler.stop());
  });

  test('a reconfiguration is no trigger, and a trigger during one counts', async () => {
    const store = await openHeld();
    await store.fill(5);
    await store.run(store.handler.reconfigure({ maxOptimizationThreads: 1 }));
    await store.clock.advance(10_000);
    expect(store.handler.status().reasons).toContainEqual(WAITING);
    const change = store.handler.reconfigure({});
    store.handler.trigger();
    await store.run(change);
    await store.clock.until(() => swaps(store) === 1, 1000);
    await store.run(store.handler.stop());
  });

  test('disabled and waiting: both are said', async () => {
    const store = await openHeld({ settings: { maxOptimizationThreads: 0 } });
    await store.fill(5);
    await store.clock.advance(10_000);
    const { color, reasons } = store.handler.status();
    expect(color).toBe('grey');
    expect(reasons).toMatchObject([{ reason: 'disabled' }, WAITING, { reason: 'planned' }]);
    await store.run(store.handler.stop());
  });

  test('a scheduler that crashes after the trigger does not wait again', async () => {
    const store = await openHeld();
    store.handler.trigger();
    await store.clock.advance(10);
    expect(store.handler.status().color).toBe('green');
    // The end of a task that never was: a defect, of which the scheduler dies.
    const { optimizerScheduler } = store.handler.actor.getSnapshot().children;
    optimizerScheduler?.send({ type: 'xstate.done.actor.optimization.0' } as never);
    expect(store.handler.status().errors).toMatchObject([{ what: 'optimizerScheduler' }]);
    await store.fill(5);
    await store.clock.until(() => swaps(store) === 1);
    await store.run(store.handler.stop());
  });

  test('errors of the passes clear while it waits', async () => {
    const store = await openHeld();
    store.hooks.fail('ensureCapacity', new Error('flaky'), 2);
    await store.fill(1);
    await store.clock.until(() => store.handler.status().color === 'red');
    await store.clock.until(isGreen(store));
    const passes = store.hooks.count('ensureCapacity');
    await store.clock.advance(14_000);
    // The back-off is over as well: only the clean-up timer is left.
    expect(store.hooks.count('ensureCapacity') - passes).toBeLessThan(5);
    await store.run(store.handler.stop());
  });

  test('a reopening waits for a trigger of its own', async () => {
    const store = await openHeld();
    store.handler.trigger();
    await store.fill(5);
    await store.clock.until(() => swaps(store) === 1);
    store.hooks.fail('commit', errorOf('sticky'));
    await store.failure(store.handler.flush());
    await store.clock.until(() => store.handler.state === 'broken');
    await store.run(store.handler.reopen());
    await store.clock.advance(10_000);
    expect(store.handler.status().reasons).toContainEqual(WAITING);
    await store.run(store.handler.stop());
  });
});

/** Opens a store that is full of work and dies while it is at it. */
async function dieOptimizing(counter: Counter, disk: TinyDisk, log?: TinyStore['log']) {
  const hooks = new Hooks();
  const gate = hooks.hold('compaction.copy');
  const store = await openTiny({
    hooks,
    disk,
    ...(log === undefined ? {} : { log }),
    optimizers: [{}],
    settings: { deathCounter: counter },
  });
  if (log === undefined) await store.fill(5);
  await store.clock.until(() => gate.arrived === 1);
  return store.crash();
}

async function dieThrice(counter: Counter) {
  let left = await dieOptimizing(counter, new TinyDisk());
  for (let death = 2; death <= 3; death += 1) {
    left = await dieOptimizing(counter, left.disk, left.log);
  }
  return left;
}

describe('a process that dies while it optimizes', () => {
  test('three times in a row: the next one waits for a trigger and says why', async () => {
    const counter = new Counter();
    const left = await dieThrice(counter);
    expect(counter.count).toBe(3);
    const settings = { deathCounter: counter };
    const store = await openTiny({ ...left, optimizers: [{}], settings });
    await store.clock.advance(60_000);
    expect(store.hooks.count('compaction.begin')).toBe(0);
    const why = 'the process died 3 times in a row while it was optimizing';
    expect(store.handler.status()).toMatchObject({
      color: 'grey',
      reasons: [{ reason: 'waitingForTrigger', why }, { reason: 'planned' }],
    });
    expect(await store.run(store.put('works'))).toMatchObject({ status: 'completed' });
    store.handler.trigger();
    await store.clock.until(isGreen(store));
    expect(counter.count).toBe(0);
    await store.run(store.handler.stop());
  });

  test('twice, and then not: nobody waits, and the count begins anew', async () => {
    const counter = new Counter();
    let left = await dieOptimizing(counter, new TinyDisk());
    left = await dieOptimizing(counter, left.disk, left.log);
    const settings = { deathCounter: counter };
    const store = await openTiny({ ...left, optimizers: [{}], settings });
    await store.clock.until(() => swaps(store) === 1);
    expect(counter.count).toBe(0);
    // It has shown that it can: a death in a later run is no part of a loop.
    expect(counter.hooks.calls).toEqual([
      ...['write 1 synced', 'write 2 synced', 'write 3 synced'],
      'write 0',
    ]);
    await store.fill(20, 'more');
    await store.clock.until(isGreen(store));
    expect(counter.hooks.calls).toHaveLength(4);
    await store.run(store.handler.stop());
  });

  test('and is triggered in vain: it waits again, four deaths are told', async () => {
    const counter = new Counter();
    let left = await dieThrice(counter);
    const settings = { deathCounter: counter };
    const again = await openTiny({ ...left, optimizers: [{}], settings });
    const gate = again.hooks.hold('compaction.copy');
    again.handler.trigger();
    await again.clock.until(() => gate.arrived === 1);
    left = again.crash();
    const store = await openTiny({ ...left, optimizers: [{}], settings });
    const why = 'the process died 4 times in a row while it was optimizing';
    expect(store.handler.status().reasons).toContainEqual({ reason: 'waitingForTrigger', why });
    await store.run(store.handler.stop());
    // Nothing ran, so nothing is known better.
    expect(counter.count).toBe(4);
  });

  test('is not one that dies while nothing is optimized', async () => {
    const counter = new Counter();
    const store = await openTiny({ optimizers: [{}], settings: { deathCounter: counter } });
    store.hooks.fail('compaction.copy', new Error('no luck'));
    await store.fill(5);
    await store.clock.until(() => store.hooks.count('compaction.discard') === 1);
    await store.clock.advance(10);
    expect(counter.hooks.calls).toEqual(['write 1 synced', 'write 0']);
    expect(counter.count).toBe(0);
    await store.run(store.handler.stop());
  });

  test('nor one that breaks and is reopened', async () => {
    const counter = new Counter();
    const store = await openTiny({
      optimizers: [{}],
      settings: { deathCounter: counter, maxOptimizationThreads: 1 },
    });
    let gate = store.hooks.hold('compaction.copy');
    await store.fill(5);
    for (let round = 0; round < 5; round += 1) {
      await store.clock.until(() => gate.arrived === 1);
      store.hooks.fail('commit', errorOf('sticky'));
      await store.run(store.put(`round${round}`));
      await store.failure(store.handler.flush());
      await store.clock.until(() => store.handler.state === 'broken');
      gate = store.hooks.hold('compaction.copy');
      await store.run(store.handler.reopen());
    }
    expect(counter.count).toBe(1);
    expect(store.handler.status().reasons).not.toContainEqual(WAITING);
    gate.open();
    await store.clock.until(isGreen(store));
    await store.run(store.handler.stop());
    expect(counter.count).toBe(0);
  });

  test('the count is on disk before anything is frozen', async () => {
    const counter = new Counter();
    const store = await openTiny({ optimizers: [{}], settings: { deathCounter: counter } });
    const gate = counter.hooks.hold('write');
    await store.fill(5);
    await store.clock.until(() => gate.arrived === 1);
    await store.clock.advance(10_000);
    expect(store.hooks.count('compaction.begin')).toBe(0);
    expect(store.handler.status().color).toBe('yellow');
    // It may be cancelled meanwhile.
    const change = store.handler.reconfigure({});
    gate.open();
    await store.run(change);
    await store.clock.until(isGreen(store));
    expect(swaps(store)).toBe(1);
    await store.run(store.handler.stop());
  });

  test('a count that cannot be written stops no optimization; a storage that fails does', async () => {
    const counter = new Counter();
    const store = await openTiny({ optimizers: [{}], settings: { deathCounter: counter } });
    counter.hooks.fail('write', new Error('read-only'));
    await store.fill(5);
    await store.clock.until(isGreen(store));
    expect(swaps(store)).toBe(1);
    await store.run(store.handler.stop());
    const other = await openTiny({ optimizers: [{}], settings: { deathCounter: new Counter() } });
    const sick = new Counter();
    sick.hooks.fail('write', errorOf('sticky', 'the disk is full'));
    const settings = { deathCounter: sick };
    const broken = await openTiny({ ...other.crash(), optimizers: [{}], settings });
    await broken.fill(5);
    await broken.clock.until(() => broken.handler.state === 'broken');
    expect(broken.hooks.count('compaction.begin')).toBe(0);
    expect(broken.handler.status()).toMatchObject({ color: 'red' });
    await broken.run(broken.handler.stop());
  });
});
