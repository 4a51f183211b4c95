// LevelDB ends the process over a damaged table: a later opening tells which one is damaged.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCollection, verifyStore } from 'sluice';
import { describe, expect, test } from 'vitest';
import { openDirectory } from '#sluice/services/level/directory.js';
import { filesBelow } from '../support/contents.js';
import { Random } from '../support/random.js';
import { temporaryDirectory } from '../support/temporary.js';

const CHILD = join(import.meta.dirname, '../support/directory-child.mjs');
const KEYS = 200;

const keyOf = (index: number) => `key-${String(index).padStart(4, '0')}`;

/** A finished store, closed, whose segments are one table. */
async function storeWithTable() {
  const path = join(await temporaryDirectory(), 'store');
  const directory = await openDirectory(path, { create: true });
  const { segments } = directory;
  const random = new Random(1);
  const batch = segments.batch();
  for (let index = 0; index < KEYS; index += 1) {
    // What is random isn't compressed, so that keys can be found in the file.
    const value = Uint8Array.from({ length: 40 }, () => random.between(0, 255));
    batch.put(keyOf(index), value, { keyEncoding: 'utf8', valueEncoding: 'view' });
  }
  await batch.write({ sync: true });
  await segments.compactRange?.('', '\xff', { keyEncoding: 'utf8' });
  await directory.finishCreation();
  await directory.close();
  const tables = readdirSync(join(path, 'segments')).filter((name) => name.endsWith('.ldb'));
  expect(tables).toHaveLength(1);
  const table = join(path, 'segments', tables[0] ?? '');
  return { path, table, intact: readFileSync(table) };
}

type Store = Awaited<ReturnType<typeof storeWithTable>>;

/** Changes one byte of the table. */
function damage({ table, intact }: Store, at: number, byte: number): void {
  const bytes = Buffer.from(intact);
  expect(bytes[at]).not.toBe(byte);
  bytes[at] = byte;
  writeFileSync(table, bytes);
}

/** A key in the middle that is larger than those after it: found out when it is merged. */
function bringIntoDisorder(store: Store): void {
  const places = Array.from({ length: KEYS }, (_, index) => store.intact.indexOf(keyOf(index)));
  const [, , place = 0] = places.filter((at) => at > 0);
  damage(store, place, 'z'.charCodeAt(0));
}

/** The first key gets so short that LevelDB stops when it compares it. */
function shortenFirstKey(store: Store): void {
  damage(store, 1, 3);
}

async function endOf(action: 'compact' | 'read', { path }: Store): Promise<unknown> {
  const child = spawn(process.execPath, [CHILD, action, path], { stdio: 'pipe' });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  const [status, signal] = (await once(child, 'close')) as [number | null, string | null];
  return status === 0 ? output.trim() : signal;
}

/** Opens the store in another process and kills that, after an action. */
async function killed({ path }: Store, action = async () => {}): Promise<void> {
  const child = spawn(process.execPath, [CHILD, 'hold', path], { stdio: 'pipe' });
  const [output] = (await once(child.stdout, 'data')) as [Buffer];
  expect(output.toString()).toBe('open\n');
  await action();
  child.kill('SIGKILL');
  await once(child, 'close');
}

async function openAndClose({ path }: Store): Promise<void> {
  await (await openDirectory(path, { create: false })).close();
}

const opening = (store: Store) => expect(openAndClose(store));
const damagedTable = ({ table }: Store) =>
  expect.objectContaining({ code: 'SLUICE_DAMAGED', message: expect.stringContaining(table) });

describe('when LevelDB has ended the process', () => {
  test('in a compaction, the next opening names the damaged table, and changes nothing', async () => {
    const store = await storeWithTable();
    bringIntoDisorder(store);
    expect(await endOf('compact', store)).toBe('SIGABRT');
    const before = filesBelow(join(store.path, 'segments'));
    for (let count = 0; count < 2; count += 1) {
      await opening(store).rejects.toThrow(damagedTable(store));
      expect(filesBelow(join(store.path, 'segments'))).toEqual(before);
    }
    writeFileSync(store.table, store.intact);
    expect(await endOf('compact', store)).toBe('compacted');
  });

  test('elsewhere, the next opening but one does', async () => {
    const store = await storeWithTable();
    shortenFirstKey(store);
    expect(await endOf('read', store)).toBe('SIGABRT');
    expect(await endOf('read', store)).toBe('SIGABRT');
    await opening(store).rejects.toThrow(damagedTable(store));
    writeFileSync(store.table, store.intact);
    expect(await endOf('read', store)).toBe('read');
  });
});

