// Each bad input gives one clear coded error, writes nothing, and leaves the collection usable.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MemoryLevel } from 'memory-level';
import { type Collection, openCollection, SluiceError } from 'sluice';
import { describe, expect, it, onTestFinished } from 'vitest';
import { filesBelow } from '../support/contents.js';
import { contentsOf } from '../support/points.js';
import { newStore, STORES } from '../support/stores.js';
import { temporaryDirectory } from '../support/temporary.js';

/** What a caller without a compiler might pass. */
type Bad = never;

type Attempt = (collection: Collection) => Promise<unknown>;

const good = { id: 1, vector: [1, 2] };
const cycle: { self?: unknown } = {};
cycle.self = cycle;

function vector(value: unknown): Attempt {
  return (c) => c.upsert([good, { id: 2, vector: value as Bad }]);
}

function id(value: unknown): Attempt {
  return (c) => c.upsert([good, { id: value as Bad, vector: [1, 2] }]);
}

function payload(value: unknown): Attempt {
  return (c) => c.upsert([good, { id: 2, vector: [1, 2], payload: value as Bad }]);
}

function filter(value: unknown): Attempt {
  return (c) => c.delete({ filter: value as Bad });
}

const UPDATES: [code: string, what: string, attempt: Attempt][] = [
  ['SLUICE_BAD_VECTOR', 'too few numbers', vector([1])],
  ['SLUICE_BAD_VECTOR', 'too many numbers', vector([1, 2, 3])],
  ['SLUICE_BAD_VECTOR', 'no vector', vector(undefined)],
  ['SLUICE_BAD_VECTOR', 'a vector that is text', vector('12')],
  ['SLUICE_BAD_VECTOR', 'NaN', vector([1, Number.NaN])],
  ['SLUICE_BAD_VECTOR', 'NaN as float32', vector(Float32Array.of(1, Number.NaN))],
  ['SLUICE_BAD_VECTOR', 'infinite', vector([1, Number.NEGATIVE_INFINITY])],
  ['SLUICE_BAD_VECTOR', 'infinite as float32', vector([1, 1e39])],
  ['SLUICE_BAD_VECTOR', 'a hole', vector(new Array(2))],
  ['SLUICE_BAD_VECTOR', 'doubles', vector(Float64Array.of(1, 2))],
  ['SLUICE_BAD_VECTOR', 'updateVectors', (c) => c.updateVectors([{ id: 1, vector: [1] }])],
  ['SLUICE_BAD_ID', 'a negative number', id(-1)],
  ['SLUICE_BAD_ID', 'a fraction', id(1.5)],
  ['SLUICE_BAD_ID', 'an unsafe integer', id(2 ** 53)],
  ['SLUICE_BAD_ID', 'an empty string', id('')],
  ['SLUICE_BAD_ID', 'an object', id({})],
  ['SLUICE_BAD_ID', 'null', id(null)],
  ['SLUICE_BAD_ID', 'no id', id(undefined)],
  ['SLUICE_BAD_ID', 'a bigint', id(1n)],
  ['SLUICE_BAD_ID', 'in a delete', (c) => c.delete([1, -1])],
  ['SLUICE_BAD_ID', 'in a payload update', (c) => c.setPayload({ a: 1 }, [1, 0.5])],
  ['SLUICE_BAD_PAYLOAD', 'NaN', payload({ a: Number.NaN })],
  ['SLUICE_BAD_PAYLOAD', 'undefined', payload({ a: undefined })],
  ['SLUICE_BAD_PAYLOAD', 'a bigint', payload({ a: 1n })],
  ['SLUICE_BAD_PAYLOAD', 'a function', payload({ a: () => 1 })],
  ['SLUICE_BAD_PAYLOAD', 'a date', payload({ a: new Date(0) })],
  ['SLUICE_BAD_PAYLOAD', 'a map', payload(new Map())],
  ['SLUICE_BAD_PAYLOAD', 'a cycle', payload(cycle)],
  ['SLUICE_BAD_PAYLOAD', 'an array', payload([1])],
  ['SLUICE_BAD_PAYLOAD', 'text', payload('text')],
  ['SLUICE_BAD_PAYLOAD', 'null', payload(null)],
  ['SLUICE_BAD_PAYLOAD', 'a misspelt field', (c) => c.upsert([{ ...good, paylaod: {} } as Bad])],
  ['SLUICE_BAD_PAYLOAD', 'setPayload', (c) => c.setPayload({ a: 1n as Bad }, [1])],
  ['SLUICE_BAD_PAYLOAD', 'overwritePayload', (c) => c.overwritePayload(null as Bad, [1])],
  ['SLUICE_BAD_PAYLOAD', 'a bad path', (c) => c.deletePayload(['a..b'], [1])],
  ['SLUICE_BAD_PAYLOAD', 'an index without path', (c) => c.createPayloadIndex('', 'bool')],
  ['SLUICE_BAD_FILTER', 'an unknown clause', filter({ most: [] })],
  ['SLUICE_BAD_FILTER', 'an unknown condition', filter({ must: [{ key: 'a', near: 1 }] })],
  ['SLUICE_BAD_FILTER', 'an unknown match', filter({ must: [{ key: 'a', match: { not: 1 } }] })],
  ['SLUICE_BAD_FILTER', 'an unknown bound', filter({ must: [{ key: 'a', range: { ge: 1 } }] })],
  ['SLUICE_BAD_FILTER', 'no bound', filter({ must: [{ key: 'a', range: {} }] })],
  ['SLUICE_BAD_FILTER', 'a bad id', filter({ must: [{ hasId: [-1] }] })],
  ['SLUICE_BAD_FILTER', 'no object', filter(7)],
  ['SLUICE_BAD_OPTION', 'an unknown option', (c) => c.upsert([good], { wiat: true } as Bad)],
  ['SLUICE_BAD_OPTION', 'a bad wait', (c) => c.delete([1], { wait: 'yes' as Bad })],
  ['SLUICE_BAD_OPTION', 'a bad timeout', (c) => c.clearPayload([1], { timeoutMs: -1 })],
  ['SLUICE_BAD_OPTION', 'a bad tag', (c) => c.upsert([good], { clockTag: { peerId: 1 } as Bad })],
  ['SLUICE_BAD_OPTION', 'a bad index type', (c) => c.createPayloadIndex('a', 'text' as Bad)],
  ['SLUICE_BAD_OPTION', 'unknown to configure', (c) => c.configure({ segments: 1 } as Bad)],
  [
    'SLUICE_BAD_OPTION',
    'an unknown optimizer option',
    (c) => c.configure({ optimizers: { deletedTreshold: 1 } as Bad }),
  ],
  [
    'SLUICE_BAD_OPTION',
    'an optimizer option out of bounds',
    (c) => c.configure({ flushIntervalMs: 10, optimizers: { deletedThreshold: 2 } }),
  ],
  ['SLUICE_ABORTED', 'aborted before', (c) => c.upsert([good], { signal: AbortSignal.abort() })],
  [
    'SLUICE_OPERATION_TOO_LARGE',
    'more bytes than the window has',
    (c) => c.upsert([{ ...good, payload: { text: 'x'.repeat(17 * 1024 * 1024) } }]),
  ],
];

