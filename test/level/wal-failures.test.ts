import type { Wal } from 'sluice';
import { describe, expect, test } from 'vitest';
import type { Database } from '#sluice/services/level/database.js';
import { levelWal } from '#sluice/services/level/wal.js';
import { collect } from '../support/collect.js';
import { FaultLevel } from '../support/fault-level.js';

const bytes = (...values: number[]) => Uint8Array.of(...values);
const numbers = async (wal: Wal, from: number, to: number) =>
  (await collect(wal.read(from, to))).map((record) => record.opNum);
const code = (text: string) => expect.objectContaining({ code: text });

async function opened(db: Database, options?: Parameters<typeof levelWal>[1]) {
  const wal = levelWal(db, options);
  await wal.open();
  return wal;
}

describe('levelWal after a failed write', () => {
  test.each([
    [false, 2],
    [true, 4],
  ])('refuses to write until it is opened again (stored: %s)', async (isStored, last) => {
    const db = new FaultLevel();
    const wal = await opened(db);
    await wal.append([bytes(1), bytes(2)], { sync: true });
    db.failWrite({ stored: isStored });
    const thrown = (call: Promise<unknown>) => call.catch((error: unknown) => error);
    const [error, queued] = await Promise.all([
      thrown(wal.append([bytes(3), bytes(4)], { sync: true })),
      thrown(wal.append([bytes(5)], { sync: false })),
    ]);
    expect(error).toMatchObject({ code: 'SLUICE_IO', kind: 'sticky' });
    expect(queued).toBe(error);
    await expect(wal.sync()).rejects.toBe(error);
    await expect(wal.acknowledge(1)).rejects.toBe(error);
    expect(await numbers(wal, 1, 9)).toEqual([1, 2]);

    expect(await wal.open()).toMatchObject({ acked: 0, last });
    expect(await wal.append([bytes(9)], { sync: true })).toEqual([last + 1]);
  });

  test.each([0, 1])('a truncation whose write %i fails leaves a log that opens', async (after) => {
    const db = new FaultLevel();
    const wal = await opened(db);
    await wal.append(Array(1500).fill(bytes(1)), { sync: true });
    db.failWrite({ after });
    await expect(wal.acknowledge(1400)).rejects.toThrow(code('SLUICE_IO'));
    await expect(wal.sync()).rejects.toThrow(code('SLUICE_IO'));
    await wal.close();
    expect(await wal.open()).toMatchObject({ acked: after * 1400, last: 1500 });
  });

  test('a full disk is told as such', async () => {
    const db = new FaultLevel();
    const wal = await opened(db);
    db.failWrite({ error: new Error('IO error: 000003.log: No space left on device') });
    await expect(wal.append([bytes(1)], { sync: false })).rejects.toThrow(code('SLUICE_DISK_FULL'));
  });

  test('a failed write while opening is repaired by opening again', async () => {
    const db = new FaultLevel();
    const wal = levelWal(db);
    db.failWrite({ stored: true });
    await expect(wal.open()).rejects.toThrow(code('SLUICE_IO'));
    expect(await wal.open()).toMatchObject({ acked: 0, last: 0 });
  });
});
