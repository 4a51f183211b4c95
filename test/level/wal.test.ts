import { join } from 'node:path';
import { Level } from 'level';
import { MemoryLevel } from 'memory-level';
import { Packr } from 'msgpackr';
import type { Wal } from 'sluice';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Database } from '#sluice/services/level/database.js';
import { frame } from '#sluice/services/level/frame.js';
import { recordKey } from '#sluice/services/level/keys.js';
import { levelWal } from '#sluice/services/level/wal.js';
import { memoryWal } from '#sluice/services/memory-wal.js';
import { collect } from '../support/collect.js';
import { FaultLevel } from '../support/fault-level.js';
import { temporaryDirectory } from '../support/temporary.js';

const packr = new Packr({ useRecords: false });
const bytes = (...values: number[]) => Uint8Array.of(...values);
const numbers = async (wal: Wal, from: number, to: number) =>
  (await collect(wal.read(from, to))).map((record) => record.opNum);
const code = (text: string) => expect.objectContaining({ code: text });

async function realLevel(): Promise<Level> {
  const db = new Level(join(await temporaryDirectory(), 'wal'), { valueEncoding: 'json' });
  onTestFinished(() => db.close());
  return db;
}

async function opened(db: Database, options?: Parameters<typeof levelWal>[1]) {
  const wal = levelWal(db, options);
  await wal.open();
  return wal;
}

describe.each<[string, () => Wal | Promise<Wal>]>([
  ['memoryWal', () => memoryWal()],
  ['levelWal on memory-level', () => levelWal(new MemoryLevel({ valueEncoding: 'json' }))],
  ['levelWal on LevelDB', async () => levelWal(await realLevel())],
])('a log: %s', (_, make) => {
  test('numbers records from 1, without gaps, and gives them back in order', async () => {
    const wal = await make();
    expect(await wal.open()).toMatchObject({ acked: 0, last: 0 });
    expect(await wal.append([bytes(1), bytes()], { sync: false })).toEqual([1, 2]);
    expect(await wal.append([], { sync: true })).toEqual([]);
    expect(await wal.append([bytes(3, 3)], { sync: true })).toEqual([3]);
    await wal.sync();
    expect(await collect(wal.read(1, 3))).toEqual([
      { opNum: 1, data: bytes(1) },
      { opNum: 2, data: bytes() },
      { opNum: 3, data: bytes(3, 3) },
    ]);
    expect(await numbers(wal, 2, 2)).toEqual([2]);
    expect(await numbers(wal, 2, 99)).toEqual([2, 3]);
    expect(await numbers(wal, 4, 99)).toEqual([]);
    expect(await numbers(wal, 3, 2)).toEqual([]);
    await wal.close();
  });

  test('keeps its identity, records and what is forgotten when it is opened again', async () => {
    const wal = await make();
    const { storeId } = await wal.open();
    await wal.append([bytes(1), bytes(2), bytes(3)], { sync: false });
    await wal.acknowledge(2);
    await wal.close();
    await wal.close();
    expect(await wal.open()).toEqual({ storeId, acked: 2, last: 3, bytes: expect.any(Number) });
    expect(await numbers(wal, 3, 3)).toEqual([3]);
    await wal.acknowledge(3);
    await wal.acknowledge(3);
    await wal.close();
    expect(await wal.open()).toEqual({ storeId, acked: 3, last: 3, bytes: 0 });
    expect(await wal.append([bytes(4)], { sync: true })).toEqual([4]);
    await wal.close();
  });

  test('tells a reader who comes too late that the records are gone', async () => {
    const wal = await make();
    await wal.open();
    await wal.append([bytes(1), bytes(2), bytes(3)], { sync: true });
    await wal.acknowledge(2);
    await expect(collect(wal.read(1, 3))).rejects.toThrow(code('SLUICE_WAL_TRUNCATED'));
    await expect(collect(wal.read(2, 2))).rejects.toThrow(code('SLUICE_WAL_TRUNCATED'));
    expect(await numbers(wal, 3, 3)).toEqual([3]);
    await wal.close();
  });

  test('refuses everything while it is not open', async () => {
    const wal = await make();
    const refused = async () => {
      const calls: (() => Promise<unknown>)[] = [
        () => wal.append([bytes(1)], { sync: true }),
        () => wal.sync(),
        () => wal.acknowledge(0),
        () => collect(wal.read(1, 1)),
      ];
      for (const call of calls) await expect(call()).rejects.toThrow(code('SLUICE_NOT_OPEN'));
    };
    await refused();
    await wal.open();
    await wal.close();
    await refused();
  });

  test('does not see what becomes of the buffer it was given', async () => {
    const wal = await make();
    await wal.open();
    const data = Buffer.from([1, 2]);
    await wal.append([data], { sync: false });
    data.fill(0);
    expect(await collect(wal.read(1, 1))).toEqual([{ opNum: 1, data: bytes(1, 2) }]);
    await wal.close();
  });

  test('acknowledging a record that does not exist is an error', async () => {
    const wal = await make();
    await wal.open();
    await expect(wal.acknowledge(1)).rejects.toThrow(code('SLUICE_DAMAGED'));
    await wal.close();
  });

  test('serves calls in their order, also unawaited, and ends them before it closes', async () => {
    const wal = await make();
    await wal.open();
    const appended = wal.append([bytes(1), bytes(2)], { sync: false });
    const rest = [wal.sync(), wal.acknowledge(1), wal.close()];
    expect(await appended).toEqual([1, 2]);
    await Promise.all(rest);
    expect(await wal.open()).toMatchObject({ acked: 1, last: 2 });
    await wal.close();
  });
});

