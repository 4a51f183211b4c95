// What LevelDB itself passes over in silence when it opens a database: a log that it can't read.
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Level } from 'level';
import { describe, expect, test } from 'vitest';
import { openDirectory } from '#sluice/services/level/directory.js';
import { levelWal } from '#sluice/services/level/wal.js';
import { temporaryDirectory } from '../support/temporary.js';

const code = (text: string) => expect.objectContaining({ code: text });

/** A finished store with three records; gives its path and that of the log file they are in. */
async function storeWithLog(): Promise<{ path: string; log: string }> {
  const path = join(await temporaryDirectory(), 'store');
  const directory = await openDirectory(path, { create: true });
  const wal = levelWal(directory.wal);
  await wal.open();
  await directory.finishCreation();
  await wal.append([Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)], { sync: true });
  await directory.close();
  const logs = (await readdir(join(path, 'wal'))).filter((name) => name.endsWith('.log'));
  expect(logs).toHaveLength(1);
  return { path, log: join(path, 'wal', logs[0] ?? '') };
}

async function lastOf(path: string): Promise<number> {
  const directory = await openDirectory(path, { create: true });
  try {
    const { last } = await levelWal(directory.wal, { create: false }).open();
    return last;
  } finally {
    await directory.close();
  }
}

describe('a log file that cannot be read', () => {
  test('is passed over by LevelDB itself, which then deletes it', async () => {
    const { path, log } = await storeWithLog();
    await rename(log, `${log}.away`);
    await symlink('nowhere', log);
    const db = new Level(join(path, 'wal'));
    expect(await db.keys().all()).toEqual([]);
    await db.close();
    expect(await readdir(join(path, 'wal'))).not.toContain(basename(log));
  });

  test('is an error that changes nothing: all is there when it can be read', async () => {
    const { path, log } = await storeWithLog();
    await rename(log, `${log}.away`);
    await mkdir(log);
    for (let count = 0; count < 2; count += 1) {
      await expect(openDirectory(path, { create: true })).rejects.toThrow(code('SLUICE_IO'));
    }
    await rm(log, { recursive: true });
    await rename(`${log}.away`, log);
    expect(await lastOf(path)).toBe(3);
  });

  test('is damage when it is missing, and all is there when it is back', async () => {
    const { path, log } = await storeWithLog();
    await rename(log, `${log}.away`);
    await expect(openDirectory(path, { create: true })).rejects.toThrow(code('SLUICE_DAMAGED'));
    await rename(`${log}.away`, log);
    expect(await lastOf(path)).toBe(3);
  });

  test('is damage for good when LevelDB has lost it after all, until one accepts it', async () => {
    const { path, log } = await storeWithLog();
    await rename(log, `${log}.away`);
    // Gone for who looks before, but not for LevelDB, which finds its name.
    await symlink('nowhere', log);
    for (let count = 0; count < 2; count += 1) {
      const opening = openDirectory(path, { create: true });
      await expect(opening).rejects.toThrow(/LevelDB has lost .*No such file/);
      await expect(opening).rejects.toThrow(code('SLUICE_DAMAGED'));
    }
    await rm(join(path, 'wal', 'LOST'));
    await expect(lastOf(path)).rejects.toThrow(/even its meta record is missing/);
  });
});

test('a log that LevelDB could not read is no loss before the creation has finished', async () => {
  const path = join(await temporaryDirectory(), 'store');
  await (await openDirectory(path, { create: true })).close();
  const [name = ''] = (await readdir(join(path, 'wal'))).filter((file) => file.endsWith('.log'));
  await rm(join(path, 'wal', name));
  await symlink('nowhere', join(path, 'wal', name));
  const directory = await openDirectory(path, { create: true });
  await levelWal(directory.wal).open();
  await directory.finishCreation();
  await directory.close();
  expect(await lastOf(path)).toBe(0);
});

describe('a log file that is damaged', () => {
  /** A store with synced records, one by one, of which this one (from 0) is damaged. */
  async function damagedAt(index: number): Promise<string> {
    const path = join(await temporaryDirectory(), 'store');
    const directory = await openDirectory(path, { create: true });
    const wal = levelWal(directory.wal);
    await wal.open();
    await directory.finishCreation();
    const data = (number: number) => new TextEncoder().encode(`record number ${number}`);
    for (let number = 0; number < 4; number += 1) await wal.append([data(number)], { sync: true });
    await directory.close();
    const [name = ''] = (await readdir(join(path, 'wal'))).filter((file) => file.endsWith('.log'));
    const log = join(path, 'wal', name);
    const bytes = await readFile(log);
    bytes[bytes.indexOf(data(index))] = 0;
    await writeFile(log, bytes);
    return path;
  }

  test.each([0, 1, 2])('before its last record (%i) is told for good', async (index) => {
    const path = await damagedAt(index);
    for (let count = 0; count < 2; count += 1) {
      const opening = openDirectory(path, { create: true });
      await expect(opening).rejects.toThrow(/records up to 3 were synced/);
      await expect(opening).rejects.toThrow(code('SLUICE_DAMAGED'));
    }
    await rm(join(path, 'wal', 'LOST'));
    expect(await lastOf(path)).toBe(index);
  });

  test('in its last record looks like a power cut, and is taken for one', async () => {
    expect(await lastOf(await damagedAt(3))).toBe(3);
  });
});
