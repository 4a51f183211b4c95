// From submission to the log: group commit, giving up, room.
import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { settle } from './support/stepped-clock.js';
import { errorOf } from './support/tiny-segments.js';
import { openTiny } from './support/tiny-store.js';

/** The bytes of a small put, as the default codec encodes it. */
const PUT_BYTES = 17;

describe('group commit', () => {
  test('operations of one turn share one append; those that come during it share the next', async () => {
    const store = await openTiny();
    const gate = store.hooks.hold('wal.append');
    const first = [store.put('a'), store.put('b'), store.put('c', 0, false)];
    await settle();
    const second = [store.put('d'), store.put('e')];
    await settle();
    gate.open();
    await store.run(Promise.all([...first, ...second]));
    expect(store.calls('wal.append')).toEqual(['wal.append 3 synced', 'wal.append 2 synced']);
    await store.run(store.handler.stop());
  });

  test('a batch in which nobody waits is not synced', async () => {
    const store = await openTiny();
    await store.run(Promise.all([store.put('a', 0, false), store.put('b', 0, false)]));
    expect(store.calls('wal.append')).toEqual(['wal.append 2']);
    await store.run(store.handler.stop());
  });

  test('an append that certainly wrote nothing rejects its operations and the next one works', async () => {
    const store = await openTiny();
    store.hooks.fail('wal.append', errorOf('transient', 'busy'));
    const failed = Promise.allSettled([store.put('a'), store.put('b', 0, false)]);
    for (const each of await store.run(failed)) {
      expect(each).toMatchObject({ status: 'rejected', reason: { message: 'busy' } });
    }
    expect(await store.run(store.put('c'))).toMatchObject({ opNum: 1, status: 'completed' });
    expect(store.handler.telemetry().queue).toMatchObject({ entries: 0, bytes: 0 });
    await store.run(store.handler.stop());
  });

  test('a log that returns too few numbers breaks the store instead of hanging it', async () => {
    const store = await openTiny();
    const { append } = store.log;
    store.log.append = async (records, options) =>
      (await append.call(store.log, records, options)).slice(1);
    const outcome = Promise.allSettled([store.put('a'), store.put('b')]);
    const [a, b] = await store.run(outcome);
    expect([a.status, b.status]).toEqual(['rejected', 'rejected']);
    expect(store.handler.state).toBe('broken');
    await store.run(store.handler.stop());
  });
});

describe('giving up', () => {
  test('an abort before the hand-over rejects and writes nothing', async () => {
    const store = await openTiny();
    const gate = store.hooks.hold('wal.append');
    const first = store.put('a');
    await settle();
    const controller = new AbortController();
    const { signal } = controller;
    const given = store.handler.submit({ put: ['b', 1] }, { wait: true, signal });
    const behind = store.put('c');
    controller.abort();
    expect(await store.failure(given)).toMatchObject({ code: 'SLUICE_ABORTED' });
    gate.open();
    expect(await store.run(first)).toMatchObject({ opNum: 1 });
    expect(await store.run(behind)).toMatchObject({ opNum: 2 });
    expect(store.content).toEqual({ a: 0, c: 0 });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    await store.run(store.handler.stop());
  });

  test('a signal that has already fired rejects at once', async () => {
    const store = await openTiny();
    const given = store.handler.submit(
      { put: ['a', 1] },
      { wait: false, signal: AbortSignal.abort() },
    );
    expect(await store.failure(given)).toMatchObject({ code: 'SLUICE_ABORTED' });
    expect(store.hooks.count('wal.append')).toBe(0);
    await store.run(store.handler.stop());
  });

  test('an abort while the append runs ends the waiting with a number, and the operation goes on', async () => {
    const store = await openTiny();
    const gate = store.hooks.hold('wal.append');
    const controller = new AbortController();
    const { signal } = controller;
    const given = store.handler.submit({ put: ['a', 1] }, { wait: true, signal });
    await settle();
    controller.abort();
    gate.open();
    expect(await store.run(given)).toEqual({ opNum: 1, status: 'waitTimeout' });
    await store.run(store.handler.plunge());
    expect(store.content).toEqual({ a: 1 });
    await store.run(store.handler.stop());
  });

  test('a timeout after the hand-over says waitTimeout, while the operation stands at its turn', async () => {
    const store = await openTiny();
    store.hooks.fail('apply', errorOf('transient'), 3);
    const given = store.handler.submit({ put: ['a', 1] }, { wait: true, timeoutMs: 20 });
    expect(await store.run(given)).toEqual({ opNum: 1, status: 'waitTimeout' });
    expect(store.content).toEqual({});
    await store.run(store.handler.plunge());
    expect(store.content).toEqual({ a: 1 });
    await store.run(store.handler.stop());
  });

  test('a timeout while waiting for room rejects and frees the place', async () => {
    const store = await openTiny({ settings: { updateQueueLengthMax: 1 } });
    store.hooks.fail('apply', errorOf('transient'), 3);
    const first = store.put('a');
    const given = store.handler.submit({ put: ['b', 1] }, { wait: true, timeoutMs: 20 });
    const behind = store.put('c');
    expect(await store.failure(given)).toMatchObject({ code: 'SLUICE_ABORTED' });
    await store.run(Promise.all([first, behind]));
    expect(store.content).toEqual({ a: 0, c: 0 });
    await store.run(store.handler.stop());
    expect(store.clock.pending).toBe(0);
  });

  test('a failed append rejects also the one whose patience has ended', async () => {
    const store = await openTiny();
    const gate = store.hooks.hold('wal.append');
    store.hooks.fail('wal.appended', errorOf('transient', 'lost'));
    const given = store.handler.submit({ put: ['a', 1] }, { wait: true, timeoutMs: 20 });
    await store.clock.advance(30);
    gate.open();
    expect(await store.failure(given)).toMatchObject({ message: 'lost' });
    await store.run(store.handler.stop());
  });
});

