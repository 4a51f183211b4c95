import { join } from 'node:path';
import { Level } from 'level';
import { MemoryLevel } from 'memory-level';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type BlockRef, BlockSession } from '#sluice/services/level/block-session.js';
import type { Database } from '#sluice/services/level/database.js';
import { SegmentStore } from '#sluice/services/level/segment-store.js';
import { collect } from '../support/collect.js';
import { FaultLevel } from '../support/fault-level.js';
import { temporaryDirectory } from '../support/temporary.js';

interface Body {
  applied: number;
  refs: BlockRef[];
  deleted?: Uint32Array;
}

const storeId = 'a'.repeat(32);
const bytes = (...values: number[]) => Uint8Array.of(...values);
const code = (text: string) => expect.objectContaining({ code: text });
const { signal } = new AbortController();
const keysOf = (refs: readonly BlockRef[]) => refs.map((ref) => ref.key);

async function opened(db: Database, options?: ConstructorParameters<typeof SegmentStore>[1]) {
  const store = new SegmentStore<Body>(db, options);
  const body = await store.open({ storeId });
  return { store, body };
}

const commit = (store: SegmentStore<Body>, refs: BlockRef[], applied = 1) =>
  store.commit({ applied, refs }, keysOf(refs));

const storedBlocks = (db: FaultLevel) => db.keys({ lt: 'manifest' }).all();

