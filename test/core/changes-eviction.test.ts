// A full log: readers who lag far behind lose their place before anybody's update is declined.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { settle } from './support/stepped-clock.js';
import { TinyReader } from './support/tiny-reader.js';
import { openTiny, type TinyStore } from './support/tiny-store.js';

const settings = { walBytesMax: 400 };

/** Puts one after the other; the code of the first error, if there is one. */
async function write(store: TinyStore, count: number): Promise<string | undefined> {
  for (let at = 0; at < count; at += 1) {
    const put = store.put(`key${at % 3}`, at).then(
      () => undefined,
      (error: { code: string }) => error.code,
    );
    const code = await store.run(put, 20_000);
    if (code !== undefined) return code;
  }
  return undefined;
}

describe('a reader that never reads on', () => {
  test('is ended when the log is full, and nobody is declined', async () => {
    const store = await openTiny({ settings });
    const reader = new TinyReader(store, { follow: true });
    expect(await write(store, 1)).toBeUndefined();
    expect(await reader.next()).toBe(1);
    expect(await write(store, 60)).toBeUndefined();
    const { log, queue } = store.handler.telemetry();
    expect(log.readers).toBe(0);
    expect(log.acked).toBeGreaterThan(30);
    expect(queue.walBytes).toBeLessThanOrEqual(400);
    expect([await reader.next(), await reader.next()]).toEqual(['SLUICE_READER_TOO_SLOW', 'done']);
    await store.run(store.handler.stop());
  });

  test('is ended also when it keeps little, but all that one large operation lacks', async () => {
    const store = await openTiny({ settings });
    const reader = new TinyReader(store, { follow: true });
    expect(await write(store, 5)).toBeUndefined();
    expect(store.handler.telemetry().queue.walBytes).toBeLessThan(200);
    const large = store.put('k'.repeat(330), 1);
    expect(await store.run(large, 20_000)).toMatchObject({ status: 'completed' });
    expect(await reader.next()).toBe('SLUICE_READER_TOO_SLOW');
    await store.run(store.handler.stop());
  });

  test('is not ended for the sake of a log that a holder keeps full', async () => {
    const store = await openTiny({ settings });
    const release = store.handler.keepWalFrom(1);
    const reader = new TinyReader(store, { follow: true });
    expect(await write(store, 60)).toBe('SLUICE_WAL_FULL');
    expect(store.handler.telemetry().log.readers).toBe(1);
    expect(await reader.next()).toBe(1);
    release();
    expect(await write(store, 60)).toBeUndefined();
    expect(await reader.next()).toBe('SLUICE_READER_TOO_SLOW');
    await store.run(store.handler.stop());
  });

  test('is not ended while flushing fails, which would free nothing', async () => {
    const store = await openTiny({ settings });
    const reader = new TinyReader(store, { follow: true });
    store.hooks.fail('writeBlocks', new Error('no space for now'), 1000);
    expect(await write(store, 1)).toBeUndefined();
    await store.failure(store.handler.flush());
    expect(await write(store, 60)).toBe('SLUICE_WAL_FULL');
    expect(await reader.next()).toBe(1);
    store.hooks.clear('writeBlocks');
    await store.run(store.handler.stop());
  });
});

describe('a reader that keeps up', () => {
  test.each([true, false])('sees everything, however small the log (wait: %s)', async (wait) => {
    const store = await openTiny({ settings });
    const seen: unknown[] = [];
    const follow = async () => {
      for await (const { opNum } of store.handler.changes({ follow: true })) seen.push(opNum);
    };
    const ended = follow().catch((error: { code: string }) => error.code);
    const all = Array.from({ length: 100 }, (_, at) => store.put(`key${at % 3}`, at, wait));
    await store.run(Promise.all(all), 600_000);
    await store.clock.until(() => seen.length === 100);
    expect(seen).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    await store.run(store.handler.stop());
    expect(await ended).toBe('SLUICE_STOPPED');
  });

  test('is not ended for a log that was full for a moment only', async () => {
    const store = await openTiny({ settings });
    const reader = new TinyReader(store, { follow: true });
    const all = Array.from({ length: 30 }, (_, at) => store.put(`key${at % 3}`, at));
    await store.clock.advance(300);
    const waiting = () => store.handler.telemetry().queue.waiting;
    expect(waiting()).toBeGreaterThan(0);
    let read = 0;
    while (waiting() > 0) {
      read += 1;
      expect(await reader.next()).toBe(read);
      await store.clock.advance(10);
    }
    await store.run(Promise.all(all), 300);
    expect(read).toBeLessThan(30);
    // Everybody has been served: what the reader still has before it is in nobody's way.
    await store.clock.advance(10_000);
    while (read < 30) {
      read += 1;
      expect(await reader.next()).toBe(read);
    }
    await store.run(store.handler.stop());
  });

  test('is told nothing of a slower one that is ended beside it', async () => {
    const store = await openTiny({ settings });
    const [slow, quick] = [
      new TinyReader(store, { follow: true }),
      new TinyReader(store, { follow: true }),
    ];
    for (let at = 1; at <= 60; at += 1) {
      expect(await write(store, 1)).toBeUndefined();
      expect(await quick.next()).toBe(at);
    }
    expect(await slow.next()).toBe('SLUICE_READER_TOO_SLOW');
    expect(store.handler.telemetry().log.readers).toBe(1);
    await quick.changes.return?.();
    await store.run(store.handler.stop());
  });
});

/** Garbage is collected until the condition holds, or some time has passed. */
async function collectUntil(condition: () => boolean, turns: number): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  for (let turn = 0; turn < turns && !condition(); turn += 1) {
    collectGarbage();
    await settle();
  }
}

test('a reader that is thrown away half-way lets the log go when that is noticed', async () => {
  const store = await openTiny();
  await write(store, 3);
  // In a function of its own, so that nothing here refers to the reader.
  await (async () => {
    expect(await new TinyReader(store).next()).toBe(1);
  })();
  const { log } = store.handler.telemetry();
  expect(log).toMatchObject({ readers: 1, keepFrom: 2 });
  await collectUntil(() => store.handler.telemetry().log.readers === 0, 100);
  expect(store.handler.telemetry().log).toMatchObject({ readers: 0, keepFrom: Infinity });
  await store.run(store.handler.stop());
});

test('a reader is not lost while somebody waits for it with nothing but a promise in hand', async () => {
  const store = await openTiny();
  const next = (() => store.handler.changes({ follow: true }).next())();
  await collectUntil(() => store.handler.telemetry().log.readers === 0, 10);
  await write(store, 1);
  expect(await store.run(next)).toMatchObject({ done: false, value: { opNum: 1 } });
  await store.run(store.handler.stop());
});
