// An optimization is cancelled by hand.
import { describe, expect, test } from 'vitest';
import { openTiny, type TinyStore } from './support/tiny-store.js';

async function withRunning(phase: string): Promise<{ store: TinyStore; release: () => void }> {
  const store = await openTiny({ optimizers: [{}] });
  const gate = store.hooks.hold(`compaction.${phase}`);
  await store.fill(5);
  await store.clock.until(() => gate.arrived === 1);
  return { store, release: () => gate.open() };
}

describe('cancelOptimization', () => {
  test('undoes the run of that segment, which is tried again after a minute', async () => {
    const { store } = await withRunning('copy');
    const content = store.content;
    const [run] = store.handler.optimizations().running;
    const [segment = -1] = run?.segmentIds ?? [];
    expect(store.handler.cancelOptimization(segment)).toBe(true);
    await store.clock.advance(100);
    const { completed, queued } = store.handler.optimizations();
    expect(completed.map(({ status }) => status)).toEqual([
      { state: 'cancelled', why: 'cancelled by the caller' },
    ]);
    expect(queued.length).toBe(1);
    expect(store.handler.status()).toMatchObject({
      color: 'grey',
      reasons: [{ reason: 'backingOff' }],
      errors: [],
    });
    expect([store.segments.frozen, store.content]).toEqual([0, content]);
    await store.clock.advance(59_000);
    expect(store.hooks.count('compaction.begin')).toBe(1);
    await store.clock.advance(2000);
    await store.clock.until(() => store.handler.status().color === 'green');
    await store.run(store.handler.stop());
  });

  test('a trigger tries again at once', async () => {
    const { store } = await withRunning('copy');
    const [run] = store.handler.optimizations().running;
    store.handler.cancelOptimization(run?.segmentIds[0] ?? -1);
    await store.clock.advance(100);
    store.handler.trigger();
    await store.clock.until(() => store.handler.status().color === 'green');
    await store.run(store.handler.stop());
  });

  test('is false where nothing runs, and once the run is being undone', async () => {
    const { store } = await withRunning('copy');
    const { running } = store.handler.optimizations();
    const [segment = -1] = running[0]?.segmentIds ?? [];
    const taken = new Set(running.flatMap(({ segmentIds }) => segmentIds));
    const other = store.handler.segments().find(({ id }) => !taken.has(id));
    expect(store.handler.cancelOptimization(other?.id ?? -1)).toBe(false);
    expect(store.handler.cancelOptimization(999)).toBe(false);
    store.handler.cancelOptimization(segment);
    await store.clock.advance(100);
    expect(store.handler.cancelOptimization(segment)).toBe(false);
    await store.run(store.handler.stop());
    expect(store.handler.segments()).toEqual([]);
  });
});