const READS: [code: string, what: string, attempt: Attempt][] = [
  ['SLUICE_BAD_VECTOR', 'search: dimensions', (c) => c.search([1], { limit: 1 })],
  ['SLUICE_BAD_VECTOR', 'search: NaN', (c) => c.search([1, Number.NaN], { limit: 1 })],
  ['SLUICE_BAD_FILTER', 'search', (c) => c.search([1, 2], { limit: 1, filter: { a: 1 } as Bad })],
  ['SLUICE_BAD_OPTION', 'search: limit 0', (c) => c.search([1, 2], { limit: 0 })],
  ['SLUICE_BAD_OPTION', 'search: unknown', (c) => c.search([1, 2], { limit: 1, top: 3 } as Bad)],
  ['SLUICE_BAD_ID', 'get', (c) => c.get([1, -5])],
  ['SLUICE_BAD_OPTION', 'get: unknown', (c) => c.get([1], { withVectors: true } as Bad)],
  ['SLUICE_BAD_FILTER', 'count', (c) => c.count({ filter: { must: 1 } as Bad })],
  ['SLUICE_BAD_ID', 'scroll: offset', (c) => c.scroll({ offset: -1 })],
  ['SLUICE_BAD_OPTION', 'scroll: limit', (c) => c.scroll({ limit: 1.5 })],
];

