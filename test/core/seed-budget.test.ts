// One test for each row of the model about limits: handles, threads, budget.
import { ResourceBudget } from 'sluice';
import { describe, expect, test } from 'vitest';
import { settle } from './support/stepped-clock.js';
import { errorOf } from './support/tiny-segments.js';
import { openTiny } from './support/tiny-store.js';

const budgetsOf = (io: number, cpu: number) => ({
  io: new ResourceBudget(io),
  cpu: new ResourceBudget(cpu),
});

describe('seed row: Nop ignores the handle limit, Operation does not', () => {
  test('with every slot taken an Operation does not plan, a Nop does, and neither exceeds the limit', async () => {
    const store = await openTiny({ optimizers: [{}], settings: { maxOptimizationThreads: 1 } });
    const gate = store.hooks.hold('compaction.copy');
    await store.fill(9);
    await store.clock.until(() => gate.arrived === 1);
    await store.clock.advance(100);
    const planned = store.hooks.count('compaction.select');
    await store.run(store.put('more'));
    await store.clock.advance(60);
    expect(store.hooks.count('compaction.select')).toBe(planned);
    store.handler.trigger();
    await store.clock.advance(60);
    expect(store.hooks.count('compaction.select')).toBeGreaterThan(planned);
    expect(store.optimizers[0]?.active).toHaveLength(1);
    gate.open();
    await store.run(store.handler.stop());
  });
});

describe('seed row: max threads', () => {
  test.each([1, 2, 3])('%i at most, and all of them are used', async (maxOptimizationThreads) => {
    const store = await openTiny({
      optimizers: [{}],
      settings: { maxOptimizationThreads, budgets: budgetsOf(8, 8) },
    });
    for (let at = 0; at < maxOptimizationThreads; at += 1)
      store.hooks.hold('compaction.copy').open();
    await store.fill(33);
    await store.clock.until(() => store.handler.status().color === 'green');
    expect(store.optimizers[0]?.activeMost).toBe(maxOptimizationThreads);
    await store.run(store.handler.stop());
  });

  test('unset: as many as the budget allows', async () => {
    const store = await openTiny({ optimizers: [{}], settings: { budgets: budgetsOf(3, 8) } });
    const gates = Array.from({ length: 3 }, () => store.hooks.hold('compaction.copy'));
    await store.fill(33);
    await store.clock.until(() => gates.every(({ arrived }) => arrived === 1));
    await store.clock.advance(20_000);
    expect(store.optimizers[0]?.active).toHaveLength(3);
    for (const gate of gates) gate.open();
    await store.clock.until(() => store.handler.status().color === 'green');
    await store.run(store.handler.stop());
  });
});

describe('seed row: permit taken for each task', () => {
  test('an IO permit while copying, CPU permits while indexing, none left at the end', async () => {
    const budgets = budgetsOf(4, 4);
    const store = await openTiny({ optimizers: [{ cpus: 4 }], settings: { budgets } });
    const copying = store.hooks.hold('compaction.copy');
    const indexing = store.hooks.hold('compaction.index');
    await store.fill(5);
    await store.clock.until(() => copying.arrived === 1);
    expect([budgets.io.status().used, budgets.cpu.status().used]).toEqual([1, 0]);
    copying.open();
    await store.clock.until(() => indexing.arrived === 1);
    expect([budgets.io.status().used, budgets.cpu.status().used]).toEqual([0, 4]);
    expect(store.calls('compaction.index')).toEqual(['compaction.index with 4']);
    indexing.open();
    await store.clock.until(() => store.handler.status().color === 'green');
    expect([budgets.io.status().used, budgets.cpu.status().used]).toEqual([0, 0]);
    await store.run(store.handler.stop());
  });

  test('a task with nothing to index needs no processor', async () => {
    const budgets = budgetsOf(1, 1);
    budgets.cpu.tryAcquire(1);
    const store = await openTiny({ optimizers: [{ cpus: 0 }], settings: { budgets } });
    await store.fill(5);
    await store.clock.until(() => store.handler.status().color === 'green');
    expect(store.hooks.count('compaction.index')).toBe(0);
    expect(store.hooks.count('compaction.swap')).toBe(1);
    await store.run(store.handler.stop());
  });
});

