import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { systemClock } from '#sluice/services/clock.js';
import {
  type Database,
  getValue,
  scanKeys,
  writeChanges,
} from '#sluice/services/level/database.js';
import { openDirectory } from '#sluice/services/level/directory.js';
import { frame, unframe } from '#sluice/services/level/frame.js';
import { isBlockKey, META_KEY, recordKey } from '#sluice/services/level/keys.js';
import { SegmentStore } from '#sluice/services/level/segment-store.js';
import { levelWal } from '#sluice/services/level/wal.js';
import { metaEntry } from '#sluice/services/level/wal-meta.js';
import { copyRows } from '#sluice/services/optimizers/build-thread.js';
import { PointHolder } from '#sluice/services/points/holder.js';
import type { ManifestBody } from '#sluice/services/points/manifest.js';
import { PointOperationCodec } from '#sluice/services/points/operation-codec.js';
import { buildDelete, buildUpsert } from '#sluice/services/points/validate.js';
import { type Verification, verifyStore } from '#sluice/services/points/verify.js';

const root = mkdtempSync(join(tmpdir(), 'sluice-verify-'));
afterAll(() => rmSync(root, { recursive: true }));

const never = new AbortController().signal;
let stores = 0;

function points(from: number, count: number) {
  return Array.from({ length: count }, (_, at) => ({ id: from + at, vector: [at, 1] }));
}

/** A store on disk: 40 points flushed, 2 of them deleted; 10 more in the log alone. */
async function makeStore(): Promise<string> {
  stores += 1;
  const path = join(root, `store-${stores}`);
  const directory = await openDirectory(path, { create: true });
  const wal = levelWal(directory.wal);
  const { storeId } = await wal.open();
  const holder = new PointHolder({
    store: new SegmentStore<ManifestBody>(directory.segments),
    clock: systemClock,
    dimensions: 2,
    cpus: 2,
    copyVectors: copyRows,
  });
  await holder.open({ storeId, signal: never, onProgress: () => undefined });
  await directory.finishCreation();
  const codec = new PointOperationCodec(2);
  const flushed = [buildUpsert(points(0, 40), 2), buildDelete([3, 4])];
  const all = [...flushed, buildUpsert(points(90, 10), 2)];
  const opNums = await wal.append(
    all.map((operation) => codec.encode(operation)),
    { sync: true },
  );
  for (const [index, operation] of flushed.entries()) holder.apply(opNums[index] ?? 0, operation);
  const capture = holder.capture();
  await capture.writeBlocks(never);
  await capture.commit();
  capture.release();
  await wal.acknowledge(1);
  await directory.close();
  return path;
}

async function change(
  path: string,
  alter: (databases: { wal: Database; segments: Database }) => Promise<unknown>,
): Promise<void> {
  const directory = await openDirectory(path, { create: false });
  await alter(directory);
  await directory.close();
}

async function flipBit(database: Database, key: string): Promise<void> {
  const value = Uint8Array.from((await getValue(database, key)) ?? []);
  expect(value.length).toBeGreaterThan(20);
  value[20] = (value[20] ?? 0) ^ 1;
  await writeChanges(database, { puts: [[key, value]], sync: true });
}

async function blockKeys(database: Database): Promise<string[]> {
  const keys: string[] = [];
  for await (const some of scanKeys(database)) keys.push(...some);
  return keys.filter((key) => key.startsWith('b/'));
}

async function storeIdOf(path: string): Promise<string> {
  let storeId = '';
  await change(path, async ({ wal }) => {
    storeId = (await levelWal(wal).open()).storeId;
  });
  return storeId;
}

function messages({ problems }: Verification): string {
  return problems.map(({ what, message }) => `${what}: ${message}`).join('\n');
}