describe.each(STORES)('an open collection on $kind', ({ create }) => {
  it('refuses each bad update and read with its code, and writes nothing', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 2 });
    await collection.upsert([{ id: 1, vector: [0, 1], payload: { a: 1 } }]);
    const before = await contentsOf(collection);
    const facts = () => ({
      wal: collection.info().wal.last,
      config: collection.info().configuration,
    });
    const factsBefore = facts();
    for (const [code, what, attempt] of [...UPDATES, ...READS]) {
      const error = await attempt(collection).then(
        () => 'no error',
        (thrown: unknown) => thrown,
      );
      expect(error, what).toBeInstanceOf(SluiceError);
      expect(error, what).toMatchObject({ code, message: expect.stringMatching(/^.{5,250}$/) });
      expect(facts(), what).toEqual(factsBefore);
    }
    expect(await contentsOf(collection)).toEqual(before);
    expect(collection.status().errors).toEqual([]);
    expect(await collection.upsert([good])).toMatchObject({ opNum: 2, affected: 1 });
  });

  it('answers wrong use with a TypeError', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 2 });
    const uses: Attempt[] = [
      (c) => c.upsert(good as Bad),
      (c) => c.upsert([7 as Bad]),
      (c) => c.delete(7 as Bad),
      (c) => c.delete({} as Bad),
      (c) => c.get('abc' as Bad),
      (c) => c.search([1, 2], {} as Bad),
      (c) => c.upsert([good], 7 as Bad),
    ];
    for (const use of uses) {
      await expect((async () => use(collection))()).rejects.toThrow(TypeError);
    }
    expect(collection.info().wal.last).toBe(0);
  });

  it('refuses other dimensions and another distance when it is opened again', async () => {
    const store = newStore(create);
    const first = await store.open({ dimensions: 2, distance: 'dot' });
    await first.upsert([good]);
    await first.close();
    for (const options of [{ dimensions: 3 }, { distance: 'cosine' as const }]) {
      await expect(store.open(options)).rejects.toMatchObject({
        code: 'SLUICE_DIMENSIONS_MISMATCH',
      });
    }
    expect(await (await store.open({ dimensions: 2, distance: 'dot' })).count()).toBe(1);
  });

  it.each([
    [{ dimensions: 0 }],
    [{ dimensions: 1.5 }],
    [{ dimensions: 2, distance: 'manhattan' }],
    [{ dimensions: 2, dimension: 2 }],
    [{ dimensions: 2, optimizers: { maxSegmentSizeKb: 0 } }],
    [{ dimensions: 2, optimizers: { unknown: 1 } }],
    [{ dimensions: 2, flushIntervalMs: 0 }],
    [{ dimensions: 2, updateQueueLengthMax: 0 }],
    [{ dimensions: 2, cpuBudget: 'all' }],
  ])('is not created with %j', async (options) => {
    const store = newStore(create);
    await expect(store.open(options as Bad)).rejects.toMatchObject({ code: 'SLUICE_BAD_OPTION' });
    const collection = await store.open({ dimensions: 2 });
    expect(collection.info().wal.last).toBe(0);
  });
});

