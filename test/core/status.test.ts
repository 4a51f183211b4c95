// What status and telemetry say, and that they say nothing that is not so.
import { describe, expect, test } from 'vitest';
import { settle } from './support/stepped-clock.js';
import { errorOf } from './support/tiny-segments.js';
import { openTiny, TinyStore, type TinyStoreOptions } from './support/tiny-store.js';

/** A store with two segments to merge, and every color that it shows from the first sample on. */
async function openWatched(options: TinyStoreOptions = {}) {
  const colors: string[] = [];
  let isWatching = false;
  const sample = () => {
    if (!isWatching) return;
    const { color } = store.handler.status();
    if (colors.at(-1) !== color) colors.push(color);
  };
  const store = await openTiny({
    optimizers: [{}],
    ...options,
    // Each event of each actor.
    settings: { ...options.settings, inspect: sample },
  });
  const watch = () => {
    isWatching = true;
    sample();
  };
  return { store, colors, watch };
}

describe('status does not blink', () => {
  test('from the plan over every step of the run to its end: yellow, then green', async () => {
    const { store, colors, watch } = await openWatched();
    await store.fill(9);
    watch();
    await store.clock.until(() => store.handler.status().color === 'green');
    await store.clock.advance(10_000);
    expect(colors).toEqual(['yellow', 'green']);
    expect(store.hooks.count('compaction.swap')).toBe(2);
    await store.run(store.handler.stop());
  });

  test('nor when runs are cancelled by a reconfiguration and begin anew', async () => {
    const { store, colors, watch } = await openWatched();
    const gate = store.hooks.hold('compaction.copy');
    await store.fill(5);
    await store.clock.until(() => gate.arrived === 1);
    watch();
    for (let round = 0; round < 3; round += 1) {
      const next = store.hooks.hold('compaction.copy');
      await store.run(store.handler.reconfigure({}));
      await store.clock.until(() => next.arrived === 1);
      if (round === 2) next.open();
    }
    await store.clock.until(() => store.handler.status().color === 'green');
    expect(colors).toEqual(['yellow', 'green']);
    await store.run(store.handler.stop());
  });

  test('nor when one of several slots is always taken', async () => {
    const { store, colors, watch } = await openWatched({ settings: { maxOptimizationThreads: 1 } });
    await store.fill(33);
    watch();
    await store.clock.until(() => store.handler.status().color === 'green');
    expect(colors).toEqual(['yellow', 'green']);
    await store.run(store.handler.stop());
  });

  test('a failure is red until it has been put right', async () => {
    const { store, colors, watch } = await openWatched();
    store.hooks.fail('compaction.index', new Error('no luck'), 2);
    await store.fill(5);
    watch();
    await store.clock.until(() => store.handler.status().color === 'green');
    expect(colors).toEqual(['yellow', 'red', 'green']);
    await store.run(store.handler.stop());
  });
});

describe('the reasons of a status', () => {
  test('disabled is no reason where there is no work', async () => {
    const store = await openTiny({ optimizers: [{}], settings: { maxOptimizationThreads: 0 } });
    await store.fill(3);
    await store.clock.advance(10_000);
    expect(store.handler.status()).toEqual({ color: 'green', reasons: [], errors: [] });
    await store.run(store.handler.stop());
  });

  test('operations that are not applied yet are work', async () => {
    const store = await openTiny();
    store.hooks.fail('apply', errorOf('transient'));
    await store.clock.advance(10);
    void store.put('a', 1, false);
    void store.put('b', 1, false);
    await settle();
    const { reasons } = store.handler.status();
    expect(reasons).toContainEqual({ reason: 'applying', operations: 2 });
    expect(reasons).toContainEqual({ reason: 'error', what: 'apply', code: 'SLUICE_CRASHED' });
    await store.run(store.handler.plunge());
    expect(store.handler.status()).toMatchObject({ color: 'green', reasons: [] });
    await store.run(store.handler.stop());
  });

  test('every state but running is told', async () => {
    const first = await openTiny();
    await first.fill(3);
    const store = new TinyStore(first.crash());
    const seen: string[] = [];
    const look = () => {
      for (const reason of store.handler.status().reasons) {
        if (reason.reason === 'state' && seen.at(-1) !== reason.state) seen.push(reason.state);
      }
    };
    const { actor } = store.handler;
    actor.subscribe(look);
    look();
    await store.run(store.handler.ready());
    expect(store.handler.status().reasons).toEqual([]);
    await store.run(store.handler.reconfigure({}));
    store.hooks.fail('commit', errorOf('sticky', 'the disk is gone'));
    await store.run(store.put('a'));
    await store.failure(store.handler.flush());
    await store.clock.until(() => store.handler.state === 'broken');
    expect(store.handler.status()).toMatchObject({
      color: 'red',
      reasons: [
        { reason: 'error', what: 'flush', code: 'SLUICE_IO' },
        { reason: 'state', state: 'broken' },
      ],
      errors: [{ what: 'flush', message: 'the disk is gone', recoveredAt: null }],
    });
    await store.run(store.handler.reopen());
    await store.run(store.handler.stop());
    const opening = ['opening', 'recovering'];
    const closing = ['stopping', 'closing', 'stopped'];
    expect(seen).toEqual([...opening, 'reconfiguring', 'broken', ...opening, ...closing]);
  });
});

