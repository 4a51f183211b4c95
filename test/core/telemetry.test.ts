// What telemetry has, item by item.
import { expect, test } from 'vitest';
import { errorOf } from './support/tiny-segments.js';
import { openTiny, TinyStore } from './support/tiny-store.js';

test('how the store is: state, status, segments', async () => {
  const store = await openTiny({ optimizers: [{}] });
  await store.fill(3);
  const { state, status, segments } = store.handler.telemetry();
  expect(state).toBe('running');
  expect(status).toEqual(store.handler.status());
  expect(segments).toEqual(store.handler.segments());
  expect(segments).toHaveLength(2);
  await store.run(store.handler.stop());
  expect(store.handler.telemetry()).toMatchObject({ state: 'stopped', segments: [] });
});

test('operations by what became of them, and the log', async () => {
  const store = await openTiny({ settings: { flushIntervalMs: 3_600_000 } });
  await store.fill(2);
  await store.failure(store.handler.submit({ double: 'nobody' }));
  store.hooks.fail('apply', errorOf('transient'), 2);
  await store.run(store.put('key'));
  const release = store.handler.keepWalFrom(3);
  const changes = store.handler.changes({ follow: true });
  const before = store.handler.telemetry();
  expect(before.operations).toEqual({ applied: 3, declined: 1, retries: 2 });
  expect(before.log).toEqual({
    ...{ acked: 0, applied: 4, synced: 4, last: 4, keepFrom: 1, readers: 1 },
  });
  await changes.return?.();
  await store.run(store.handler.flush());
  const after = store.handler.telemetry();
  expect(after.log).toMatchObject({ acked: 2, keepFrom: 3, readers: 0 });
  expect(after.flush).toEqual({
    ...{ rounds: expect.any(Number), commits: 1, failures: 0, lastMs: expect.any(Number) },
    committed: 4,
  });
  release();
  await store.run(store.handler.stop());
});

test('how far an opening has come, and the queue', async () => {
  const first = await openTiny();
  await first.fill(3);
  const store = new TinyStore(first.crash());
  const gate = store.hooks.hold('wal.read');
  await store.clock.until(() => gate.arrived === 1);
  expect(store.handler.telemetry()).toMatchObject({
    state: 'recovering',
    recovery: { replayed: 0, toReplay: 3 },
  });
  const put = store.put('key');
  const { queue } = store.handler.telemetry();
  expect(queue).toMatchObject({ entries: 1, waiting: 0, waitingBytes: 0 });
  expect(queue.bytes).toBeGreaterThan(0);
  gate.open();
  await store.run(put);
  const { recovery, queue: rest } = store.handler.telemetry();
  expect(recovery).toMatchObject({ replayed: 3, toReplay: 3 });
  expect(rest).toMatchObject({ entries: 0, bytes: 0 });
  expect(rest.walBytes).toBeGreaterThan(0);
  await store.run(store.handler.stop());
});

test('optimizations: what runs, what failed, how long they took, the last of them', async () => {
  const store = await openTiny({ optimizers: [{}] });
  const optimizations = () => store.handler.telemetry().optimizations;
  expect(optimizations()).toMatchObject({ running: 0, error: null, points: 0, log: [] });
  store.hooks.fail('compaction.index', new Error('no luck'));
  const gate = store.hooks.hold('compaction.copy');
  await store.fill(5);
  await store.clock.until(() => gate.arrived === 1);
  expect(optimizations()).toMatchObject({
    ...{ running: 1, triggered: true, error: null },
    log: [{ optimizer: 'compaction', status: { state: 'optimizing' }, phase: 'copying' }],
  });
  expect(store.handler.telemetry().budgets.io).toEqual({ total: 4, used: 1, waiting: 0 });
  gate.open();
  await store.clock.until(() => optimizations().error !== null);
  expect(optimizations()).toMatchObject({
    ...{ running: 0, error: 'no luck' },
    byOptimizer: { compaction: { done: 0, failed: 1, minMs: null, maxMs: null, lastMs: null } },
    log: [{ status: { state: 'error', error: 'no luck' } }],
  });
  await store.clock.until(() => store.handler.status().color === 'green');
  const { points, error, byOptimizer, log } = optimizations();
  expect({ points, error }).toEqual({ points: 4, error: null });
  expect(log.map(({ status }) => status.state)).toEqual(['done', 'error']);
  const { compaction } = byOptimizer;
  expect(compaction).toMatchObject({ done: 1, failed: 1, cancelled: 0 });
  expect(compaction?.minMs).toBe(compaction?.totalMs);
  await store.fill(4, 'more');
  await store.clock.until(() => optimizations().byOptimizer.compaction?.done === 2);
  const { totalMs, minMs, maxMs, lastMs } = optimizations().byOptimizer.compaction ?? {};
  expect(Number(minMs) + Number(maxMs)).toBe(totalMs);
  expect([minMs, maxMs]).toContain(lastMs);
  await store.run(store.handler.stop());
});