describe('verifyStore', () => {
  test('a sound store has no problem, and everything was looked at', async () => {
    const path = await makeStore();
    const result = await verifyStore(path);
    expect(result).toEqual({
      ok: true,
      // The meta record, two records, the manifest, a block of rows and one of stamps.
      checked: {
        values: 6,
        bytes: expect.any(Number),
        records: 2,
        segments: 1,
        blocks: 2,
        points: 38,
        indexes: 0,
        toReplay: 1,
      },
      problems: [],
    });
    expect(await verifyStore(path)).toEqual(result);
  });

  test('a changed byte in any value is found, and told once', async () => {
    const path = await makeStore();
    const places: { database: 'wal' | 'segments'; key: string }[] = [
      { database: 'wal', key: META_KEY },
      { database: 'wal', key: recordKey(2) },
      { database: 'segments', key: 'manifest' },
    ];
    await change(path, async ({ segments }) => {
      for (const key of await blockKeys(segments)) places.push({ database: 'segments', key });
    });
    expect(places).toHaveLength(5);
    for (const { database, key } of places) {
      await change(path, (databases) => flipBit(databases[database], key));
      const result = await verifyStore(path);
      expect(result.ok).toBe(false);
      expect(messages(result)).toContain(key);
      expect(result.problems).toHaveLength(1);
      await change(path, (databases) => flipBit(databases[database], key));
    }
    expect((await verifyStore(path)).ok).toBe(true);
  });

  test('all changed values are told, not only the first', async () => {
    const path = await makeStore();
    await change(path, async ({ wal, segments }) => {
      await flipBit(wal, recordKey(2));
      for (const key of await blockKeys(segments)) await flipBit(segments, key);
    });
    expect((await verifyStore(path)).problems).toHaveLength(3);
  });

  test('a missing record is found', async () => {
    const path = await makeStore();
    await change(path, ({ wal }) => writeChanges(wal, { deletes: [recordKey(2)], sync: true }));
    expect(messages(await verifyStore(path))).toContain('record 2 of the log is missing');
  });

  test('a missing block is found', async () => {
    const path = await makeStore();
    await change(path, async ({ segments }) => {
      const deletes = await blockKeys(segments);
      await writeChanges(segments, { deletes, sync: true });
    });
    expect(messages(await verifyStore(path))).toMatch(/segments: block .* is missing/);
  });

  test('a value of somebody else is found', async () => {
    const path = await makeStore();
    const puts = [['foreign', new Uint8Array(3)]] as const;
    await change(path, ({ wal }) => writeChanges(wal, { puts, sync: true }));
    expect(messages(await verifyStore(path))).toContain("log: unknown key 'foreign'");
  });

  test('an intact record that is no operation is found', async () => {
    const path = await makeStore();
    const key = recordKey(3);
    const value = frame(key, 'record', Uint8Array.from([1, 2, 3]));
    await change(path, ({ wal }) => writeChanges(wal, { puts: [[key, value]], sync: true }));
    expect(await verifyStore(path)).toMatchObject({ ok: false, problems: [{ what: 'log' }] });
  });

  test.each([
    ['record', 'log'],
    ['block', 'segments'],
  ] as const)('a payload that is none is found, in a %s', async (kind, what) => {
    const path = await makeStore();
    let spoilt = 0;
    await change(path, async (databases) => {
      const database = kind === 'record' ? databases.wal : databases.segments;
      for await (const keys of scanKeys(database)) {
        for (const key of keys) {
          if (kind === 'record' ? key !== recordKey(3) : !isBlockKey(key)) continue;
          const stored = (await getValue(database, key)) ?? new Uint8Array();
          const data = Buffer.from(unframe(key, kind, stored));
          const at = data.indexOf('{}{}');
          if (at < 0) continue;
          // Under a checksum that fits.
          data.write('[', at);
          await writeChanges(database, { puts: [[key, frame(key, kind, data)]], sync: true });
          spoilt += 1;
        }
      }
    });
    expect(spoilt).toBe(1);
    const { problems } = await verifyStore(path);
    const message = expect.stringContaining('a payload cannot be parsed');
    expect(problems).toEqual([{ what, message }]);
  });

  test.each([
    ['is of another store', { storeId: 'other', acked: 1, synced: 3 }, [], 'belong to another log'],
    [
      'forgot too much',
      { acked: 3, synced: 3 },
      [],
      'forgotten records up to 3, but the segments hold only 2',
    ],
    [
      'ends too early',
      { acked: 1, synced: 1 },
      [2, 3],
      'hold operations up to 2, but the log ends at 1',
    ],
  ])('a log that %s is found', async (_, meta, without, message) => {
    const path = await makeStore();
    const entry = metaEntry({ storeId: await storeIdOf(path), ...meta });
    const deletes = without.map(recordKey);
    await change(path, ({ wal }) => writeChanges(wal, { puts: [entry], deletes, sync: true }));
    expect(messages(await verifyStore(path))).toContain(message);
  });

  test('a store that is open, or none at all, is an error', async () => {
    const path = await makeStore();
    const directory = await openDirectory(path, { create: false });
    await expect(verifyStore(path)).rejects.toMatchObject({ code: 'SLUICE_LOCKED' });
    await directory.close();
    const missing = verifyStore(join(root, 'nothing'));
    await expect(missing).rejects.toMatchObject({ code: 'SLUICE_NOT_FOUND' });
    const file = join(root, 'a file');
    writeFileSync(file, '');
    await expect(verifyStore(file)).rejects.toMatchObject({ code: 'SLUICE_NOT_A_STORE' });
  });

  test('a signal ends the check and leaves the store closed', async () => {
    const path = await makeStore();
    const cancelled = verifyStore(path, { signal: AbortSignal.abort() });
    await expect(cancelled).rejects.toMatchObject({ code: 'SLUICE_ABORTED' });
    expect((await verifyStore(path)).ok).toBe(true);
  });
});
