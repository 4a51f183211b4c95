// The log as a feed: what is shown, in which order, and how long the log keeps it.
import { describe, expect, test } from 'vitest';
import { collect } from '../support/collect.js';
import { SharedLog } from './support/shared-log.js';
import { settle } from './support/stepped-clock.js';
import { outcome, TinyReader } from './support/tiny-reader.js';
import { errorOf } from './support/tiny-segments.js';
import { openTiny, TinyStore } from './support/tiny-store.js';

/** Puts entries, each synced and applied when it returns. */
async function putAll(store: TinyStore, count: number): Promise<void> {
  await store.run(Promise.all(Array.from({ length: count }, (_, at) => store.put(`key${at}`, at))));
}

describe('changes', () => {
  test('gives the operations as they were submitted, and tells which were declined', async () => {
    const store = await openTiny();
    await putAll(store, 1);
    await store.failure(store.handler.submit({ double: 'nothing' }));
    await store.run(store.handler.submit({ double: 'key0' }));
    expect(await store.run(collect(store.handler.changes()))).toEqual([
      { opNum: 1, operation: { put: ['key0', 0] }, declined: false },
      { opNum: 2, operation: { double: 'nothing' }, declined: true },
      { opNum: 3, operation: { double: 'key0' }, declined: false },
    ]);
    await store.run(store.handler.stop());
  });

  test('without follow ends at what was visible when it was called', async () => {
    const store = await openTiny();
    await putAll(store, 3);
    const reader = new TinyReader(store);
    await putAll(store, 2);
    expect(await reader.rest()).toEqual([1, 2, 3]);
    expect(await new TinyReader(store, { from: 9 }).rest()).toEqual([]);
    expect(store.handler.telemetry().log).toMatchObject({ readers: 0 });
    await store.run(store.handler.stop());
  });

  test('shows what is not synced only after a flush, which a follower needs not ask for', async () => {
    const store = await openTiny();
    await store.fill(3);
    expect(store.handler.telemetry().log).toMatchObject({ applied: 3, synced: 0 });
    expect(await new TinyReader(store).rest()).toEqual([]);
    const follower = new TinyReader(store, { follow: true });
    const since = store.clock.now();
    expect([await follower.next(), await follower.next()]).toEqual([1, 2]);
    expect(store.clock.now() - since).toBeLessThanOrEqual(5000);
    await store.run(store.handler.stop());
  });

  test('a synced operation makes those before it visible', async () => {
    const store = await openTiny();
    await store.fill(2);
    await putAll(store, 1);
    expect(await new TinyReader(store).rest()).toEqual([1, 2, 3]);
    await store.run(store.handler.stop());
  });

  test('shows nothing that is synced but not applied yet', async () => {
    const store = await openTiny();
    await putAll(store, 1);
    store.hooks.fail('apply', errorOf('transient'));
    const late = store.put('late', 1);
    const follower = new TinyReader(store, { from: 2, follow: true });
    let next: number | string = 'waits';
    void outcome(follower.changes.next()).then((result) => {
      next = result;
    });
    await settle();
    expect(store.handler.telemetry().log).toMatchObject({ applied: 1, synced: 2 });
    expect(next).toBe('waits');
    await store.run(late);
    await store.clock.until(() => next === 2);
    await store.run(store.handler.stop());
  });

  test('a follower can begin in the future, and calls made together are served in order', async () => {
    const store = await openTiny();
    const follower = new TinyReader(store, { from: 3, follow: true });
    const nexts = [1, 2].map(() => outcome(follower.changes.next()));
    await putAll(store, 4);
    expect(await store.run(Promise.all(nexts))).toEqual([3, 4]);
    await store.run(store.handler.stop());
  });

  test('reads a long log in parts, and lets the event loop take its turns', async () => {
    const store = await openTiny();
    for (let at = 0; at < 1200; at += 1) void store.put(`key${at % 5}`, at);
    await store.run(store.handler.plunge());
    let turns = 0;
    const count = () => {
      turns += 1;
      timer = setImmediate(count);
    };
    let timer = setImmediate(count);
    const numbers = (await store.run(collect(store.handler.changes()))).map(({ opNum }) => opNum);
    clearImmediate(timer);
    expect(numbers).toEqual(Array.from({ length: 1200 }, (_, at) => at + 1));
    expect(turns).toBeGreaterThan(1);
    const ranges = store.calls('wal.read').slice(-2);
    expect(ranges).toEqual(['wal.read 1 1200', 'wal.read 1001 1200']);
    await store.run(store.handler.stop());
  });

  test('in a log with other writers gives what exists, also what they wrote', async () => {
    const shared = new SharedLog();
    const [one, other] = [
      await openTiny({ log: shared.client() }),
      await openTiny({ log: shared.client() }),
    ];
    const follower = new TinyReader(one, { follow: true });
    for (const store of [one, other, other, one]) await putAll(store, 1);
    await one.clock.until(() => one.handler.telemetry().log.applied === shared.last);
    await one.run(one.handler.flush());
    const numbers = shared.between(1, shared.last).map(({ opNum }) => opNum);
    expect(numbers).not.toEqual([1, 2, 3, 4]);
    const followed = [];
    for (const _ of numbers) followed.push(await follower.next());
    expect(followed).toEqual(numbers);
    await one.run(one.handler.stop());
    await other.run(other.handler.stop());
  });

  test.each([
    [{ from: 0 }, 'SLUICE_BAD_OPTION'],
    [{ from: 1.5 }, 'SLUICE_BAD_OPTION'],
    [{ follow: 1 }, 'SLUICE_BAD_OPTION'],
    [{ signal: {} }, 'SLUICE_BAD_OPTION'],
    [{ since: 1 }, 'SLUICE_BAD_OPTION'],
  ])('refuses %o', async (options, code) => {
    const store = await openTiny();
    const call = () => Reflect.apply(store.handler.changes, store.handler, [options]);
    expect(call).toThrowError(expect.objectContaining({ code }));
    expect(() => Reflect.apply(store.handler.changes, store.handler, [1])).toThrow(TypeError);
    await store.run(store.handler.stop());
  });
});