describe('room', () => {
  test('beyond the limit of entries submissions wait, first come, first served', async () => {
    const store = await openTiny({ settings: { updateQueueLengthMax: 3 } });
    store.hooks.fail('apply', errorOf('transient'));
    const numbers = Array.from({ length: 10 }, (_, at) => store.put(`key${at}`, at));
    await settle();
    expect(store.handler.telemetry().queue).toMatchObject({ entries: 3, waiting: 7 });
    const results = await store.run(Promise.all(numbers));
    expect(results.map(({ opNum }) => opNum)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(store.handler.telemetry().queue).toMatchObject({ entries: 0, bytes: 0, waiting: 0 });
    await store.run(store.handler.stop());
  });

  test('beyond the limit of bytes a large operation waits, and smaller ones behind it do not overtake', async () => {
    const store = await openTiny({ settings: { updateQueueBytesMax: 100 } });
    store.hooks.fail('apply', errorOf('transient'));
    const first = store.put('a');
    const large = store.put('b'.repeat(80));
    const small = store.put('c');
    await settle();
    expect(store.handler.telemetry().queue).toMatchObject({ entries: 1, waiting: 2 });
    const results = await store.run(Promise.all([first, large, small]));
    expect(results.map(({ opNum }) => opNum)).toEqual([1, 2, 3]);
    await store.run(store.handler.stop());
  });

  test('an abort in the queue lets those behind pass', async () => {
    const store = await openTiny({ settings: { updateQueueBytesMax: 100 } });
    store.hooks.fail('apply', errorOf('transient'));
    const first = store.put('a');
    const controller = new AbortController();
    const { signal } = controller;
    const large = store.handler.submit({ put: ['b'.repeat(80), 1] }, { wait: true, signal });
    const small = store.put('c', 0, false);
    await settle();
    controller.abort();
    expect(await store.failure(large)).toMatchObject({ code: 'SLUICE_ABORTED' });
    expect(store.handler.telemetry().queue).toMatchObject({ entries: 2, waiting: 0 });
    await store.run(Promise.all([first, small]));
    await store.run(store.handler.stop());
  });

  test('a failed append gives its room back', async () => {
    const store = await openTiny({ settings: { updateQueueLengthMax: 1 } });
    store.hooks.fail('wal.append', errorOf('transient', 'busy'));
    const first = store.put('a');
    const second = store.put('b');
    expect(await store.failure(first)).toMatchObject({ message: 'busy' });
    expect(await store.run(second)).toMatchObject({ opNum: 1 });
    await store.run(store.handler.stop());
  });

  test('operations without bytes take room too', async () => {
    const empty = new Uint8Array(0);
    const store = await openTiny({
      settings: {
        updateQueueLengthMax: 2,
        codec: { encode: () => empty, decode: () => ({ put: ['tick', 1] }) },
      },
    });
    store.hooks.fail('apply', errorOf('transient'));
    const all = [store.put('a'), store.put('b'), store.put('c')];
    await settle();
    expect(store.handler.telemetry().queue).toMatchObject({ entries: 2, waiting: 1 });
    await store.run(Promise.all(all));
    expect(store.handler.telemetry().queue.entries).toBe(0);
    await store.run(store.handler.stop());
  });

  test('an operation larger than the window is declined before anything is written', async () => {
    const store = await openTiny({ settings: { windowBytesMax: 50 } });
    const error = await store.failure(store.put('a'.repeat(100)));
    expect(error).toMatchObject({ code: 'SLUICE_OPERATION_TOO_LARGE' });
    expect(store.hooks.count('wal.append')).toBe(0);
    await store.run(store.handler.stop());
  });

  test('records beyond the window are read back from the log, in order, and none is lost', async () => {
    const store = await openTiny({ settings: { windowBytesMax: 5 * PUT_BYTES } });
    store.hooks.fail('apply', errorOf('transient'));
    const all = Array.from({ length: 40 }, (_, at) => store.put(`k${at % 7}`, at));
    const results = await store.run(Promise.all(all));
    expect(results.map(({ opNum }) => opNum)).toEqual(all.map((_, at) => at + 1));
    expect(store.hooks.count('wal.read')).toBeGreaterThan(0);
    const { windowBytesPeak, windowBytes } = store.handler.telemetry().queue;
    expect(windowBytesPeak).toBeLessThanOrEqual(5 * PUT_BYTES);
    expect(windowBytes).toBe(0);
    expect(store.content).toEqual({ k0: 35, k1: 36, k2: 37, k3: 38, k4: 39, k5: 33, k6: 34 });
    await store.run(store.handler.stop());
  });
});