describe('the tables are read', () => {
  test('after two kills in a row, not after one', async () => {
    const store = await storeWithTable();
    shortenFirstKey(store);
    await killed(store);
    // It is closed, too, which begins the count anew.
    await opening(store).resolves.toBeUndefined();
    await killed(store);
    await killed(store);
    await opening(store).rejects.toThrow(damagedTable(store));
    await opening(store).rejects.toThrow(damagedTable(store));
  });

  test('once: when they are intact, the count begins anew', async () => {
    const store = await storeWithTable();
    await killed(store);
    await killed(store);
    await killed(store, async () => shortenFirstKey(store));
    await opening(store).resolves.toBeUndefined();
  });

  test('whenever the store is verified', async () => {
    const store = await storeWithTable();
    // No key is touched: LevelDB itself would not notice.
    damage(store, store.intact.length - 60, (store.intact.at(-60) ?? 0) ^ 1);
    await openAndClose(store);
    const message = expect.stringContaining(store.table);
    const problems = [{ what: 'tables of segments', message }];
    expect(await verifyStore(store.path)).toMatchObject({ ok: false, problems });
  });

  test('until who opens gives up', async () => {
    const store = await storeWithTable();
    await killed(store);
    await killed(store);
    const signal = AbortSignal.abort(new Error('too slow'));
    const before = filesBelow(join(store.path, 'segments'));
    const expected = { code: 'SLUICE_ABORTED', cause: { message: 'too slow' } };
    await expect(openCollection(store.path, { signal })).rejects.toMatchObject(expected);
    expect(filesBelow(join(store.path, 'segments'))).toEqual(before);
    shortenFirstKey(store);
    await opening(store).rejects.toThrow(damagedTable(store));
  });

  test('not at once again when a process ended while it did', async () => {
    const store = await storeWithTable();
    shortenFirstKey(store);
    await killed(store);
    await killed(store);
    writeFileSync(join(store.path, 'segments', 'CHECKING'), '');
    await killed(store);
    await opening(store).rejects.toThrow(damagedTable(store));
    expect(existsSync(join(store.path, 'segments', 'CHECKING'))).toBe(false);
  });

  test('whatever other processes try meanwhile', async () => {
    const store = await storeWithTable();
    shortenFirstKey(store);
    const locked = () => opening(store).rejects.toMatchObject({ code: 'SLUICE_LOCKED' });
    await killed(store, locked);
    const note = join(store.path, 'wal', 'UNCLOSED');
    expect(readFileSync(note)).toHaveLength(1);
    await killed(store, locked);
    expect(readFileSync(note)).toHaveLength(2);
    await opening(store).rejects.toThrow(damagedTable(store));
  });
});

test('what fails with an error has not died, and what is closed leaves no note', async () => {
  const store = await storeWithTable();
  const notes = ['wal', 'segments'].map((name) => join(store.path, name, 'UNCLOSED'));
  await killed(store);
  expect(notes.map((note) => existsSync(note))).toEqual([true, true]);
  const current = join(store.path, 'segments', 'CURRENT');
  const text = readFileSync(current);
  writeFileSync(current, 'MANIFEST-000999\n');
  await opening(store).rejects.toMatchObject({ code: 'SLUICE_DAMAGED' });
  expect(readFileSync(notes[1] ?? '')).toHaveLength(1);
  writeFileSync(current, text);
  await opening(store).resolves.toBeUndefined();
  expect(notes.map((note) => existsSync(note))).toEqual([false, false]);
  rmSync(current);
  await opening(store).rejects.toMatchObject({ code: 'SLUICE_DAMAGED' });
  expect(existsSync(notes[1] ?? '')).toBe(false);
});