describe('levelWal', () => {
  test('writes unsynced records again in the next synced batch, before the new ones', async () => {
    const db = new FaultLevel();
    const wal = await opened(db);
    await wal.append([bytes(1)], { sync: false });
    await wal.append([bytes(2)], { sync: false });
    await wal.append([bytes(3)], { sync: true });
    expect(db.writes.slice(1)).toMatchObject([
      { sync: false, puts: [recordKey(1)] },
      { sync: false, puts: [recordKey(2)] },
      { sync: true, puts: [recordKey(1), recordKey(2), recordKey(3), 'meta'] },
    ]);
    await wal.append([bytes(4)], { sync: false });
    await wal.append([bytes(5)], { sync: false });
    await wal.acknowledge(4);
    expect(db.writes.at(-1)).toMatchObject({ sync: true, puts: [recordKey(5), 'meta'] });
    expect(db.writes.at(-1)?.deletes).toEqual([1, 2, 3, 4].map(recordKey));
  });

  test('sync writes nothing when nothing is unsynced', async () => {
    const db = new FaultLevel();
    const wal = await opened(db);
    await wal.append([bytes(1)], { sync: false });
    await Promise.all([wal.sync(), wal.sync()]);
    await wal.append([], { sync: true });
    expect(db.writes.slice(1)).toMatchObject([
      { sync: false },
      { sync: true, puts: [recordKey(1), 'meta'] },
    ]);
  });

  test('an unsynced run that would pass its limit is synced', async () => {
    const db = new FaultLevel();
    const wal = await opened(db, { unsyncedBytesMax: 300 });
    for (let count = 0; count < 6; count += 1) {
      await wal.append([new Uint8Array(100)], { sync: false });
    }
    const syncs = db.writes.slice(1).map((write) => write.sync);
    expect(syncs).toEqual([false, false, true, false, false, true]);
  });

  test('deletes a long range partly outside the synced batch, and the rest at open', async () => {
    const db = new FaultLevel();
    const wal = await opened(db);
    await wal.append(Array(2500).fill(bytes(1)), { sync: true });
    await wal.acknowledge(2400);
    expect(db.writes.at(-2)?.deletes).toHaveLength(200);
    expect(db.writes.at(-1)).toMatchObject({ cleared: true });
    expect(await db.keys().all()).toHaveLength(101);

    // The power cut takes the unsynced part of the truncation.
    await db.powerCut(() => false);
    expect(await wal.open()).toMatchObject({ acked: 2400, last: 2500 });
    await expect(collect(wal.read(1, 2))).rejects.toThrow(code('SLUICE_WAL_TRUNCATED'));
    expect(await db.keys().all()).toHaveLength(101);
  });

  test('everything that open() returns is synced', async () => {
    const db = new FaultLevel();
    const wal = await opened(db);
    await wal.append([bytes(1), bytes(2)], { sync: false });
    await wal.close();
    expect(await wal.open()).toMatchObject({ last: 2 });
    await db.powerCut(() => false);
    expect(await wal.open()).toMatchObject({ last: 2 });
  });

  test('what a power cut left behind a gap in an unsynced run is removed', async () => {
    const db = new FaultLevel();
    const wal = await opened(db);
    await wal.append([bytes(1)], { sync: true });
    for (const value of [2, 3, 4, 5]) await wal.append([bytes(value)], { sync: false });
    await db.powerCut((write) => !write.puts.includes(recordKey(3)));
    expect(await wal.open()).toMatchObject({ acked: 0, last: 2 });
    expect(wal.droppedAtOpen).toBe(2);
    expect(await wal.append([bytes(33)], { sync: true })).toEqual([3]);
    await wal.close();
    expect(await wal.open()).toMatchObject({ last: 3 });
    expect(wal.droppedAtOpen).toBe(0);
    expect((await collect(wal.read(3, 9))).map((record) => record.data)).toEqual([bytes(33)]);
  });

  test('an empty database is damage when the log must exist', async () => {
    await expect(opened(new MemoryLevel(), { create: false })).rejects.toThrow(
      code('SLUICE_DAMAGED'),
    );
  });

  test('reading from a number that no record can have is a TypeError', async () => {
    await expect(collect((await opened(new MemoryLevel())).read(0, 1))).rejects.toThrow(TypeError);
  });

  test('a database with keys of others is not a log, and is left as it was', async () => {
    for (const key of ['a', 'manifest', 'r1', 'rfffffffffffffff', 'rffffffffffffff', 'z']) {
      const db = new FaultLevel();
      await db.put(key, bytes(1));
      await expect(opened(db)).rejects.toThrow(code('SLUICE_NOT_A_STORE'));
      expect(db.writes).toHaveLength(0);
      expect(await db.keys().all()).toEqual([key]);
    }
  });
});