describe('an error of the status', () => {
  test('has when it happened last, how often, and when it was over', async () => {
    const store = await openTiny({ settings: { flushIntervalMs: 1000 } });
    store.hooks.fail('commit', new Error('slow disk'), 2);
    await store.run(store.put('a'));
    const from = store.clock.now();
    await store.clock.until(() => store.handler.telemetry().flush.failures === 2);
    const [standing] = store.handler.status().errors;
    const at = store.clock.now();
    expect(at - from).toBeGreaterThanOrEqual(1000);
    expect(standing).toEqual({
      ...{ what: 'flush', code: 'SLUICE_CRASHED', message: 'slow disk' },
      ...{ at, times: 2, recoveredAt: null },
    });
    await store.clock.until(() => store.handler.status().color === 'green');
    const recoveredAt = store.clock.now();
    expect(recoveredAt).toBeGreaterThan(at);
    expect(store.handler.status().errors).toEqual([{ ...standing, recoveredAt }]);
    // The same thing failing again is another error.
    store.hooks.fail('commit', new Error('again'));
    await store.run(store.put('b'));
    await store.failure(store.handler.flush());
    expect(store.handler.status().errors.map(({ message }) => message)).toEqual([
      'slow disk',
      'again',
    ]);
    await store.run(store.handler.stop());
  });

  test('of an optimizer is over when it wants nothing any more', async () => {
    const store = await openTiny({ optimizers: [{}] });
    store.hooks.fail('compaction.copy', new Error('no luck'));
    await store.fill(5);
    await store.clock.until(() => store.hooks.count('compaction.discard') === 1);
    expect(store.handler.status().color).toBe('red');
    const [optimizer] = store.optimizers;
    if (optimizer !== undefined) optimizer.select = () => [];
    await store.clock.until(() => store.handler.status().color === 'green');
    expect(store.hooks.count('compaction.begin')).toBe(1);
    await store.run(store.handler.stop());
  });

  test('of taking the store down is over when it has been reopened', async () => {
    const store = await openTiny();
    const gate = store.hooks.hold('commit');
    await store.run(store.put('a'));
    store.handler.flush().catch(() => {});
    await store.clock.until(() => gate.arrived === 1);
    store.hooks.fail('wal.append', errorOf('sticky'));
    await store.failure(store.put('b'));
    // The commit does not end; the limit does.
    await store.clock.until(() =>
      store.handler.status().errors.some(({ what }) => what === 'breaking'),
    );
    gate.open();
    await store.run(store.handler.reopen());
    await store.clock.until(() => store.handler.status().color === 'green');
    expect(store.handler.status().errors).toMatchObject([{ what: 'wal' }, { what: 'breaking' }]);
    await store.run(store.handler.stop());
  });
});

test('telemetry: a plain object with everything that happened', async () => {
  const store = await openTiny({ optimizers: [{}, { name: 'other', fanIn: 9 }] });
  store.hooks.fail('compaction.copy', new Error('no luck'));
  await store.fill(5);
  await store.clock.until(() => store.handler.status().color === 'green');
  const gate = store.hooks.hold('compaction.index');
  await store.fill(4, 'more');
  await store.clock.until(() => gate.arrived === 1);
  await store.clock.advance(70);
  expect(store.handler.telemetry()).toMatchObject({
    optimizations: { running: 1, awaited: 0 },
    budgets: { io: { used: 0 }, cpu: { total: 4, used: 1, waiting: 0 } },
  });
  const held = store.hooks.hold('compaction.index');
  await store.run(store.handler.reconfigure({}));
  await store.clock.until(() => held.arrived === 1);
  await store.clock.advance(120);
  held.open();
  await store.clock.until(() => store.handler.status().color === 'green');
  expect(await store.failure(store.handler.submit({ double: 'nothing' }))).toBeInstanceOf(Error);
  await store.run(store.handler.flush());
  const telemetry = store.handler.telemetry();
  expect(structuredClone(telemetry)).toEqual(telemetry);
  expect(telemetry).toMatchObject({
    operations: { applied: 9, declined: 1, retries: 0 },
    log: { acked: 10, applied: 10, last: 10, keepFrom: Number.POSITIVE_INFINITY },
    queue: { entries: 0, bytes: 0, waiting: 0, waitingBytes: 0, windowBytes: 0 },
    flush: { failures: 0, committed: 10 },
    optimizations: {
      ...{ running: 0, points: 8, triggered: true, awaited: 0 },
      byOptimizer: {
        compaction: { done: 2, cancelled: 1, failed: 1 },
        other: { done: 0, cancelled: 0, failed: 0, totalMs: 0, lastMs: null },
      },
    },
    budgets: { io: { used: 0 }, cpu: { used: 0 } },
  });
  // The first one took no time, and those that came to nothing don't count.
  const { lastMs, totalMs } = telemetry.optimizations.byOptimizer.compaction ?? {};
  expect(lastMs).toBeGreaterThanOrEqual(120);
  expect(totalMs).toBe(lastMs);
  await store.run(store.handler.stop());
});
