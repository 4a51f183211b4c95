// Many callers against a store that is slower than they are. Nothing here depends on how long
// anything takes: the store's writes wait until the test lets them through.
import { type Collection, openCollection } from 'sluice';
import { describe, expect, onTestFinished, test } from 'vitest';
import { SlowLevel } from '../support/slow-level.js';

const CALLERS = 200;
const QUEUE_LENGTH_MAX = 32;
const DIMENSIONS = 4;

const vector = (id: number) => [id + 1, 1, 2, 3];
const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

async function openSlow(): Promise<{ collection: Collection; wal: SlowLevel }> {
  const wal = new SlowLevel();
  const collection = await openCollection(
    { wal, segments: new SlowLevel() },
    { dimensions: DIMENSIONS, updateQueueLengthMax: QUEUE_LENGTH_MAX, flushIntervalMs: 60_000 },
  );
  onTestFinished(async () => {
    wal.release();
    await collection.close();
  });
  await collection.upsert([{ id: 1_000_000, vector: vector(0) }]);
  wal.hold();
  return { collection, wal };
}

/** Lets one write through after the other until it is over. */
async function serve(wal: SlowLevel, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    wal.pass();
    await tick();
  }
}

/** Resolves after so many turns of the event loop at most, or fails. */
async function within<T>(turns: number, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = promise.finally(() => {
    isSettled = true;
  });
  for (let turn = 0; turn < turns && !isSettled; turn += 1) await tick();
  expect(isSettled, `settled within ${turns} turns of the event loop`).toBe(true);
  return settled;
}

describe('200 callers on a slow store', () => {
  test('the queue keeps its limit, nobody starves, and all is applied in the order of the calls', async () => {
    const { collection, wal } = await openSlow();
    const rounds = 5;
    const done = new Array<number>(CALLERS).fill(0);
    const peak = { entries: 0, waiting: 0, spread: 0 };
    const caller = async (number: number) => {
      for (let round = 0; round < rounds; round += 1) {
        await collection.upsert([{ id: number, vector: vector(round) }]);
        done[number] = round + 1;
        const { queue } = collection.telemetry();
        peak.entries = Math.max(peak.entries, queue.entries);
        peak.waiting = Math.max(peak.waiting, queue.waiting);
        peak.spread = Math.max(peak.spread, Math.max(...done) - Math.min(...done));
      }
    };
    const all = Promise.all(Array.from({ length: CALLERS }, (_, number) => caller(number)));
    let isOver = false;
    const ended = all.finally(() => {
      isOver = true;
    });
    await serve(wal, () => isOver);
    await ended;
    expect(done.every((count) => count === rounds)).toBe(true);
    expect(peak.entries).toBeLessThanOrEqual(QUEUE_LENGTH_MAX);
    expect(peak.waiting).toBeGreaterThan(CALLERS / 2);
    // First come, first served: no caller is more than its turn ahead of another.
    expect(peak.spread).toBeLessThanOrEqual(2);
    expect(collection.info().points).toBe(CALLERS + 1);
  });

  test('reads and status answer at once while no write comes back', async () => {
    const { collection, wal } = await openSlow();
    const updates = Array.from({ length: CALLERS }, (_, id) =>
      collection.upsert([{ id, vector: vector(id) }]),
    );
    while (wal.waiting === 0) await tick();
    const turns = 10;
    for (let round = 0; round < 20; round += 1) {
      expect(collection.status()).toMatchObject({ color: expect.any(String), errors: [] });
      expect(collection.telemetry().queue.entries).toBe(QUEUE_LENGTH_MAX);
      const [hit] = await within(turns, collection.search(vector(0), { limit: 1 }));
      expect(hit?.id).toBe(1_000_000);
      expect(await within(turns, collection.count({}))).toBe(1);
      expect(await within(turns, collection.get([1_000_000]))).toHaveLength(1);
      expect((await within(turns, collection.scroll({}))).points).toHaveLength(1);
    }
    wal.release();
    await Promise.all(updates);
  });

  test('aborts free their places, and those that stay move up', async () => {
    const { collection, wal } = await openSlow();
    const leave = Array.from({ length: CALLERS }, () => new AbortController());
    const updates = leave.map(({ signal }, id) =>
      collection.upsert([{ id, vector: vector(id) }], { signal }),
    );
    const outcomes = Promise.allSettled(updates);
    while (wal.waiting === 0) await tick();
    expect(collection.telemetry().queue.waiting).toBe(CALLERS - QUEUE_LENGTH_MAX);
    for (const [id, controller] of leave.entries()) if (id % 2 === 1) controller.abort();
    await tick();
    const { queue } = collection.telemetry();
    // What was being written goes on; of all others every second one has left.
    expect(queue.entries).toBe(QUEUE_LENGTH_MAX);
    expect(queue.waiting).toBeLessThanOrEqual(CALLERS / 2);
    wal.release();
    const settled = await outcomes;
    const stayed = settled.filter((_, id) => id % 2 === 0);
    expect(stayed.every(({ status }) => status === 'fulfilled')).toBe(true);
    const rejected = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
    expect(rejected.length).toBeGreaterThan(CALLERS / 3);
    expect(new Set(rejected.map(({ code }) => code))).toEqual(new Set(['SLUICE_ABORTED']));
    await collection.plunge();
    // Whoever was rejected has written nothing.
    expect(collection.info().points).toBe(1 + CALLERS - rejected.length);
    expect(collection.telemetry().queue).toMatchObject({ entries: 0, waiting: 0, waitingBytes: 0 });
  });

  test('a close in the middle answers everyone, and loses nothing of what was completed', async () => {
    const { collection, wal } = await openSlow();
    const updates = Array.from({ length: CALLERS }, (_, id) =>
      collection.upsert([{ id, vector: vector(id) }]),
    );
    const outcomes = Promise.allSettled(updates);
    while (wal.waiting === 0) await tick();
    const closed = collection.close();
    await tick();
    wal.release();
    await closed;
    const settled = await outcomes;
    const codes = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []));
    expect(new Set(codes)).toEqual(new Set(['SLUICE_STOPPED']));
    expect(settled.length - codes.length).toBeGreaterThan(0);
  });
});