describe('a path', () => {
  const open = (path: string, options = {}) =>
    openCollection(path, options).then(
      async (collection) => {
        await collection.close();
        return 'open';
      },
      (error: unknown) => (error instanceof SluiceError ? error.code : error),
    );

  it('that is missing is not created without dimensions', async () => {
    const path = join(await temporaryDirectory(), 'a', 'b');
    expect(await open(path)).toBe('SLUICE_NOT_FOUND');
    expect(filesBelow(join(path, '../..'))).toEqual(new Map());
    expect(await open(path, { dimensions: 2 })).toBe('open');
  });

  it('that is an empty directory is no store either, without dimensions', async () => {
    const path = await temporaryDirectory();
    expect(await open(path)).toBe('SLUICE_NOT_FOUND');
    expect(filesBelow(path)).toEqual(new Map());
    expect(await open(path, { dimensions: 2 })).toBe('open');
  });

  it('with other files in it is left alone', async () => {
    const path = await temporaryDirectory();
    writeFileSync(join(path, 'letter.txt'), 'dear');
    mkdirSync(join(path, 'wal'));
    const before = filesBelow(path);
    expect(await open(path)).toBe('SLUICE_NOT_A_STORE');
    expect(await open(path, { dimensions: 2 })).toBe('SLUICE_NOT_A_STORE');
    expect(await open(join(path, 'letter.txt'), { dimensions: 2 })).toBe('SLUICE_NOT_A_STORE');
    expect(filesBelow(path)).toEqual(before);
  });

  it('of a newer format is left alone', async () => {
    const path = await temporaryDirectory();
    await open(path, { dimensions: 2 });
    const format = join(path, 'FORMAT');
    const text = readFileSync(format, 'utf8');
    writeFileSync(format, JSON.stringify({ format: 2 }));
    const before = filesBelow(path);
    expect(await open(path)).toBe('SLUICE_FORMAT_UNKNOWN');
    expect(await open(path, { dimensions: 2 })).toBe('SLUICE_FORMAT_UNKNOWN');
    expect(filesBelow(path)).toEqual(before);
    writeFileSync(format, text);
    expect(await open(path)).toBe('open');
  });

  it('that has lost a part is damaged, and nothing is put in its place', async () => {
    const path = await temporaryDirectory();
    await open(path, { dimensions: 2 });
    rmSync(join(path, 'segments'), { recursive: true });
    const before = filesBelow(path);
    expect(await open(path, { dimensions: 2 })).toBe('SLUICE_DAMAGED');
    expect(filesBelow(path)).toEqual(before);
  });

  it('that is open in this process is refused, and goes on there', async () => {
    const store = newStore();
    const collection = await store.open({ dimensions: 2 });
    const path = String(store.target);
    expect(await open(path)).toBe('SLUICE_LOCKED');
    expect(await open(join(path, '..', 'store', '.'), { dimensions: 2 })).toBe('SLUICE_LOCKED');
    expect(await collection.upsert([good])).toMatchObject({ status: 'completed' });
    await collection.close();
    expect(await open(path)).toBe('open');
  });

  it('that is open in another process is refused until that one ends', async () => {
    const path = await temporaryDirectory();
    const script = fileURLToPath(new URL('../support/collection-child.mjs', import.meta.url));
    const child = spawn(process.execPath, [script, path], { stdio: ['pipe', 'pipe', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [answer] = await once(child.stdout, 'data');
    expect(String(answer).trim()).toBe('open');
    const before = filesBelow(path);
    expect(await open(path)).toBe('SLUICE_LOCKED');
    expect(await open(path, { dimensions: 2 })).toBe('SLUICE_LOCKED');
    expect(filesBelow(path)).toEqual(before);
    child.stdin.end();
    await once(child, 'exit');
    expect(await open(path)).toBe('open');
  });

  it('must be a path, or two stores', async () => {
    for (const target of ['', 7, undefined, null, {}, { wal: new MemoryLevel() }]) {
      await expect(openCollection(target as Bad, { dimensions: 2 })).rejects.toThrow(TypeError);
    }
  });
});

it('two empty stores without dimensions are not made a collection', async () => {
  const target = { wal: new MemoryLevel(), segments: new MemoryLevel() };
  await expect(openCollection(target as Bad)).rejects.toMatchObject({
    code: 'SLUICE_NOT_FOUND',
  });
  for (const store of [target.wal, target.segments]) {
    await store.open();
    expect(await store.keys().all()).toEqual([]);
  }
});

it('stores that another collection has open are refused, and go on there', async () => {
  const store = newStore(STORES[1]?.create);
  const collection = await store.open({ dimensions: 2 });
  await expect(store.open({ dimensions: 2 })).rejects.toMatchObject({ code: 'SLUICE_LOCKED' });
  expect(await collection.upsert([good])).toMatchObject({ status: 'completed' });
  await collection.close();
  expect(await (await store.open()).count()).toBe(1);
});

it.each(['wal', 'segments'] as const)('a lost %s store is damage, not a new one', async (lost) => {
  const store = newStore(STORES[1]?.create);
  const collection = await store.open({ dimensions: 2 });
  await collection.upsert([good]);
  await collection.close();
  const { wal, segments } = store.target as { wal: MemoryLevel; segments: MemoryLevel };
  const target = { wal, segments, [lost]: new MemoryLevel() };
  for (const options of [{ dimensions: 2 }, {}]) {
    await expect(openCollection(target as Bad, options)).rejects.toMatchObject({
      code: 'SLUICE_DAMAGED',
    });
  }
  await target[lost].open();
  expect(await target[lost].keys().all()).toEqual([]);
});

it('stores that hold something else are refused and left as they are', async () => {
  const target = { wal: new MemoryLevel(), segments: new MemoryLevel() };
  await target.wal.put('somebody', 'else');
  await target.segments.put('some', 'data');
  await expect(openCollection(target as Bad, { dimensions: 2 })).rejects.toMatchObject({
    code: 'SLUICE_NOT_A_STORE',
  });
  for (const store of [target.wal, target.segments]) {
    await store.open();
    expect(await store.keys().all()).toHaveLength(1);
  }
});