describe('the log keeps what a reader has not read', () => {
  test('from the call on, and lets it go as the reader goes on', async () => {
    const store = await openTiny();
    await putAll(store, 5);
    const reader = new TinyReader(store, { from: 3 });
    await store.run(store.handler.flush());
    expect(store.handler.telemetry().log).toMatchObject({ acked: 2, keepFrom: 3, readers: 1 });
    expect(await reader.next()).toBe(3);
    await store.run(store.handler.flush());
    expect(store.handler.telemetry().log.acked).toBe(3);
    expect(await reader.rest()).toEqual([4, 5]);
    await store.run(store.handler.flush());
    expect(store.handler.telemetry().log).toMatchObject({ acked: 5, readers: 0 });
    await store.run(store.handler.stop());
  });

  test('the slowest of several readers and holders counts', async () => {
    const store = await openTiny();
    await putAll(store, 6);
    const [slow, fast] = [new TinyReader(store), new TinyReader(store)];
    const release = store.handler.keepWalFrom(3);
    for (let at = 0; at < 5; at += 1) await fast.next();
    const acked = async () => {
      await store.run(store.handler.flush());
      return store.handler.telemetry().log.acked;
    };
    expect(await acked()).toBe(0);
    expect(await slow.rest()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await acked()).toBe(2);
    release();
    release();
    expect(await acked()).toBe(5);
    expect(await fast.rest()).toEqual([6]);
    expect(await acked()).toBe(6);
    await store.run(store.handler.stop());
  });

  test('what is forgotten is refused at once', async () => {
    const store = await openTiny();
    await putAll(store, 3);
    await store.run(store.handler.flush());
    const truncated = expect.objectContaining({ code: 'SLUICE_WAL_TRUNCATED' });
    expect(() => store.handler.changes({ from: 3 })).toThrowError(truncated);
    expect(() => store.handler.keepWalFrom(3)).toThrowError(truncated);
    // While the log is on its way to forgetting them, records are as good as gone.
    await putAll(store, 2);
    const gate = store.hooks.hold('wal.acknowledge');
    const flushed = store.handler.flush();
    await store.clock.until(() => gate.arrived === 1);
    expect(() => store.handler.changes({ from: 4 })).toThrowError(truncated);
    gate.open();
    await store.run(flushed);
    expect(await new TinyReader(store).rest()).toEqual([]);
    await store.run(store.handler.stop());
  });

  test.each<[string, (reader: TinyReader, abort: AbortController) => Promise<unknown> | undefined]>(
    [
      ['return', ({ changes }) => changes.return?.()],
      ['throw', ({ changes }) => changes.throw?.(new Error('enough')).catch(() => {})],
      ['an abort', async (_, abort) => abort.abort()],
    ],
  )('%s lets go, also while the reader waits', async (_name, leave) => {
    const store = await openTiny();
    await putAll(store, 2);
    const abort = new AbortController();
    const follower = new TinyReader(store, { from: 2, follow: true, signal: abort.signal });
    expect(await follower.next()).toBe(2);
    const waiting = outcome(follower.changes.next());
    await leave(follower, abort);
    expect(['done', 'SLUICE_ABORTED']).toContain(await store.run(waiting));
    expect(await follower.next()).toBe('done');
    expect(store.handler.telemetry().log).toMatchObject({ keepFrom: Infinity, readers: 0 });
    await store.run(store.handler.stop());
  });

  test('leaving a loop lets go', async () => {
    const store = await openTiny();
    await putAll(store, 3);
    const loop = async () => {
      for await (const { opNum } of store.handler.changes()) if (opNum === 2) return opNum;
      return undefined;
    };
    expect(await store.run(loop())).toBe(2);
    expect(store.handler.telemetry().log.readers).toBe(0);
    const aborted = store.handler.changes({ signal: AbortSignal.abort(new Error('no')) });
    expect(await store.run(outcome(aborted.next()))).toBe('SLUICE_ABORTED');
    await store.run(store.handler.stop());
  });
});

