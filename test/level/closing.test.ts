// Closing leaves LevelDB little to do at the next opening.
import { randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import type { Database } from 'sluice';
import { expect, onTestFinished, test } from 'vitest';
import { SegmentStore } from '#sluice/services/level/segment-store.js';
import { LevelWal } from '#sluice/services/level/wal.js';
import { temporaryDirectory } from '../support/temporary.js';

const MIB = 1024 * 1024;
const WRITTEN = 6;
const storeId = 'a'.repeat(32);
const { signal } = new AbortController();

/** Bytes that nothing can compress. */
const noise = (bytes: number) => new Uint8Array(randomBytes(bytes));

/** Write buffers are larger than what is written; `compacted` counts compactions. */
async function openLevel() {
  const path = join(await temporaryDirectory(), 'db');
  const db = new Level<string, Uint8Array>(path, {
    valueEncoding: 'view',
    writeBufferSize: 64 * MIB,
  });
  onTestFinished(() => db.close());
  const { compactRange } = db as Database;
  const calls = { compacted: 0 };
  Object.assign(db, {
    compactRange: (from: string, to: string) => {
      calls.compacted += 1;
      return compactRange?.call(db, from, to, { keyEncoding: 'utf8' });
    },
  });
  return { db, path, calls };
}

function sizeOf(path: string, ends: RegExp): number {
  const names = readdirSync(path).filter((name) => ends.test(name));
  return names.reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
}

test('a closed log has no write buffer to read, nor what was forgotten', async () => {
  const { db, path } = await openLevel();
  const wal = new LevelWal(db);
  await wal.open();
  const records = Array.from({ length: WRITTEN }, () => noise(MIB));
  await wal.append(records, { sync: true });
  await wal.acknowledge(WRITTEN - 1);
  expect(sizeOf(path, /\.log$/)).toBeGreaterThan(WRITTEN * MIB);
  await wal.close();
  expect(sizeOf(path, /\.log$/)).toBe(0);
  expect(sizeOf(path, /\.ldb$/)).toBeLessThan(2 * MIB);
  expect(await wal.open()).toMatchObject({ acked: WRITTEN - 1, last: WRITTEN });
  for await (const { opNum, data } of wal.read(WRITTEN, WRITTEN)) {
    expect(Buffer.compare(data, records[opNum - 1] ?? noise(0))).toBe(0);
  }
});

test('segments are closed without a compaction that would be cut short, and have all their blocks', async () => {
  const { db, calls } = await openLevel();
  const store = new SegmentStore<object>(db);
  await store.open({ storeId });
  const payloads = Array.from({ length: WRITTEN }, () => noise(MIB));
  const refs = await store.putBlocks(payloads, signal);
  await store.commit(
    {},
    refs.map(({ key }) => key),
  );
  await store.close();
  expect(calls.compacted).toBe(0);
  await store.open({ storeId });
  for (const [at, ref] of refs.entries()) {
    expect(Buffer.compare(await store.readBlock(ref), payloads[at] ?? noise(0))).toBe(0);
  }
});

test.each([
  ['little', 1],
  ['nothing', 0],
])('when %s was written, closing writes no tables', async (_, records) => {
  const { db, calls } = await openLevel();
  const wal = new LevelWal(db);
  await wal.open();
  for (let record = 0; record < records; record += 1)
    await wal.append([noise(1000)], { sync: true });
  await wal.close();
  expect(calls.compacted).toBe(0);
});

test('a log whose writing has failed is closed as it is', async () => {
  const { db, calls } = await openLevel();
  const wal = new LevelWal(db);
  await wal.open();
  await wal.append([noise(2 * MIB)], { sync: true });
  const batch = db.batch;
  Object.assign(db, {
    batch: () => {
      throw new Error('the disk has gone');
    },
  });
  await expect(wal.append([noise(10)], { sync: true })).rejects.toMatchObject({
    code: 'SLUICE_IO',
  });
  Object.assign(db, { batch });
  await wal.close();
  expect(calls.compacted).toBe(0);
});

test.each([
  ['much on disk is left to later, but for its write buffer', 33, 1],
  ['little on disk is compacted, too', 31, 2],
])('a log with %s', async (_, filesMib, compacted) => {
  const { db, calls } = await openLevel();
  const wal = new LevelWal(db, { filesBytes: async () => filesMib * MIB });
  await wal.open();
  await wal.append([noise(2 * MIB)], { sync: true });
  await wal.close();
  expect(calls.compacted).toBe(compacted);
  expect(await wal.open()).toMatchObject({ last: 1 });
});

test('a database that cannot be compacted is closed all the same', async () => {
  const { db } = await openLevel();
  const wal = new LevelWal(db);
  await wal.open();
  await wal.append([noise(2 * MIB)], { sync: true });
  Object.assign(db, { compactRange: () => Promise.reject(new Error('no tables today')) });
  await wal.close();
  expect(db.status).toBe('closed');
  expect(await wal.open()).toMatchObject({ last: 1 });
});