describe.each<[string, () => Database | Promise<Database>]>([
  ['memory-level', () => new MemoryLevel({ valueEncoding: 'json' })],
  [
    'LevelDB',
    async () => {
      const db = new Level(join(await temporaryDirectory(), 'segments'), { valueEncoding: 'json' });
      onTestFinished(() => db.close());
      return db;
    },
  ],
])('a segment store on %s', (_, make) => {
  test('gives back the last commit and its blocks after it has been opened again', async () => {
    const { store, body } = await opened(await make(), { batchBytes: 1000 });
    expect(body).toBeUndefined();
    const payloads = Array.from({ length: 20 }, (_, index) =>
      new Uint8Array(index * 20).fill(index),
    );
    const refs = await store.putBlocks(payloads, signal);
    expect(refs.map((ref) => ref.bytes)).toEqual(payloads.map((payload) => payload.length));
    const deleted = Uint32Array.of(1, 2 ** 31);
    await store.commit({ applied: 7, refs, deleted }, keysOf(refs));
    await store.close();
    await store.close();
    expect(await store.open({ storeId })).toEqual({ applied: 7, refs, deleted });
    const read = await Promise.all(refs.map((ref) => store.readBlock(ref)));
    expect(read).toEqual(payloads);
  });

  test('takes payloads from an async generator', async () => {
    const { store } = await opened(await make());
    async function* payloads() {
      yield bytes(1);
      yield bytes(2);
    }
    const refs = await store.putBlocks(payloads(), signal);
    expect(await store.readBlock(refs[1] as BlockRef)).toEqual(bytes(2));
  });

  test('refuses everything while it is not open', async () => {
    const store = new SegmentStore<Body>(await make());
    const ref = { key: new BlockSession('0'.repeat(16), [], []).nextKey(), bytes: 1 };
    const calls: (() => Promise<unknown>)[] = [
      () => store.putBlocks([], signal),
      () => store.readBlock(ref),
      () => store.commit({ applied: 0, refs: [] }, []),
      () => store.deleteBlocks([]),
      () => collect(store.entries()),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow(code('SLUICE_NOT_OPEN'));
    await store.open({ storeId });
    await store.close();
    for (const call of calls) await expect(call()).rejects.toThrow(code('SLUICE_NOT_OPEN'));
  });
});

describe('blocks', () => {
  test('are written synced, in batches, before the manifest', async () => {
    const db = new FaultLevel();
    const { store } = await opened(db, { batchBytes: 250 });
    const refs = await store.putBlocks(Array(5).fill(new Uint8Array(100)), signal);
    await commit(store, refs);
    const [first, second, third, fourth, fifth] = keysOf(refs);
    expect(db.writes).toMatchObject([
      { sync: true, puts: [first, second, third] },
      { sync: true, puts: [fourth, fifth] },
      { sync: true, puts: ['manifest'], deletes: [] },
    ]);
    await db.powerCut(() => false);
    expect((await opened(db)).body).toMatchObject({ applied: 1, refs });
  });

  test('have keys that no other open of the store uses', async () => {
    const db = new FaultLevel();
    const keys = new Set<string>();
    for (let count = 0; count < 5; count += 1) {
      const { store } = await opened(db);
      for (const { key } of await store.putBlocks([bytes(1), bytes(2)], signal)) keys.add(key);
      await store.close();
    }
    expect(keys.size).toBe(10);
  });

  test('that a commit no longer names go with it; unnamed new ones stay', async () => {
    const db = new FaultLevel();
    const { store } = await opened(db);
    const [kept, dropped] = await store.putBlocks([bytes(1), bytes(2)], signal);
    if (kept === undefined || dropped === undefined) throw new Error('two blocks');
    await commit(store, [kept, dropped]);
    const waiting = await store.putBlocks([bytes(3)], signal);
    await commit(store, [kept]);
    expect(db.writes.at(-1)).toMatchObject({ sync: true, deletes: [dropped.key] });
    expect(await storedBlocks(db)).toEqual([kept.key, ...keysOf(waiting)]);
    await commit(store, [...waiting]);
    expect(await storedBlocks(db)).toEqual(keysOf(waiting));
  });

  test('that are pinned outlive the commit that drops them until all are released', async () => {
    const db = new FaultLevel();
    const { store } = await opened(db);
    const old = await store.putBlocks([bytes(1)], signal);
    await commit(store, old);
    const releases = [store.pin(keysOf(old)), store.pin([...keysOf(old), ...keysOf(old)])];
    await commit(store, []);
    expect(await storedBlocks(db)).toEqual(keysOf(old));
    releases[0]?.();
    releases[0]?.();
    await commit(store, []);
    expect(await store.readBlock(old[0] as BlockRef)).toEqual(bytes(1));
    releases[1]?.();
    expect(await storedBlocks(db)).toEqual(keysOf(old));
    await commit(store, []);
    expect(await storedBlocks(db)).toEqual([]);
  });

  test('that were discarded go with the next commit', async () => {
    const db = new FaultLevel();
    const { store } = await opened(db);
    const refs = await store.putBlocks([bytes(1), bytes(2)], signal);
    store.discard(keysOf(refs));
    expect(await storedBlocks(db)).toEqual(keysOf(refs));
    await commit(store, []);
    expect(await storedBlocks(db)).toEqual([]);
  });

  test('of a task that rolled back are deleted at once, pinned ones later', async () => {
    const db = new FaultLevel();
    const { store } = await opened(db);
    const refs = await store.putBlocks([bytes(1), bytes(2)], signal);
    const release = store.pin(keysOf(refs.slice(1)));
    await store.deleteBlocks(keysOf(refs));
    expect(await storedBlocks(db)).toEqual(keysOf(refs.slice(1)));
    await store.deleteBlocks(keysOf(refs));
    release();
    await commit(store, []);
    expect(await storedBlocks(db)).toEqual([]);
  });

  test('that the manifest names are never deleted by deleteBlocks', async () => {
    const db = new FaultLevel();
    const { store } = await opened(db);
    const refs = await store.putBlocks([bytes(1)], signal);
    await commit(store, refs);
    await expect(store.deleteBlocks(keysOf(refs))).rejects.toThrow(code('SLUICE_DAMAGED'));
    expect(await storedBlocks(db)).toEqual(keysOf(refs));
  });

  test('an aborted deletion leaves the rest to the next commit', async () => {
    const db = new FaultLevel();
    const { store } = await opened(db);
    const refs = await store.putBlocks([bytes(1)], signal);
    const aborted = AbortSignal.abort();
    await expect(store.deleteBlocks(keysOf(refs), aborted)).rejects.toThrow(
      code('SLUICE_CANCELLED'),
    );
    expect(await storedBlocks(db)).toEqual(keysOf(refs));
    await commit(store, []);
    expect(await storedBlocks(db)).toEqual([]);
  });

  test('that were never written can not be committed', async () => {
    const db = new FaultLevel();
    const { store } = await opened(db);
    const refs = await store.putBlocks([bytes(1)], signal);
    await store.deleteBlocks(keysOf(refs));
    await expect(commit(store, refs)).rejects.toThrow(code('SLUICE_DAMAGED'));
    await commit(store, []);
    expect((await opened(db)).body).toMatchObject({ refs: [] });
  });

  test.each([
    ['is aborted', 'SLUICE_CANCELLED', (controller: AbortController) => controller.abort()],
    [
      'gets an error from its source',
      'EPIPE',
      () => {
        throw Object.assign(new Error('source'), { code: 'EPIPE' });
      },
    ],
  ])('of a write that %s go with the next commit', async (_, expected, interrupt) => {
    const db = new FaultLevel();
    const { store } = await opened(db, { batchBytes: 1 });
    const controller = new AbortController();
    function* payloads() {
      yield bytes(1);
      yield bytes(2);
      interrupt(controller);
      yield bytes(3);
    }
    await expect(store.putBlocks(payloads(), controller.signal)).rejects.toThrow(code(expected));
    expect(await storedBlocks(db)).toHaveLength(2);
    await commit(store, []);
    expect(await storedBlocks(db)).toEqual([]);
  });

  test('an aborted signal writes nothing', async () => {
    const db = new FaultLevel();
    const { store } = await opened(db);
    await expect(store.putBlocks([bytes(1)], AbortSignal.abort())).rejects.toThrow(
      code('SLUICE_CANCELLED'),
    );
    expect(db.writes).toHaveLength(0);
  });

  test('of an earlier open are not mixed with those of the next one', async () => {
    const db = new FaultLevel();
    const { store } = await opened(db, { batchBytes: 1 });
    async function* payloads() {
      yield bytes(1);
      await store.close();
      await store.open({ storeId });
      yield bytes(2);
    }
    await expect(store.putBlocks(payloads(), signal)).rejects.toThrow(code('SLUICE_NOT_OPEN'));
    const refs = await store.putBlocks([bytes(3)], signal);
    expect(await storedBlocks(db)).toEqual(keysOf(refs));
  });
});

describe('unreferenced blocks that an earlier open left', () => {
  test.each([
    ['a block', (store: SegmentStore<Body>) => store.putBlocks([bytes(9)], signal)],
    ['a commit', (store: SegmentStore<Body>) => commit(store, [])],
  ])('are there until the first write, %s', async (_, write) => {
    const db = new FaultLevel();
    const first = await opened(db);
    const left = await first.store.putBlocks(Array(2500).fill(bytes(1)), signal);
    await first.store.close();
    const { store } = await opened(db);
    expect(await storedBlocks(db)).toEqual(keysOf(left));
    await write(store);
    const blocks = await storedBlocks(db);
    expect(blocks.filter((key) => keysOf(left).includes(key))).toEqual([]);
  });

  test('do not include what the manifest names', async () => {
    const db = new FaultLevel();
    const first = await opened(db);
    const [named, left] = await first.store.putBlocks([bytes(1), bytes(2)], signal);
    if (named === undefined || left === undefined) throw new Error('two blocks');
    await commit(first.store, [named]);
    await first.store.close();
    const { store } = await opened(db);
    const added = await store.putBlocks([bytes(3)], signal);
    expect((await storedBlocks(db)).sort()).toEqual(keysOf([named, ...added]).sort());
    expect(await storedBlocks(db)).not.toContain(left.key);
  });
});

describe('a segment store that was tampered with', () => {
  async function stored() {
    const db = new FaultLevel();
    const { store } = await opened(db);
    const refs = await store.putBlocks([bytes(1, 1), bytes(2, 2)], signal);
    await commit(store, refs);
    await store.close();
    await db.open();
    const [first, second] = refs;
    if (first === undefined || second === undefined) throw new Error('two blocks');
    const get = async (key: string) => Uint8Array.from((await db.get(key)) ?? []);
    return { db, store, first, second, get };
  }

  test('a missing block is found at open', async () => {
    const { db, store, second } = await stored();
    await db.del(second.key);
    await expect(store.open({ storeId })).rejects.toThrow(code('SLUICE_DAMAGED'));
  });

  test('a flipped byte, a swapped value and a wrong size are found by reading', async () => {
    const { db, store, first, second, get } = await stored();
    await store.open({ storeId });
    await expect(store.readBlock({ ...first, bytes: 3 })).rejects.toThrow(code('SLUICE_DAMAGED'));
    const value = await get(first.key);
    await db.put(second.key, value);
    await expect(store.readBlock(second)).rejects.toThrow(code('SLUICE_DAMAGED'));
    value[17] = 9;
    await db.put(first.key, value);
    await expect(store.readBlock(first)).rejects.toThrow(code('SLUICE_DAMAGED'));
    await db.del(first.key);
    await expect(store.readBlock(first)).rejects.toThrow(code('SLUICE_DAMAGED'));
    const entries = await collect(store.entries());
    expect(entries.map(({ key, kind, error }) => [key, kind, error?.code])).toEqual([
      [second.key, 'block', 'SLUICE_DAMAGED'],
      ['manifest', 'manifest', undefined],
    ]);
  });

  test('a damaged manifest is found at open', async () => {
    const { db, store, first, get } = await stored();
    const manifest = await get('manifest');
    for (const value of [
      manifest.subarray(0, 5),
      manifest.slice().fill(0, 20),
      await get(first.key),
    ]) {
      await db.put('manifest', value);
      await expect(store.open({ storeId })).rejects.toThrow(code('SLUICE_DAMAGED'));
    }
    await db.put('manifest', manifest);
    expect(await store.open({ storeId })).toMatchObject({ applied: 1 });
  });

  test('segments of another log are refused, and nothing is deleted', async () => {
    const { db, store } = await stored();
    const before = await db.keys().all();
    await expect(store.open({ storeId: 'b'.repeat(32) })).rejects.toThrow(code('SLUICE_DAMAGED'));
    expect(await db.keys().all()).toEqual(before);
  });

  test('a database with keys of others is refused, and is left as it was', async () => {
    for (const key of ['a', 'b', 'b/1/2', 'meta', 'z']) {
      const db = new FaultLevel();
      await db.put(key, bytes(1));
      await expect(opened(db)).rejects.toThrow(code('SLUICE_NOT_A_STORE'));
      expect(await db.keys().all()).toEqual([key]);
    }
  });
});

describe('a segment store after a failed write', () => {
  test.each([false, true])('refuses to write until opened again (stored: %s)', async (isStored) => {
    const db = new FaultLevel();
    const { store } = await opened(db);
    const old = await store.putBlocks([bytes(1)], signal);
    await commit(store, old, 1);
    const refs = await store.putBlocks([bytes(2)], signal);
    db.failWrite({ stored: isStored });
    const error = await commit(store, refs, 2).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SLUICE_IO', kind: 'sticky' });
    await expect(store.putBlocks([bytes(3)], signal)).rejects.toBe(error);
    await expect(commit(store, refs, 3)).rejects.toBe(error);
    await expect(store.deleteBlocks(keysOf(refs))).rejects.toBe(error);
    expect(await store.readBlock(refs[0] as BlockRef)).toEqual(bytes(2));

    const body = await store.open({ storeId });
    expect(body).toMatchObject(isStored ? { applied: 2, refs } : { applied: 1, refs: old });
    await commit(store, body?.refs ?? [], 4);
    expect(await storedBlocks(db)).toEqual(keysOf(body?.refs ?? []));
  });

  test('blocks of the failed write are gone after the next one', async () => {
    const db = new FaultLevel();
    const { store } = await opened(db, { batchBytes: 1 });
    db.failWrite({ after: 1, stored: true });
    await expect(store.putBlocks([bytes(1), bytes(2)], signal)).rejects.toThrow(code('SLUICE_IO'));
    expect(await store.open({ storeId })).toBeUndefined();
    await commit(store, []);
    expect(await storedBlocks(db)).toEqual([]);
  });
});
