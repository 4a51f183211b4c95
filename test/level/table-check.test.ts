// Tables of real databases, whole and damaged in every place.
import { appendFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { describe, expect, test } from 'vitest';
import { compactRange } from '#sluice/services/level/database.js';
import { liveTables } from '#sluice/services/level/live-tables.js';
import { decompress } from '#sluice/services/level/snappy.js';
import { checkTable, checkTables } from '#sluice/services/level/table-check.js';
import { Random } from '../support/random.js';
import { temporaryDirectory } from '../support/temporary.js';

interface Settings {
  compression: boolean;
  entries: number;
  valueBytes: number;
  keyBytes?: number;
  blockSize?: number;
}

const damaged = (text: string) =>
  expect.objectContaining({ code: 'SLUICE_DAMAGED', message: expect.stringContaining(text) });

/** A database with nothing in its log; half of each value is random. */
async function database({
  entries,
  valueBytes,
  keyBytes = 30,
  ...options
}: Settings): Promise<string> {
  const path = join(await temporaryDirectory(), 'db');
  const random = new Random(entries + valueBytes);
  const db = new Level<string, Uint8Array>(path, { ...options, valueEncoding: 'view' });
  await db.open();
  const batch = db.batch();
  for (let index = 0; index < entries; index += 1) {
    const value = new Uint8Array(valueBytes);
    for (let at = 0; at < valueBytes / 2; at += 1) value[at] = random.between(0, 255);
    batch.put(`a key ${random.between(0, 1e6)}`.padEnd(keyBytes, '.'), value);
  }
  await batch.write();
  await compactRange(db, { from: '', to: '\xff' });
  await db.close();
  return path;
}

const tablesIn = async (path: string) =>
  (await readdir(path)).filter((name) => name.endsWith('.ldb'));

/** The only table of a database. */
async function tableOf(settings: Settings): Promise<Buffer> {
  const path = await database(settings);
  const names = await tablesIn(path);
  expect(names).toHaveLength(1);
  return readFile(join(path, names[0] ?? ''));
}

describe.each([true, false])('tables, compressed: %s', (compression) => {
  test.each([
    { entries: 1, valueBytes: 0 },
    { entries: 1, valueBytes: 3_000_000 },
    { entries: 2000, valueBytes: 10 },
    { entries: 20_000, valueBytes: 100 },
    { entries: 300, valueBytes: 20_000 },
  ])('are intact: %j', async (size) => {
    const path = await database({ compression, ...size });
    expect(await tablesIn(path)).not.toEqual([]);
    await checkTables(path);
  });

  test('are damaged when any byte has changed, or any is missing', async () => {
    // Some data blocks, the filter's, the metaindex, the index, the footer.
    const settings = { compression, entries: 40, valueBytes: 10, blockSize: 300 };
    const table = await tableOf(settings);
    await checkTable(table);
    const random = new Random(1);
    for (let at = 0; at < table.length; at += 1) {
      const copy = Buffer.from(table);
      copy[at] = (copy[at] ?? 0) ^ random.between(1, 255);
      await expect(checkTable(copy), `byte ${at}`).rejects.toThrow(damaged(''));
    }
    for (let length = 0; length < table.length; length += 7) {
      const cut = table.subarray(0, length);
      await expect(checkTable(cut), `cut to ${length}`).rejects.toThrow(damaged(''));
    }
    const longer = Buffer.concat([table, Buffer.alloc(1)]);
    await expect(checkTable(longer)).rejects.toThrow(damaged(''));
  });
});

describe('the tables of a database', () => {
  const small = { compression: true, entries: 2000, valueBytes: 500 };

  test('are named when one is damaged, with its path and the reason', async () => {
    const path = await database(small);
    const [name = ''] = await tablesIn(path);
    const file = join(path, name);
    const table = await readFile(file);
    table[1000] = (table[1000] ?? 0) ^ 1;
    await writeFile(file, table);
    await expect(checkTables(path)).rejects.toThrow(damaged(file));
    await expect(checkTables(path)).rejects.toThrow(damaged('wrong checksum'));
    await writeFile(file, table.subarray(0, -1));
    await expect(checkTables(path)).rejects.toThrow(damaged(`has ${table.length - 1} bytes`));
  });

  test('are those of the manifest: a process that died can leave a part of another', async () => {
    const path = await database(small);
    await writeFile(join(path, '000999.ldb'), 'not even half of a table');
    await checkTables(path);
  });

  test('are known when a record of the manifest is longer than its blocks', async () => {
    // It has the smallest and the largest key of each table.
    const path = await database({ ...small, entries: 3, keyBytes: 50_000 });
    const current = await readFile(join(path, 'CURRENT'), 'utf8');
    expect((await stat(join(path, current.trim()))).size).toBeGreaterThan(100_000);
    const numbers = (await tablesIn(path)).map((name) => Number.parseInt(name, 10));
    expect([...(await liveTables(path)).keys()]).toEqual(numbers);
  });

  test('are known up to where the manifest is torn', async () => {
    const path = await database(small);
    const before = await liveTables(path);
    const current = await readFile(join(path, 'CURRENT'), 'utf8');
    await appendFile(join(path, current.trim()), 'the beginning of a record');
    expect(before.size).toBeGreaterThan(0);
    expect(await liveTables(path)).toEqual(before);
  });
});

describe('what Snappy has compressed', () => {
  const bytes = (...parts: (string | number[])[]) =>
    Buffer.concat(parts.map((part) => Buffer.from(part as string, 'latin1')));

  test.each([
    ['nothing', bytes([0]), ''],
    ['a literal', bytes([3, 2 << 2], 'abc'), 'abc'],
    ['a long literal', bytes([70, 60 << 2, 69], 'x'.repeat(70)), 'x'.repeat(70)],
    ['a longer one', bytes([172, 2, 61 << 2, 43, 1], 'y'.repeat(300)), 'y'.repeat(300)],
    ['a copy', bytes([8, 3 << 2], 'abcd', [1, 4]), 'abcdabcd'],
    ['a copy into itself', bytes([9, 0 << 2], 'a', [(4 << 2) | 1, 1]), 'aaaaaaaaa'],
    ['a far copy', bytes([8, 3 << 2], 'abcd', [(3 << 2) | 2, 4, 0]), 'abcdabcd'],
    ['the farthest', bytes([8, 3 << 2], 'abcd', [(3 << 2) | 3, 4, 0, 0, 0]), 'abcdabcd'],
  ])('is read: %s', (_, block, text) => {
    expect(decompress(block).toString('latin1')).toBe(text);
  });

  test.each([
    ['nothing at all', bytes([])],
    ['less than it says', bytes([4, 2 << 2], 'abc')],
    ['more than it says', bytes([2, 2 << 2], 'abc')],
    ['a literal that is cut off', bytes([3, 2 << 2], 'ab')],
    ['a copy from before the beginning', bytes([8, 3 << 2], 'abcd', [1, 5])],
    ['a copy from nowhere', bytes([8, 3 << 2], 'abcd', [1, 0])],
    ['far more than fits', bytes([255, 255, 255, 255, 15, 0], 'a')],
  ])('is damaged: %s', (_, block) => {
    expect(() => decompress(block)).toThrow(damaged(''));
  });
});