describe('readers of a store', () => {
  test('that stops end with SLUICE_STOPPED and do not hold it up', async () => {
    const store = await openTiny();
    await putAll(store, 3);
    const [idle, waiting, unread] = [
      new TinyReader(store),
      new TinyReader(store, { from: 4, follow: true }),
      new TinyReader(store),
    ];
    expect(await idle.next()).toBe(1);
    const next = outcome(waiting.changes.next());
    await store.run(store.handler.stop());
    expect(await next).toBe('SLUICE_STOPPED');
    for (const reader of [idle, unread]) expect(await reader.next()).toBe('SLUICE_STOPPED');
    expect(await idle.next()).toBe('done');
    expect(() => store.handler.changes()).toThrowError(
      expect.objectContaining({ code: 'SLUICE_STOPPED' }),
    );
  });

  test('that is reading a disk which does not answer ends all the same', async () => {
    const store = await openTiny();
    await putAll(store, 3);
    const reader = new TinyReader(store);
    const gate = store.hooks.hold('wal.read');
    const next = outcome(reader.changes.next());
    await settle();
    expect(gate.arrived).toBe(1);
    await store.run(store.handler.stop());
    expect(await next).toBe('SLUICE_STOPPED');
    gate.open();
  });

  test('that breaks end with SLUICE_BROKEN; holders outlast the reopening', async () => {
    const store = await openTiny();
    await putAll(store, 4);
    const reader = new TinyReader(store);
    const release = store.handler.keepWalFrom(2);
    store.hooks.fail('commit', errorOf('sticky'));
    await store.failure(store.handler.flush());
    expect(await reader.next()).toBe('SLUICE_BROKEN');
    await store.run(store.handler.reopen());
    await store.run(store.handler.flush());
    expect(store.handler.telemetry().log).toMatchObject({ acked: 1, keepFrom: 2, readers: 0 });
    expect(await new TinyReader(store).rest()).toEqual([2, 3, 4]);
    release();
    await store.run(store.handler.stop());
  });

  test('that cannot be read get the error', async () => {
    const store = await openTiny();
    await putAll(store, 3);
    store.hooks.fail('wal.read', new Error('unreadable'));
    const reader = new TinyReader(store);
    expect(await reader.rest()).toEqual(['SLUICE_IO']);
    expect(await new TinyReader(store).rest()).toEqual([1, 2, 3]);
    await store.run(store.handler.stop());
  });

  test('there are none before it is open', async () => {
    const store = new TinyStore();
    const notOpen = expect.objectContaining({ code: 'SLUICE_NOT_OPEN' });
    expect(() => store.handler.changes()).toThrowError(notOpen);
    expect(() => store.handler.keepWalFrom(1)).toThrowError(notOpen);
    expect(() => store.handler.recoveryPoint()).toThrowError(notOpen);
    await store.run(store.handler.ready());
    expect(store.handler.recoveryPoint()).toEqual([]);
    await store.run(store.handler.stop());
  });
});
