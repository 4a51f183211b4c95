// What a store writes to its logger: the records of docs/operations.md, and no other.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Level, pino } from 'pino';
import { memoryWal, SluiceError } from 'sluice';
import { afterAll, describe, expect, test } from 'vitest';
import { Hooks } from './support/hooks.js';
import { errorOf } from './support/tiny-segments.js';
import { openTiny, TinyStore, type TinyStoreOptions } from './support/tiny-store.js';

interface LogRecord {
  level: string;
  actor: string;
  msg: string;
  [field: string]: unknown;
}

/** The records of docs/operations.md: what they are called by, and their fields. */
const documented = new Map<string, string[]>();
const page = new URL('../../docs/operations.md', import.meta.url);
for (const line of readFileSync(fileURLToPath(page), 'utf8').split('\n')) {
  const [, level = '', actor = '', msg = '', fields = ''] = line
    .split('|')
    .map((cell) => cell.trim());
  if (!/^(debug|info|warn|error)$/.test(level)) continue;
  documented.set(
    `${level} ${actor}: ${msg}`,
    [...fields.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
  );
}
const seen = new Map<string, Set<string>>();

/** A logger, and what is written to it. */
function listening(level: Level = 'debug') {
  const records: LogRecord[] = [];
  const write = (line: string) => {
    const { time: _, ...record } = JSON.parse(line);
    records.push(record);
    const { level, actor, msg, ...fields } = record;
    const name = `${level} ${actor}: ${msg}`;
    seen.set(name, new Set([...(seen.get(name) ?? []), ...Object.keys(fields)]));
  };
  const formatters = { level: (label: string) => ({ level: label }) };
  const logger = pino({ level, base: {}, formatters }, { write });
  return { logger, records, find: (msg: string) => records.filter((record) => record.msg === msg) };
}

async function openLogged(options: TinyStoreOptions = {}) {
  const log = listening();
  const settings = { ...options.settings, logger: log.logger };
  return { ...log, store: await openTiny({ ...options, settings }) };
}

describe('a store that is well', () => {
  test('tells of its life: opened, optimized, flushed, reconfigured, closed', async () => {
    const { store, records, find } = await openLogged({ optimizers: [{}] });
    expect(records).toEqual([
      {
        ...{ level: 'info', actor: 'updateHandler', msg: 'opened' },
        ...{ applied: 0, acked: 0, last: 0, segments: expect.any(Number), ms: expect.any(Number) },
      },
    ]);
    await store.fill(5);
    await store.clock.until(() => store.handler.status().color === 'green');
    expect(find('optimized')).toEqual([
      {
        ...{ level: 'info', actor: 'optimizationTask', msg: 'optimized', optimizer: 'compaction' },
        ...{ segments: [1, 2], output: [expect.any(Number)], points: 4, ms: expect.any(Number) },
      },
    ]);
    await store.run(store.handler.flush());
    expect(find('flushed').at(-1)).toEqual({
      ...{ level: 'debug', actor: 'flushWorker', msg: 'flushed' },
      ...{ committed: 5, acked: 5, ms: expect.any(Number) },
    });
    await store.run(store.handler.reconfigure({ flushIntervalMs: 1234 }));
    expect(find('reconfigured')).toMatchObject([
      { actor: 'updateHandler', flushIntervalMs: 1234, maxOptimizationThreads: null },
    ]);
    await store.run(store.handler.stop());
    expect(records.at(-1)).toEqual({
      ...{ level: 'info', actor: 'updateHandler', msg: 'closed' },
      ...{ applied: 5, committed: 5, ms: expect.any(Number) },
    });
    expect(records.every(({ level }) => level === 'info' || level === 'debug')).toBe(true);
  });

  test('tells once how much was recovered and how long that took', async () => {
    const first = await openTiny();
    await first.fill(3);
    const { store, find } = await openLogged(first.crash());
    await store.fill(2, 'more');
    expect(find('opened')).toMatchObject([{ applied: 0, last: 3 }]);
    expect(find('recovered')).toMatchObject([
      { level: 'info', actor: 'updateWorker', operations: 3, ms: expect.any(Number) },
    ]);
    await store.run(store.handler.stop());
  });

  test('tells the level that is asked for and above, and nothing without a logger', async () => {
    const { logger, records } = listening('warn');
    const store = await openTiny({ settings: { logger } });
    await store.run(store.handler.flush());
    await store.run(store.handler.stop());
    expect(records).toEqual([]);
  });
});

describe('failures that pass', () => {
  test('an operation that is declined, and one that is tried again', async () => {
    const { store, find } = await openLogged();
    expect(await store.failure(store.handler.submit({ double: 'nobody' }))).toBeInstanceOf(Error);
    expect(find('operation declined')).toMatchObject([
      { level: 'warn', actor: 'updateWorker', opNum: 1, code: 'SLUICE_DECLINED' },
    ]);
    store.hooks.fail('apply', errorOf('transient', 'not now'), 2);
    await store.run(store.put('key'));
    const [one, other, ...more] = find('operation failed, it is tried again');
    expect(one).toMatchObject({ level: 'warn', actor: 'updateWorker', opNum: 2 });
    expect(one).toMatchObject({ code: 'SLUICE_CRASHED', err: { message: 'not now' } });
    expect(other).toMatchObject({ opNum: 2 });
    expect(more).toEqual([]);
    await store.run(store.handler.stop());
  });

  test('a flush, a plan, an optimization, a worker', async () => {
    const { store, find } = await openLogged({ optimizers: [{}] });
    store.hooks.fail('wal.sync', errorOf('transient', 'flaky'));
    await store.failure(store.handler.flush());
    expect(find('flush failed, it is tried again')).toMatchObject([
      { level: 'warn', actor: 'flushWorker', err: { message: 'flaky' } },
    ]);
    const planning = () => find('planning failed, it is tried again');
    store.hooks.fail('ensureCapacity', new Error('defect'));
    await store.fill(1);
    await store.clock.until(() => planning().length > 0);
    store.hooks.fail('compaction.copy', new Error('no luck'), 2);
    await store.fill(5, 'more');
    await store.clock.until(() => find('optimized').length > 0);
    const failed = find('optimization failed, it is tried again');
    expect(failed).toMatchObject([{ backOffMs: 500 }, { backOffMs: 1000 }]);
    expect(failed[0]).toMatchObject({ level: 'warn', optimizer: 'compaction', segments: [1, 2] });
    expect(planning()).toMatchObject([
      { level: 'warn', actor: 'optimizerScheduler', code: 'SLUICE_CRASHED' },
    ]);
    store.hooks.fail('release', new Error('defect'));
    await store.put('key');
    await store.failure(store.handler.flush());
    expect(find('worker crashed, it is restarted')).toMatchObject([
      { level: 'error', actor: 'updateHandler', worker: 'flushWorker', code: 'SLUICE_CRASHED' },
    ]);
    await store.run(store.handler.stop());
  });

  test('an optimization that is cancelled, and one whose blocks stay', async () => {
    const { store, find } = await openLogged({ optimizers: [{}] });
    const gate = store.hooks.hold('compaction.copy');
    store.hooks.fail('compaction.discard', new Error('busy'));
    await store.fill(5);
    await store.clock.until(() => gate.arrived === 1);
    expect(store.handler.cancelOptimization(1)).toBe(true);
    await store.clock.until(() => find('optimization cancelled').length > 0);
    expect(find('optimization cancelled')).toMatchObject([
      { level: 'info', segments: [1, 2], why: 'cancelled by the caller' },
    ]);
    expect(find('blocks of an optimization could not be deleted')).toMatchObject([
      { level: 'warn', actor: 'optimizationTask', err: { message: 'busy' } },
    ]);
    await store.run(store.handler.stop());
  });

  test('a disk that gets full is told once, and when it has room again', async () => {
    const disk = { free: 100_000 };
    const { store, find } = await openLogged({
      settings: { freeBytes: async () => disk.free, diskMarginBytes: 1000 },
    });
    disk.free = 900;
    await store.clock.advance(2000);
    await store.run(store.put('due'));
    for (const key of ['a', 'b', 'c']) await store.failure(store.put(key));
    expect(find('the disk is nearly full')).toMatchObject([
      { level: 'warn', freeBytes: 900, code: 'SLUICE_NOT_ENOUGH_SPACE' },
    ]);
    disk.free = 50_000;
    await store.clock.advance(2000);
    expect(find('the disk has room again')).toMatchObject([{ level: 'info', freeBytes: 50_000 }]);
    disk.free = 900;
    await store.clock.advance(2000);
    await store.run(store.put('due'));
    await store.failure(store.put('a'));
    await store.run(store.handler.stop());
    // Closing is no room.
    expect(find('the disk has room again')).toHaveLength(1);
  });

  test('a disk that nobody can ask', async () => {
    const freeBytes = () => Promise.reject(new Error('no such disk'));
    const { store, find } = await openLogged({ settings: { freeBytes } });
    await store.clock.advance(10_000);
    expect(find('how much of the disk is free is unknown')).toMatchObject([
      { level: 'warn', err: { message: 'no such disk' } },
    ]);
    await store.run(store.handler.stop());
  });
});

describe('failures that stay', () => {
  test('a crash loop, and a death that could not be noted', async () => {
    const deathCounter = {
      read: async () => 3,
      write: () => Promise.reject(new Error('read only')),
    };
    const { store, find } = await openLogged({ optimizers: [{}], settings: { deathCounter } });
    expect(find('the optimizers wait for a trigger')).toEqual([
      {
        ...{ level: 'warn', actor: 'optimizerScheduler', msg: 'the optimizers wait for a trigger' },
        why: 'the process died 3 times in a row while it was optimizing',
      },
    ]);
    await store.fill(5);
    store.handler.trigger();
    await store.clock.until(() => find('optimized').length > 0);
    expect(find('it could not be noted that an optimization begins or has ended')[0]).toMatchObject(
      { level: 'warn', actor: 'optimizerScheduler', err: { message: 'read only' } },
    );
    await store.run(store.handler.stop());
  });

  test('the storage, an opening, a closing, a reconfiguration', async () => {
    let isGood = true;
    const settings = () => {
      if (isGood) return { flushIntervalMs: 5000, maxOptimizationThreads: null };
      throw new SluiceError('SLUICE_BAD_OPTION', 'not like this');
    };
    const { store, find } = await openLogged({ settings: { settings } });
    isGood = false;
    const refused = await store.failure(store.handler.reconfigure({}));
    isGood = true;
    expect(refused).toMatchObject({ code: 'SLUICE_BAD_OPTION' });
    expect(find('reconfiguring failed')).toMatchObject([
      { level: 'error', code: 'SLUICE_BAD_OPTION', err: { message: 'not like this' } },
    ]);
    await store.fill(1);
    store.hooks.fail('commit', new SluiceError('SLUICE_DISK_FULL', 'the disk is full'));
    await store.failure(store.handler.flush());
    await store.clock.until(() => store.handler.state === 'broken');
    expect(find('the storage is broken')).toMatchObject([
      { level: 'error', actor: 'updateHandler', code: 'SLUICE_DISK_FULL' },
    ]);
    store.hooks.fail('wal.open', new SluiceError('SLUICE_IO', 'the cable is out'));
    await store.failure(store.handler.reopen());
    expect(find('opening failed')).toMatchObject([{ level: 'error', code: 'SLUICE_IO' }]);
    store.hooks.fail('wal.close', new Error('it clings'));
    await store.failure(store.handler.stop());
    expect(find('closing failed')).toMatchObject([
      { level: 'error', code: 'SLUICE_CRASHED', err: { message: 'it clings' } },
    ]);
    expect(find('closed')).toEqual([]);
  });

  test('an effect that does not end', async () => {
    const { store, find } = await openLogged();
    store.hooks.hold('wal.close');
    await store.failure(store.handler.stop());
    expect(find('did not end in time')).toMatchObject([
      { level: 'error', stage: 'closing', code: 'SLUICE_CRASHED' },
    ]);
  });

  test('a store that can not be opened at all', async () => {
    const { logger, records } = listening();
    const hooks = new Hooks();
    hooks.fail('wal.open', new SluiceError('SLUICE_LOCKED', 'somebody has it'));
    const store = new TinyStore({ hooks, log: memoryWal(), settings: { logger } });
    await store.failure(store.handler.ready());
    expect(records).toMatchObject([
      { level: 'error', msg: 'opening failed', code: 'SLUICE_LOCKED' },
    ]);
    await store.run(store.handler.stop());
  });
});

/** What only defects, other engines and other platforms bring about. */
const ELSEWHERE = [
  'warn updateHandler: something is missing',
  'warn updateHandler: space could not be given back',
  'warn updateHandler: every search is exact: there are no vector indexes',
  'error updateHandler: the update handler has crashed',
];

afterAll(() => {
  const fields = [...seen].map(([name, found]) => [name, [...found].sort()] as const);
  const expected = fields.map(([name]) => [name, [...(documented.get(name) ?? [])].sort()]);
  expect(fields).toEqual(expected);
  expect([...seen.keys(), ...ELSEWHERE].sort()).toEqual([...documented.keys()].sort());
});
