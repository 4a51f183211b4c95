import { Level } from 'level';
import { levelWal, openCollection } from 'sluice';
import { describe, expect, it } from 'vitest';
import { META_KEY } from '#sluice/services/level/keys.js';
import { metaEntry, readMeta } from '#sluice/services/level/wal-meta.js';
import { FaultLevel } from '../support/fault-level.js';
import { temporaryDirectory } from '../support/temporary.js';

const ENCODING = { keyEncoding: 'utf8', valueEncoding: 'view' } as const;

/** A collection of three points on two stores, two of them not flushed, whose storage has failed. */
async function openBroken() {
  const stores = { wal: new FaultLevel(), segments: new FaultLevel() };
  const collection = await openCollection(stores, { dimensions: 2, flushIntervalMs: 1_000_000 });
  await collection.upsert([{ id: 1, vector: [1, 1] }]);
  await collection.flush();
  await collection.upsert([{ id: 2, vector: [1, 1] }]);
  await collection.upsert([{ id: 3, vector: [1, 1] }]);
  stores.segments.failWrite();
  await expect(collection.flush()).rejects.toMatchObject({ code: 'SLUICE_IO' });
  expect(collection.handler.state).toBe('broken');
  return { ...stores, collection };
}

describe('a first opening that fails in the replay', () => {
  it('says what is wrong and gives the directory free', async () => {
    const path = `${await temporaryDirectory()}/store`;
    const collection = await openCollection(path, { dimensions: 2 });
    await collection.upsert([{ id: 1, vector: [1, 2] }]);
    await collection.close();
    const wal = levelWal(new Level<string, Uint8Array>(`${path}/wal`, ENCODING));
    await wal.open();
    await wal.append([new Uint8Array([255, 1, 2, 3])], { sync: true });
    await wal.close();
    for (let round = 0; round < 2; round += 1) {
      await expect(openCollection(path)).rejects.toMatchObject({ code: 'SLUICE_DAMAGED' });
    }
  });
});

describe('a reopening', () => {
  it('recovers everything acknowledged', async () => {
    const { collection } = await openBroken();
    await collection.reopen();
    expect(await collection.count()).toBe(3);
    await collection.upsert([{ id: 4, vector: [1, 1] }]);
    await collection.close();
  });

  it('forgets a failure that LevelDB has kept for the handle that nobody wrote to', async () => {
    const { collection, wal } = await openBroken();
    wal.failWrite();
    const write = wal.batch([{ type: 'put', key: 'r0', value: new Uint8Array(1), ...ENCODING }]);
    await expect(write).rejects.toThrow();
    await collection.reopen();
    await collection.upsert([{ id: 4, vector: [1, 1] }]);
    expect(await collection.count()).toBe(4);
    await collection.close();
  });

  it('never makes a new collection of stores that have come back empty; reads go on', async () => {
    const { collection, wal, segments } = await openBroken();
    await wal.close();
    await segments.close();
    await wal.open();
    await segments.open();
    await wal.clear();
    await segments.clear();
    await expect(collection.reopen()).rejects.toMatchObject({ code: 'SLUICE_DAMAGED' });
    expect(await collection.count()).toBe(3);
    expect(await wal.keys().all()).toEqual([]);
    expect(await segments.keys().all()).toEqual([]);
    await collection.close();
  });

  it('that finds log and segments apart leaves readers what they saw', async () => {
    const { collection, wal } = await openBroken();
    const stored = await wal.get(META_KEY, ENCODING);
    expect(stored).toBeDefined();
    const meta = readMeta(stored ?? new Uint8Array());
    const [key, value] = metaEntry({ ...meta, acked: meta.synced });
    await wal.put(key, value, ENCODING);
    await expect(collection.reopen()).rejects.toMatchObject({ code: 'SLUICE_DAMAGED' });
    expect(await collection.count()).toBe(3);
    await collection.close();
  });
});
