// A flood of upserts that nobody waits for costs disk, not memory, and loses nothing.
// SLUICE_FLOOD_POINTS sets its size: npm test takes a small one.
import type { Collection } from 'sluice';
import { describe, expect, it } from 'vitest';
import { numberFromEnvironment } from '../support/random.js';
import { newStore, STORES } from '../support/stores.js';

const POINTS = numberFromEnvironment('SLUICE_FLOOD_POINTS', 20_000);
const BATCH = 100;
const DIMENSIONS = 8;
const QUEUE_LENGTH_MAX = 64;

function point(id: number, note = '') {
  const vector = Array.from({ length: DIMENSIONS }, (_, at) => (id * 31 + at * 7) % 1000);
  return { id, vector, payload: { half: id % 2, note } };
}

/** Looks at what is used of the limits, each time the event loop takes a turn. */
function watch(collection: Collection) {
  const peak = { entries: 0, bytes: 0, windowBytes: 0, waiting: 0 };
  let isWatching = true;
  const sample = () => {
    const { queue } = collection.telemetry();
    peak.entries = Math.max(peak.entries, queue.entries);
    peak.bytes = Math.max(peak.bytes, queue.bytes);
    peak.windowBytes = Math.max(peak.windowBytes, queue.windowBytesPeak);
    peak.waiting = Math.max(peak.waiting, queue.waiting);
  };
  const look = () => {
    sample();
    if (isWatching) setImmediate(look);
  };
  look();
  return {
    peak,
    sample,
    stop: () => {
      isWatching = false;
    },
  };
}

async function expectAll(collection: Collection): Promise<void> {
  expect(collection.info().points).toBe(POINTS);
  const odd = { must: [{ key: 'half', match: { value: 1 } }] };
  expect(await collection.count({ filter: odd })).toBe(Math.floor(POINTS / 2));
  const ids = [0, 1, POINTS >> 1, POINTS - 1];
  const found = await collection.get(ids, { withVector: true });
  expect(found.map(({ id, vector }) => [id, [...(vector ?? [])]])).toEqual(
    ids.map((id) => [id, point(id).vector]),
  );
}

describe.each(STORES)('on $kind', ({ create }) => {
  it('batches: the queue keeps its limits, and all points are there, also after reopening', {
    timeout: 300_000,
  }, async () => {
    const store = newStore(create);
    const collection = await store.open({
      dimensions: DIMENSIONS,
      updateQueueLengthMax: QUEUE_LENGTH_MAX,
    });
    const { peak, sample, stop } = watch(collection);
    const updates = [];
    for (let from = 0; from < POINTS; from += BATCH) {
      const count = Math.min(BATCH, POINTS - from);
      const batch = Array.from({ length: count }, (_, n) => point(from + n));
      updates.push(collection.upsert(batch, { wait: false }));
    }
    // All have been submitted in one turn of the event loop: now the queue is at its fullest.
    sample();
    const results = await Promise.all(updates);
    await collection.plunge();
    stop();
    expect(results.map(({ opNum }) => opNum)).toEqual(results.map((_, index) => index + 1));
    expect(results.every(({ status }) => status === 'acknowledged')).toBe(true);
    expect(peak.entries).toBeLessThanOrEqual(QUEUE_LENGTH_MAX);
    expect(peak.entries).toBeGreaterThan(1);
    expect(peak.waiting).toBeGreaterThan(1);
    expect(peak.bytes).toBeLessThanOrEqual(64 * 1024 * 1024);
    expect(peak.windowBytes).toBeLessThanOrEqual(16 * 1024 * 1024);
    expect(collection.telemetry().queue).toMatchObject({ entries: 0, bytes: 0, windowBytes: 0 });
    await expectAll(collection);
    const killed = await (await store.afterKill()).open();
    await expectAll(killed);
    await killed.close();
    await collection.close();
    await expectAll(await store.open());
  });

  it('single points, unawaited in bursts: none is lost and none overtakes', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: DIMENSIONS, updateQueueLengthMax: 200 });
    const { peak, stop } = watch(collection);
    const bursts = 4;
    const size = 600;
    const answers: Promise<unknown>[] = [];
    for (let burst = 0; burst < bursts; burst += 1) {
      for (let id = 0; id < size; id += 1) {
        answers.push(collection.upsert([point(id, `burst ${burst}`)], { wait: false }));
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    await collection.plunge();
    await Promise.all(answers);
    stop();
    expect(peak.entries).toBeLessThanOrEqual(200);
    const last = { must: [{ key: 'note', match: { value: `burst ${bursts - 1}` } }] };
    expect(collection.telemetry().operations).toMatchObject({ applied: bursts * size });
    expect(await collection.count({ filter: last })).toBe(size);
    expect(collection.info().points).toBe(size);
    await collection.close();
    const again = await store.open();
    expect(await again.count({ filter: last })).toBe(size);
    expect(again.info()).toMatchObject({ points: size, wal: { last: bursts * size } });
  });

  it('a log that is full refuses with a code what a flush can not make room for', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: DIMENSIONS, walBytesMax: 200_000 });
    // While a flush can free the log, everything finds room.
    const note = 'x'.repeat(1000);
    for (let id = 0; id < 400; id += 1) await collection.upsert([point(id, note)], { wait: false });
    expect(collection.info().wal.last).toBe(400);
    await collection.plunge();
    await collection.flush();
    const release = collection.keepWalFrom(401);
    const answers = await Promise.allSettled(
      Array.from({ length: 400 }, (_, id) => collection.upsert([point(400 + id, note)])),
    );
    const refused = answers.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(100);
    for (const answer of refused) {
      expect(answer).toMatchObject({ reason: { code: 'SLUICE_WAL_FULL' } });
    }
    const accepted = answers.flatMap(({ status }, id) =>
      status === 'fulfilled' ? [400 + id] : [],
    );
    expect(collection.info().points).toBe(400 + accepted.length);
    release();
    await collection.flush();
    await collection.upsert([point(5000, note)]);
    await collection.close();
    const again = await store.open();
    expect(await again.get(accepted)).toHaveLength(accepted.length);
    expect(again.info().points).toBe(400 + accepted.length + 1);
  });
});

it('operations larger than the window together are read back from the log', async () => {
  const store = newStore();
  const collection = await store.open({ dimensions: DIMENSIONS });
  const { peak, stop } = watch(collection);
  const note = 'x'.repeat(2 * 1024 * 1024);
  const updates = Array.from({ length: 10 }, (_, id) =>
    collection.upsert([point(id, note)], { wait: false }),
  );
  await collection.plunge();
  await Promise.all(updates);
  stop();
  expect(peak.windowBytes).toBeGreaterThan(2 * 1024 * 1024);
  expect(peak.windowBytes).toBeLessThanOrEqual(16 * 1024 * 1024);
  const found = await collection.get(Array.from({ length: 10 }, (_, id) => id));
  expect(found.map(({ payload }) => payload.note === note)).toEqual(new Array(10).fill(true));
});