describe('levelWal on a database that was tampered with', () => {
  /** Records 1…5, of which 1 and 2 are forgotten, in a closed log. */
  async function stored() {
    const db = new FaultLevel();
    const wal = await opened(db);
    await wal.append(
      [1, 2, 3, 4, 5].map((value) => bytes(value, value)),
      { sync: true },
    );
    await wal.acknowledge(2);
    await wal.close();
    await db.open();
    const get = async (key: string) => Uint8Array.from((await db.get(key)) ?? []);
    return { db, wal, get };
  }

  test.each([3, 4, 5])('a missing synced record %i is damage', async (opNum) => {
    const { db, wal } = await stored();
    await db.del(recordKey(opNum));
    await expect(wal.open()).rejects.toThrow(code('SLUICE_DAMAGED'));
  });

  test.each([3, 5])('a flipped byte in record %i is damage', async (opNum) => {
    const { db, wal, get } = await stored();
    const value = await get(recordKey(opNum));
    value[value.length - 1] = 99;
    await db.put(recordKey(opNum), value);
    await expect(wal.open()).rejects.toThrow(code('SLUICE_DAMAGED'));
    await expect(collect(wal.read(3, 5))).rejects.toThrow(code('SLUICE_NOT_OPEN'));
  });

  test('two swapped records are damage', async () => {
    const { db, wal, get } = await stored();
    const [third, fourth] = [await get(recordKey(3)), await get(recordKey(4))];
    await db.put(recordKey(3), fourth);
    await db.put(recordKey(4), third);
    await expect(wal.open()).rejects.toThrow(code('SLUICE_DAMAGED'));
  });

  test('a bad record behind a gap in the unsynced run is damage', async () => {
    const { db, wal } = await stored();
    await db.put(recordKey(7), bytes(1, 2, 3));
    await expect(wal.open()).rejects.toThrow(code('SLUICE_DAMAGED'));
  });

  test('a missing or damaged meta record is damage', async () => {
    const { db, wal, get } = await stored();
    const meta = await get('meta');
    await db.put('meta', meta.subarray(1));
    await expect(wal.open()).rejects.toThrow(code('SLUICE_DAMAGED'));
    await db.put('meta', await get(recordKey(3)));
    await expect(wal.open()).rejects.toThrow(code('SLUICE_DAMAGED'));
    await db.del('meta');
    await expect(wal.open()).rejects.toThrow(code('SLUICE_DAMAGED'));
    await db.put('meta', meta);
    expect(await wal.open()).toMatchObject({ acked: 2, last: 5 });
  });

  test('a meta record of a newer format or that contradicts itself is told', async () => {
    const { db, wal } = await stored();
    const put = (meta: object) => db.put('meta', frame('meta', 'walMeta', packr.pack(meta)));
    await put({ format: 2, storeId: 'a', acked: 2, synced: 5 });
    await expect(wal.open()).rejects.toThrow(code('SLUICE_FORMAT_UNKNOWN'));
    for (const meta of [
      { format: 1, storeId: 'a', acked: 6, synced: 5 },
      { format: 1, storeId: 'a', acked: -1, synced: 5 },
      { format: 1, acked: 2, synced: 5 },
      { storeId: 'a' },
      [],
    ]) {
      await put(meta);
      await expect(wal.open()).rejects.toThrow(code('SLUICE_DAMAGED'));
    }
  });

  test('damage under an open log is found by reading and by entries()', async () => {
    const { db, wal, get } = await stored();
    await wal.open();
    const value = await get(recordKey(4));
    await db.del(recordKey(4));
    await expect(collect(wal.read(3, 5))).rejects.toThrow(code('SLUICE_DAMAGED'));
    await db.put(recordKey(4), value.fill(0, 0, 1));
    await expect(collect(wal.read(3, 5))).rejects.toThrow(code('SLUICE_DAMAGED'));
    await db.put('other', bytes(1));
    const entries = await collect(wal.entries());
    expect(entries.map(({ key, kind, error }) => [key, kind, error?.code])).toEqual([
      ['meta', 'walMeta', undefined],
      ['other', undefined, 'SLUICE_NOT_A_STORE'],
      [recordKey(3), 'record', undefined],
      [recordKey(4), 'record', 'SLUICE_DAMAGED'],
      [recordKey(5), 'record', undefined],
    ]);
  });
});

test('a reader that meets a truncation under way is told so, not of damage', async () => {
  const wal = await opened(await realLevel());
  await wal.append(Array(50).fill(bytes(1)), { sync: true });
  for (let acked = 1; acked <= 50; acked += 1) {
    const truncating = wal.acknowledge(acked);
    const outcome = await collect(wal.read(acked, 50)).then(
      (records) => records.length,
      (error: { code: string }) => error.code,
    );
    expect(['SLUICE_WAL_TRUNCATED', 51 - acked]).toContain(outcome);
    await truncating;
  }
});

test('a read that a close interrupts says so', async () => {
  const wal = await opened(await realLevel());
  await wal.append(Array(3000).fill(new Uint8Array(100)), { sync: false });
  const reading = (async () => {
    for await (const record of wal.read(1, 3000)) if (record.opNum === 1) await wal.close();
  })();
  await expect(reading).rejects.toThrow(code('SLUICE_NOT_OPEN'));
});
