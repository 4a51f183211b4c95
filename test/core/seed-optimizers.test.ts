// One test for each row of the model's optimizer worker and its tasks, by its name there.
import { describe, expect, test } from 'vitest';
import { settle } from './support/stepped-clock.js';
import { openTiny, type TinyStore } from './support/tiny-store.js';

const states = (store: TinyStore) =>
  store.handler.optimizations().completed.map(({ status }) => status.state);

const isGreen = (store: TinyStore) => () => store.handler.status().color === 'green';

describe('seed row: OptimizerSignal', () => {
  test('OptimizerSignal Operation — applied operations lead to a pass', async () => {
    const store = await openTiny({ optimizers: [{}] });
    await store.fill(5);
    await store.clock.until(isGreen(store));
    expect(states(store)).toEqual(['done']);
    await store.run(store.handler.stop());
  });

  test('OptimizerSignal Stop — running tasks are cancelled and waited for, no new one is started', async () => {
    const store = await openTiny({ optimizers: [{}] });
    const gates = [store.hooks.hold('compaction.copy'), store.hooks.hold('compaction.copy')];
    await store.fill(9);
    await store.clock.until(() => gates.every(({ arrived }) => arrived === 1));
    await store.run(store.handler.stop());
    expect(states(store)).toEqual(['cancelled', 'cancelled']);
    expect(store.hooks.count('compaction.begin')).toBe(2);
    expect(store.segments.frozen).toBe(0);
  });

  test('OptimizerSignal Nop — leads to a pass without any operation', async () => {
    const store = await openTiny({ optimizers: [{ fanIn: 9 }] });
    await store.clock.advance(10);
    const passes = store.hooks.count('ensureCapacity');
    const looks = store.hooks.count('compaction.select');
    store.handler.trigger();
    await settle();
    expect(store.hooks.count('ensureCapacity')).toBe(passes + 1);
    expect(store.hooks.count('compaction.select')).toBeGreaterThan(looks);
    await store.run(store.handler.stop());
  });
});

describe('seed row: launch until no optimizer suggests a segment, within the limit', () => {
  // 8 sealed segments: 3 + 3 for the first optimizer, the remaining 2 for the second.
  test.each([
    { maxOptimizationThreads: 3, running: ['large', 'large', 'small'], queued: [] },
    { maxOptimizationThreads: 2, running: ['large', 'large'], queued: ['small'] },
    { maxOptimizationThreads: 1, running: ['large'], queued: ['large', 'small'] },
  ])(
    'never the same segment twice — at most $maxOptimizationThreads',
    async ({ maxOptimizationThreads, running, queued }) => {
      const store = await openTiny({
        optimizers: [{ name: 'large', fanIn: 3, bigEntries: 6 }, { name: 'small' }],
        settings: { maxOptimizationThreads: 0 },
      });
      await store.fill(17);
      const gates = running.map((name) => store.hooks.hold(`${name}.copy`));
      await store.run(store.handler.reconfigure({ maxOptimizationThreads }));
      await store.clock.until(() => gates.every(({ arrived }) => arrived === 1));
      await store.clock.advance(20_000);
      const now = store.handler.optimizations();
      expect(now.running.map(({ optimizer }) => optimizer).sort()).toEqual(running);
      expect(now.queued.map(({ optimizer }) => optimizer)).toEqual(queued);
      const chosen = [...now.running, ...now.queued].flatMap(({ segmentIds }) => segmentIds);
      expect(new Set(chosen).size).toBe(8);
      expect(chosen).toHaveLength(8);
      for (const gate of gates) gate.open();
      await store.clock.until(isGreen(store));
      expect(Object.keys(store.content)).toHaveLength(17);
      await store.run(store.handler.stop());
    },
  );
});

describe('seed row: tracker', () => {
  test('optimizing, done, cancelled, error — with times, segments and progress', async () => {
    const store = await openTiny({ optimizers: [{}] });
    const gate = store.hooks.hold('compaction.index');
    store.hooks.fail('compaction.copy', new Error('no luck'));
    await store.fill(5);
    await store.clock.until(() => gate.arrived === 1);
    expect(store.handler.optimizations().running).toMatchObject([
      {
        optimizer: 'compaction',
        segmentIds: [1, 2],
        status: { state: 'optimizing' },
        phase: 'indexing',
        progress: { copied: 4, indexed: 0, total: 4 },
      },
    ]);
    expect(store.handler.optimizations().running[0]).not.toHaveProperty('endedAt');
    await store.run(store.handler.reconfigure({}));
    await store.clock.until(isGreen(store));
    expect(store.handler.optimizations().completed).toMatchObject([
      { status: { state: 'done' }, progress: { copied: 4, indexed: 4, total: 4 } },
      { status: { state: 'cancelled', why: 'cancelled by the scheduler' } },
      { status: { state: 'error', error: 'no luck' }, endedAt: expect.any(Number) },
    ]);
    await store.run(store.handler.stop());
  });

  test('its log of 16 — the newest first', async () => {
    const store = await openTiny({ optimizers: [{}] });
    await store.fill(81);
    await store.clock.until(isGreen(store));
    expect(store.hooks.count('compaction.swap')).toBe(20);
    const { completed } = store.handler.optimizations();
    expect(completed).toHaveLength(16);
    const starts = completed.map(({ startedAt }) => startedAt);
    expect(starts).toEqual([...starts].sort((a, b) => b - a));
    await store.run(store.handler.stop());
  });
});

