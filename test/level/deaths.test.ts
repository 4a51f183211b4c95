// The count of processes that died while they were optimizing, as the segment store keeps it.
import { MemoryLevel } from 'memory-level';
import { expect, test } from 'vitest';
import { SegmentStore } from '#sluice/services/level/segment-store.js';
import { collect } from '../support/collect.js';

function database() {
  return new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' });
}

async function openOn(db: ReturnType<typeof database>): Promise<SegmentStore<number>> {
  const store = new SegmentStore<number>(db);
  await store.open({ storeId: 'test' });
  return store;
}

const keysOf = (db: ReturnType<typeof database>) => db.keys().all();

test('is 0 at first, survives, and leaves nothing behind when it is 0 again', async () => {
  const db = database();
  const first = await openOn(db);
  expect(await first.deathCounter.read()).toBe(0);
  await first.commit(7, []);
  const before = await keysOf(db);
  await first.deathCounter.write(1, { sync: true });
  await first.deathCounter.write(2, { sync: true });
  await first.close();
  const second = await openOn(db);
  expect(await second.deathCounter.read()).toBe(2);
  // Commits and the count have nothing to do with each other.
  await second.commit(8, []);
  expect(await second.deathCounter.read()).toBe(2);
  await second.deathCounter.write(0, { sync: false });
  expect(await second.deathCounter.read()).toBe(0);
  expect(await keysOf(db)).toEqual(before);
  await second.close();
});

test('is checked like everything that is stored', async () => {
  const db = database();
  const store = await openOn(db);
  await store.deathCounter.write(3, { sync: true });
  const [key = ''] = await keysOf(db);
  const value = (await db.get(key)) ?? new Uint8Array();
  for (const at of [0, 8, value.length - 1]) {
    const damaged = Uint8Array.from(value);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    await db.put(key, damaged);
    await expect(store.deathCounter.read()).rejects.toMatchObject({ code: 'SLUICE_DAMAGED' });
    const [entry] = await collect(store.entries());
    expect(entry).toMatchObject({ kind: 'deaths', error: { code: 'SLUICE_DAMAGED' } });
  }
  await store.close();
});

test('can be read and written only while the store is open', async () => {
  const db = database();
  const store = await openOn(db);
  await store.close();
  const closed = { code: 'SLUICE_NOT_OPEN' };
  await expect(store.deathCounter.read()).rejects.toMatchObject(closed);
  await expect(store.deathCounter.write(1, { sync: true })).rejects.toMatchObject(closed);
});
