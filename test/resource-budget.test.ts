import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  budgetSize,
  indexingThreads,
  type Permit,
  ResourceBudget,
} from '#sluice/services/resource-budget.js';

const never = new AbortController().signal;

/** Lets the reactions of settled promises run. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('sizes', () => {
  test.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [8, 7],
    [16, 15],
    [32, 31],
    [48, 46],
    [64, 61],
    [96, 92],
    [128, 122],
    [256, 240],
  ])('%i processors give a budget of %i', (cpus, size) => {
    expect(budgetSize(0, cpus)).toBe(size);
  });

  test('a budget can be given, or what to leave free; it is never empty', () => {
    expect(budgetSize(5, 2)).toBe(5);
    expect(budgetSize(-3, 8)).toBe(5);
    expect(budgetSize(-8, 8)).toBe(1);
  });

  test('threads of one optimization', () => {
    expect([1, 2, 8, 48, 49, 64, 65, 256].map((cpus) => indexingThreads(0, cpus))).toEqual([
      1, 2, 8, 8, 12, 12, 16, 16,
    ]);
    expect(indexingThreads(3, 1)).toBe(3);
  });
});

describe('tryAcquire', () => {
  test('gives between half and all of what is wanted', () => {
    const budget = new ResourceBudget(10);
    expect(budget.tryAcquire(4)?.count).toBe(4);
    expect(budget.tryAcquire(8)?.count).toBe(6);
    expect(budget.tryAcquire(1)).toBeUndefined();
    expect(budget.status()).toEqual({ total: 10, used: 10, waiting: 0 });
  });

  test('gives nothing below half, and never more than the total', () => {
    const budget = new ResourceBudget(8);
    const permit = budget.tryAcquire(5);
    expect(budget.hasBudget(7)).toBe(false);
    expect(budget.tryAcquire(7)).toBeUndefined();
    expect(budget.hasBudget(6)).toBe(true);
    permit?.release();
    expect(budget.tryAcquire(100)?.count).toBe(8);
    expect(budget.hasBudget(0)).toBe(true);
  });

  test('a release counts once', () => {
    const budget = new ResourceBudget(4);
    const permit = budget.tryAcquire(2);
    const other = budget.tryAcquire(2);
    permit?.release();
    permit?.release();
    expect(budget.status().used).toBe(2);
    other?.release();
    expect(budget.status().used).toBe(0);
  });

  test.each([0, -1, 1.5, Number.NaN])('wanting %d is wrong use', (desired) => {
    const budget = new ResourceBudget(4);
    expect(() => budget.tryAcquire(desired)).toThrow(TypeError);
    expect(() => budget.acquire(desired, never)).toThrow(TypeError);
    expect(() => new ResourceBudget(desired)).toThrow(TypeError);
  });
});

describe('acquire', () => {
  test('waits until a release, first come first served', async () => {
    const budget = new ResourceBudget(4);
    const all = budget.tryAcquire(4);
    const order: string[] = [];
    const large = budget.acquire(4, never).then((permit) => {
      order.push('large');
      return permit;
    });
    const small = budget.acquire(1, never).then((permit) => {
      order.push('small');
      return permit;
    });
    expect(budget.status()).toEqual({ total: 4, used: 4, waiting: 2 });
    all?.release();
    (await large).release();
    (await small).release();
    expect(order).toEqual(['large', 'small']);
    expect(budget.status()).toEqual({ total: 4, used: 0, waiting: 0 });
  });

  test('nobody overtakes a request that waits, however small', async () => {
    const budget = new ResourceBudget(4);
    const most = budget.tryAcquire(3);
    const large = budget.acquire(4, never);
    expect(budget.hasBudget(1)).toBe(false);
    expect(budget.tryAcquire(1)).toBeUndefined();
    most?.release();
    expect((await large).count).toBe(4);
  });

  test('an abort gives up the place and lets those behind it through', async () => {
    const budget = new ResourceBudget(4);
    const most = budget.tryAcquire(3);
    const controller = new AbortController();
    const large = budget.acquire(4, controller.signal);
    const small = budget.acquire(1, never);
    controller.abort('changed my mind');
    await expect(large).rejects.toMatchObject({
      code: 'SLUICE_CANCELLED',
      cause: 'changed my mind',
    });
    expect((await small).count).toBe(1);
    most?.release();
    expect(budget.status()).toEqual({ total: 4, used: 1, waiting: 0 });
  });

  test('a signal that has fired takes nothing', async () => {
    const budget = new ResourceBudget(4);
    const aborted = budget.acquire(1, AbortSignal.abort());
    await expect(aborted).rejects.toMatchObject({ code: 'SLUICE_CANCELLED' });
    expect(budget.status()).toEqual({ total: 4, used: 0, waiting: 0 });
  });

  test('an abort after the grant changes nothing', async () => {
    const budget = new ResourceBudget(4);
    const controller = new AbortController();
    const granted = budget.acquire(2, controller.signal);
    controller.abort();
    expect((await granted).count).toBe(2);
  });
});

describe('any schedule', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('acquire'), n: fc.nat(12) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('release'), n: fc.nat(50) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('abort'), n: fc.nat(50) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('try'), n: fc.nat(12) }) },
  );

  test('permits are conserved, served in order, and everyone is served in the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.array(step), async (total, steps) => {
        const budget = new ResourceBudget(total);
        const held: Permit[] = [];
        const granted: number[] = [];
        const waiting = new Map<number, AbortController>();
        const hold = (permit: Permit, desired: number) => {
          expect(permit.count).toBeLessThanOrEqual(desired);
          expect(permit.count).toBeGreaterThanOrEqual(Math.ceil(Math.min(desired, total) / 2));
          held.push(permit);
        };
        for (const [ticket, { kind, n }] of steps.entries()) {
          if (kind === 'acquire') {
            const controller = new AbortController();
            waiting.set(ticket, controller);
            budget.acquire(n + 1, controller.signal).then(
              (permit) => {
                granted.push(ticket);
                waiting.delete(ticket);
                hold(permit, n + 1);
              },
              () => waiting.delete(ticket),
            );
          } else if (kind === 'release') {
            for (const permit of held.splice(n % Math.max(1, held.length), 1)) permit.release();
          } else if (kind === 'abort') {
            [...waiting.values()][n % Math.max(1, waiting.size)]?.abort();
          } else {
            const permit = budget.tryAcquire(n + 1);
            if (permit !== undefined) {
              expect(waiting.size).toBe(0);
              hold(permit, n + 1);
            }
          }
          await settle();
          const used = held.reduce((sum, { count }) => sum + count, 0);
          expect(budget.status()).toEqual({ total, used, waiting: waiting.size });
        }
        for (let turn = 0; turn < steps.length && waiting.size > 0; turn += 1) {
          for (const permit of held.splice(0)) permit.release();
          await settle();
        }
        expect(waiting.size).toBe(0);
        expect(granted).toEqual([...granted].sort((a, b) => a - b));
      }),
      { numRuns: 200 },
    );
  });
});
