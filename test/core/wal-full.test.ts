// The log has a limit: a flush frees it, or submissions are declined.
import { describe, expect, test } from 'vitest';
import { errorOf } from './support/tiny-segments.js';
import { openTiny } from './support/tiny-store.js';

const settings = { walBytesMax: 200 };

describe('a full log', () => {
  test('asks for a flush and waits for it instead of declining', async () => {
    const store = await openTiny({ settings });
    for (let at = 0; at < 60; at += 1) await store.run(store.put(`key${at % 5}`, at), 1000);
    const { log, flush } = store.handler.telemetry();
    expect(log.acked).toBeGreaterThan(40);
    expect(flush.rounds).toBeLessThan(60);
    await store.run(store.handler.stop());
  });

  test('declines while someone keeps its records, and works again afterwards', async () => {
    const store = await openTiny({ settings });
    const release = store.handler.keepWalFrom(1);
    const all = Array.from({ length: 30 }, (_, at) => store.put(`key${at}`, at));
    const outcomes = await store.run(Promise.allSettled(all), 4000);
    const declined = outcomes.filter(({ status }) => status === 'rejected');
    expect(declined.length).toBeGreaterThan(10);
    expect(declined[0]).toMatchObject({ reason: { code: 'SLUICE_WAL_FULL' } });
    expect(store.handler.status().color).toBe('green');
    release();
    expect(await store.run(store.put('after'), 1000)).toMatchObject({ status: 'completed' });
    await store.run(store.handler.stop());
  });

  test('a flush that freed nothing is followed by an answer, not by silence', async () => {
    const store = await openTiny({ settings });
    await store.fill(5);
    store.handler.keepWalFrom(4);
    const all = Array.from({ length: 30 }, (_, at) => store.put(`key${at}`, at));
    const outcomes = await store.run(Promise.allSettled(all), 4000);
    expect(outcomes.at(-1)).toMatchObject({ reason: { code: 'SLUICE_WAL_FULL' } });
    await store.run(store.handler.stop());
  });

  test('declines when the flush that could free it fails', async () => {
    const store = await openTiny({ settings });
    store.hooks.fail('commit', errorOf('transient', 'no space for now'), 100);
    const all = Array.from({ length: 30 }, (_, at) => store.put(`key${at}`, at));
    const outcomes = await store.run(Promise.allSettled(all), 4000);
    expect(outcomes.at(-1)).toMatchObject({ reason: { code: 'SLUICE_WAL_FULL' } });
    store.hooks.clear('commit');
    await store.run(store.handler.flush());
    expect(await store.run(store.put('after'), 1000)).toMatchObject({ status: 'completed' });
    await store.run(store.handler.stop());
  });

  test('waits without flushing over and over while an operation stands in retry', async () => {
    const store = await openTiny({ settings });
    store.hooks.fail('apply', errorOf('transient'), 4);
    const all = Array.from({ length: 30 }, (_, at) => store.put(`key${at}`, at));
    await store.clock.advance(500);
    expect(store.handler.telemetry().queue.waiting).toBeGreaterThan(0);
    expect(store.hooks.count('capture')).toBeLessThan(5);
    await store.run(Promise.all(all), 10_000);
    await store.run(store.handler.stop());
  });

  test('waits while a delta is looked up in it, which needs its records', async () => {
    const store = await openTiny({
      settings: {
        walBytesMax: 32_000,
        updateQueueLengthMax: 100_000,
        clockTagOf: (operation) =>
          'put' in operation ? { peerId: 1, clockId: 0, tick: operation.put[1] } : undefined,
      },
    });
    // With so many ticks the notes are coarse: the answer is looked up in the log.
    const all = Array.from({ length: 1100 }, (_, at) => store.put(`key${at % 5}`, at + 1));
    await store.run(Promise.all(all));
    const gate = store.hooks.hold('wal.read');
    const delta = store.handler.walDelta([{ peerId: 1, clockId: 0, tick: 700 }]);
    const more = Array.from({ length: 900 }, (_, at) => store.put(`key${at % 5}`, 2000 + at));
    const outcomes = Promise.allSettled(more);
    await store.clock.advance(500);
    expect(gate.arrived).toBe(1);
    expect(store.handler.telemetry().queue.waiting).toBeGreaterThan(0);
    gate.open();
    expect(await store.run(delta)).toEqual({ status: 'from', opNum: 701 });
    const declined = (await store.run(outcomes)).filter(({ status }) => status === 'rejected');
    expect(declined).toEqual([]);
    await store.run(store.handler.stop());
  });
});
