// Space of what was deleted goes back to the disk when it is asked for.
import { randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import { MemoryLevel } from 'memory-level';
import type { Database } from 'sluice';
import { expect, onTestFinished, test } from 'vitest';
import { SegmentStore } from '#sluice/services/level/segment-store.js';
import { LevelWal } from '#sluice/services/level/wal.js';
import { temporaryDirectory } from '../support/temporary.js';

const MIB = 1024 * 1024;
const BLOCKS = 12;
const storeId = 'a'.repeat(32);
const { signal } = new AbortController();

/** Bytes that nothing can compress. */
const noise = (bytes: number) => new Uint8Array(randomBytes(bytes));

function sizeOf(path: string): number {
  // LevelDB may just be deleting one.
  const sizeAt = (name: string) => statSync(join(path, name), { throwIfNoEntry: false })?.size ?? 0;
  return readdirSync(path).reduce((sum, name) => sum + sizeAt(name), 0);
}

async function openLevel(): Promise<{ db: Level<string, Uint8Array>; path: string }> {
  const path = join(await temporaryDirectory(), 'db');
  const db = new Level<string, Uint8Array>(path, { valueEncoding: 'view' });
  onTestFinished(() => db.close());
  return { db, path };
}

/** A store with a block that its last commit has dropped. */
async function storeWithGarbage(db: Database): Promise<SegmentStore<object>> {
  const store = new SegmentStore<object>(db);
  await store.open({ storeId });
  const [ref] = await store.putBlocks([noise(100)], signal);
  await store.commit({}, ref === undefined ? [] : [ref.key]);
  await store.commit({}, []);
  return store;
}

test('blocks that a commit has dropped take no disk after a reclaim, and the others are there', async () => {
  const { db, path } = await openLevel();
  const store = new SegmentStore(db);
  await store.open({ storeId });
  const payloads = Array.from({ length: BLOCKS }, () => noise(MIB));
  const refs = await store.putBlocks(payloads, signal);
  await store.commit(
    {},
    refs.map(({ key }) => key),
  );
  const kept = refs.slice(5, 6);
  await store.commit(
    {},
    kept.map(({ key }) => key),
  );
  expect(sizeOf(path)).toBeGreaterThan(BLOCKS * MIB);
  await store.reclaim(signal);
  expect(sizeOf(path)).toBeLessThan(3 * MIB);
  for (const ref of kept) {
    const read = await store.readBlock(ref);
    expect(Buffer.compare(read, payloads[5] ?? noise(0))).toBe(0);
  }
  await store.reclaim(signal);
});

test('records that were forgotten take no disk after a reclaim, and the others are there', async () => {
  const { db, path } = await openLevel();
  const wal = new LevelWal(db);
  await wal.open();
  for (let record = 1; record <= BLOCKS; record += 1) {
    await wal.append([noise(MIB)], { sync: true });
  }
  await wal.acknowledge(BLOCKS - 1);
  await wal.reclaim(signal);
  expect(sizeOf(path)).toBeLessThan(3 * MIB);
  const left = [];
  for await (const { opNum } of wal.read(BLOCKS, BLOCKS)) left.push(opNum);
  expect(left).toEqual([BLOCKS]);
});

test('what was deleted before a reopening takes no disk after a reclaim either', async () => {
  const { db, path } = await openLevel();
  const before = new SegmentStore<object>(db);
  await before.open({ storeId });
  const payloads = Array.from({ length: BLOCKS }, () => noise(MIB));
  const refs = await before.putBlocks(payloads, signal);
  await before.commit(
    {},
    refs.map(({ key }) => key),
  );
  await before.commit({}, []);
  await before.close();
  const after = new SegmentStore<object>(db);
  await after.open({ storeId });
  expect(await after.garbageBytes()).toBeGreaterThan(4 * MIB);
  await after.reclaim(signal);
  expect(await after.garbageBytes()).toBe(0);
  expect(sizeOf(path)).toBeLessThan(3 * MIB);
});

test('only what a reclaim can give back is garbage: not what waits for a commit, nor what it left', async () => {
  const { db } = await openLevel();
  const store = new SegmentStore<object>(db);
  await store.open({ storeId });
  const payloads = Array.from({ length: BLOCKS }, () => noise(MIB));
  const [first, ...others] = await store.putBlocks(payloads, signal);
  const keys = others.map(({ key }) => key);
  await store.commit({}, keys);
  await store.reclaim(signal);
  // The first block waits for a commit all the time.
  expect(await store.garbageBytes()).toBe(0);
  await store.commit({}, keys.slice(6));
  expect(await store.garbageBytes()).toBeGreaterThan(5 * MIB);
  expect(await store.garbageBytes()).toBeLessThanOrEqual(6 * MIB);
  // A compaction that gives nothing back: there is no use in another one.
  Object.assign(db, { compactRange: async () => {} });
  await store.reclaim(signal);
  expect(await store.garbageBytes()).toBe(0);
  await store.commit(
    {},
    [first, ...others.slice(8)].map((ref) => ref?.key ?? ''),
  );
  expect(await store.garbageBytes()).toBeLessThanOrEqual(2 * MIB);
  expect(await store.garbageBytes()).toBeGreaterThan(MIB);
});

test('many blocks are compacted in parts, between which a signal ends it', async () => {
  const { db } = await openLevel();
  const store = new SegmentStore(db);
  await store.open({ storeId });
  const refs = await store.putBlocks(
    Array.from({ length: 300 }, () => noise(100)),
    signal,
  );
  const keys = refs.map(({ key }) => key);
  await store.commit({}, keys);
  await store.commit({}, keys.slice(1));
  const spans: string[][] = [];
  const leave = new AbortController();
  Object.assign(db, {
    compactRange: async (from: string, to: string) => {
      spans.push([from, to]);
      if (spans.length === 3) leave.abort();
    },
  });
  await expect(store.reclaim(leave.signal)).rejects.toMatchObject({ code: 'SLUICE_CANCELLED' });
  expect(spans).toHaveLength(3);
  expect(spans[1]?.[0]).toBe(spans[0]?.[1]);
  expect(spans[2]?.[0]).toBe(spans[1]?.[1]);
});

test('a store that gives space back by itself is left alone', async () => {
  const db = new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' });
  const store = await storeWithGarbage(db);
  await store.reclaim(signal);
  expect(await db.keys().all()).toEqual(['manifest']);
});

test('a store that is closed reclaims nothing', async () => {
  const { db } = await openLevel();
  const store = await storeWithGarbage(db);
  await store.close();
  await expect(store.reclaim(signal)).rejects.toMatchObject({ code: 'SLUICE_NOT_OPEN' });
});