test('seed row: total optimized points — of successful optimizations only', async () => {
  const store = await openTiny({ optimizers: [{}] });
  store.hooks.fail('compaction.index', new Error('no luck'));
  await store.fill(9);
  await store.clock.until(isGreen(store));
  expect(store.handler.telemetry().optimizations).toMatchObject({ running: 0, points: 8 });
  await store.run(store.handler.stop());
});

test('seed row: task panic is contained and reported — the others go on', async () => {
  const store = await openTiny({ optimizers: [{}] });
  // What is thrown needn't even be an Error.
  store.hooks.fail('compaction.index', 'panic!');
  const other = store.hooks.hold('compaction.index');
  await store.fill(9);
  await store.clock.until(() => other.arrived === 1);
  expect(store.handler.status()).toMatchObject({
    color: 'red',
    errors: [{ what: 'optimization:compaction', message: 'panic!', code: 'SLUICE_CRASHED' }],
  });
  expect(await store.run(store.put('goes on'))).toMatchObject({ status: 'completed' });
  expect(store.segments.frozen).toBe(2);
  other.open();
  await store.clock.until(isGreen(store));
  expect(states(store)).toEqual(['done', 'done', 'error']);
  await store.run(store.handler.stop());
});

describe('seed row: ensure appendable segment with capacity', () => {
  test('when all are full one is created, else none', async () => {
    const store = await openTiny({ optimizers: [{ fanIn: 9 }] });
    const count = () => store.segments.segments().length;
    await store.clock.advance(10);
    expect(count()).toBe(1);
    await store.fill(1);
    await store.clock.advance(100);
    expect(count()).toBe(1);
    await store.fill(2);
    await store.clock.advance(100);
    expect(count()).toBe(2);
    expect(store.segments.segments().at(-1)).toMatchObject({ points: 0, appendable: true });
    await store.run(store.handler.stop());
  });

  test('before every planning, also with optimizations disabled', async () => {
    const store = await openTiny({
      optimizers: [{}],
      settings: { maxOptimizationThreads: 0 },
    });
    await store.fill(2);
    await store.clock.advance(100);
    expect(store.segments.segments()).toMatchObject([{ points: 2 }, { points: 0 }]);
    await store.run(store.handler.stop());
  });
});

test('seed row: optimizer conditions — triggered since start, suboptimal', async () => {
  const first = await openTiny();
  await first.fill(5);
  await first.run(first.handler.stop());
  const store = await openTiny({
    disk: first.disk,
    log: first.log,
    optimizers: [{}],
    settings: { maxOptimizationThreads: 0 },
  });
  // A new scheduler looks at once, as after a Nop.
  await settle();
  expect(store.handler.telemetry().optimizations.triggered).toBe(true);
  expect(store.handler.optimizations().queued).toEqual([
    { optimizer: 'compaction', segmentIds: [1, 2] },
  ]);
  await store.run(store.handler.reconfigure({ maxOptimizationThreads: 1 }));
  await store.clock.until(isGreen(store));
  expect(store.handler.optimizations().queued).toEqual([]);
  await store.run(store.handler.stop());
});

describe('seed row: finished handles reaped every 5 s, and a pass after it (pull request 5111)', () => {
  test('an ended task frees its slot and leads to a pass by itself', async () => {
    const store = await openTiny({ optimizers: [{}], settings: { maxOptimizationThreads: 1 } });
    const gate = store.hooks.hold('compaction.copy');
    await store.fill(13);
    await store.clock.until(() => gate.arrived === 1);
    await store.clock.advance(100);
    gate.open();
    // No time passes: neither an operation nor the clock helps.
    await settle(20);
    expect(states(store)).toEqual(['done', 'done', 'done']);
    expect(store.handler.status().color).toBe('green');
    await store.run(store.handler.stop());
  });

  test('tasks that end while a pass is going on are not forgotten', async () => {
    for (let turns = 0; turns < 12; turns += 1) {
      const store = await openTiny({ optimizers: [{}], settings: { maxOptimizationThreads: 1 } });
      const gate = store.hooks.hold('compaction.copy');
      await store.fill(9);
      await store.clock.until(() => gate.arrived === 1);
      store.handler.trigger();
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      gate.open();
      await store.clock.advance(50);
      expect(states(store)).toEqual(['done', 'done']);
      await store.run(store.handler.stop());
    }
  });

  test('without any signal it looks again every 5 s', async () => {
    const store = await openTiny({ optimizers: [{ fanIn: 9 }] });
    await store.clock.advance(100);
    const passes = store.hooks.count('ensureCapacity');
    await store.clock.advance(4900);
    expect(store.hooks.count('ensureCapacity')).toBe(passes);
    await store.clock.advance(100);
    expect(store.hooks.count('ensureCapacity')).toBe(passes + 1);
    const looks = store.hooks.count('compaction.select');
    await store.clock.advance(10_000);
    expect(store.hooks.count('compaction.select')).toBeGreaterThan(looks);
    expect(store.hooks.count('ensureCapacity')).toBe(passes + 3);
    await store.run(store.handler.stop());
  });
});