describe('seed row: budget trigger', () => {
  test('postponed without a permit and woken again as soon as one is free', async () => {
    const budgets = budgetsOf(1, 1);
    const elsewhere = budgets.io.tryAcquire(1);
    const store = await openTiny({ optimizers: [{}], settings: { budgets } });
    await store.fill(5);
    await store.clock.advance(30_000);
    expect(store.hooks.count('compaction.begin')).toBe(0);
    // One place in the queue, however many passes there were.
    expect(budgets.io.status()).toEqual({ total: 1, used: 1, waiting: 1 });
    expect(store.handler.status().color).toBe('yellow');
    elsewhere?.release();
    // No time passes: the release alone wakes it.
    await settle(10);
    expect(store.hooks.count('compaction.swap')).toBe(1);
    expect(budgets.io.status()).toEqual({ total: 1, used: 0, waiting: 0 });
    await store.run(store.handler.stop());
  });

  test('a permit that is no longer needed when it comes is given back', async () => {
    const budgets = budgetsOf(1, 1);
    const elsewhere = budgets.io.tryAcquire(1);
    const store = await openTiny({ optimizers: [{}], settings: { budgets } });
    await store.fill(5);
    await store.clock.until(() => budgets.io.status().waiting === 1);
    for (let at = 0; at < 5; at += 1) {
      await store.run(store.handler.submit({ delete: `key${at}` }));
      await store.run(store.put(`other${at}`));
    }
    const [optimizer] = store.optimizers;
    if (optimizer !== undefined) optimizer.select = () => [];
    elsewhere?.release();
    await settle(10);
    expect(budgets.io.status()).toEqual({ total: 1, used: 0, waiting: 0 });
    await store.run(store.handler.stop());
  });

  test('a permit that comes to a pass that fails is given back until the next try', async () => {
    const budgets = budgetsOf(1, 1);
    const elsewhere = budgets.io.tryAcquire(1);
    const store = await openTiny({ optimizers: [{}], settings: { budgets } });
    await store.fill(5);
    await store.clock.until(() => budgets.io.status().waiting === 1);
    store.hooks.fail('ensureCapacity', errorOf('transient'));
    elsewhere?.release();
    await settle(10);
    expect(budgets.io.status()).toEqual({ total: 1, used: 0, waiting: 0 });
    await store.clock.until(() => store.hooks.count('compaction.swap') === 1);
    await store.run(store.handler.stop());
  });

  test('two stores share a budget: each gets its turn', async () => {
    const budgets = budgetsOf(1, 1);
    const stores = [
      await openTiny({ optimizers: [{}], settings: { budgets } }),
      await openTiny({ optimizers: [{}], settings: { budgets } }),
    ];
    for (const store of stores) await store.fill(17);
    for (const store of stores) await store.clock.advance(200);
    await settle(50);
    for (const store of stores) {
      expect(store.handler.status().color).toBe('green');
      await store.run(store.handler.stop());
    }
    expect(budgets.io.status()).toEqual({ total: 1, used: 0, waiting: 0 });
  });

  test('stopping gives the place in the queue up', async () => {
    const budgets = budgetsOf(1, 1);
    budgets.io.tryAcquire(1);
    const store = await openTiny({ optimizers: [{}], settings: { budgets } });
    await store.fill(5);
    await store.clock.until(() => budgets.io.status().waiting === 1);
    await store.run(store.handler.stop());
    expect(budgets.io.status()).toEqual({ total: 1, used: 1, waiting: 0 });
    expect(store.clock.pending).toBe(0);
  });

  test('a task that waits for processors can be cancelled', async () => {
    const budgets = budgetsOf(1, 1);
    budgets.cpu.tryAcquire(1);
    const store = await openTiny({ optimizers: [{}], settings: { budgets } });
    await store.fill(5);
    await store.clock.until(() => budgets.cpu.status().waiting === 1);
    await store.run(store.handler.stop());
    expect(store.segments.frozen).toBe(0);
    expect(budgets.cpu.status()).toEqual({ total: 1, used: 1, waiting: 0 });
    expect(budgets.io.status().used).toBe(0);
  });
});
