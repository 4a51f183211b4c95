import { SluiceError, systemClock } from 'sluice';
import { describe, expect, test } from 'vitest';
import { FakeCollection } from './support/fake-collection.js';
import { sluice } from './support/host.js';

const COMMANDS = [
  ...['ingest', 'search', 'get', 'info', 'optimize', 'verify', 'snapshot', 'graph', 'simulate'],
];

function filled(): FakeCollection {
  const collection = new FakeCollection();
  collection.dimensions = 2;
  for (const id of [1, 2, 3, '42', 'a-b']) {
    const first = typeof id === 'number' ? id : 50;
    collection.points.set(id, { id, vector: [first, 0], payload: { title: `film ${id}` } });
  }
  return collection;
}

async function on(collection: FakeCollection, ...argv: string[]) {
  const outcome = await sluice(argv, { openCollection: collection.open });
  expect(collection.closed).toBe(collection.opened);
  return outcome;
}

describe('every command', () => {
  test.each(COMMANDS)('%s --help explains it on stdout', async (command) => {
    const { code, stdout, stderr } = await sluice([command, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(`Usage: sluice ${command}`);
    expect(stdout).toContain('--json');
  });

  test('sluice --help names them all', async () => {
    const { code, stdout } = await sluice(['--help']);
    expect(code).toBe(0);
    for (const command of COMMANDS) expect(stdout).toContain(`  ${command} `);
    expect(stdout).toMatch(/Exit codes: 0 .*; 1 .*; 2 .*; 130 /);
    expect((await sluice(['--version'])).stdout).toBe('1.2.3\n');
  });

  test('an unknown command is pointed to --help', async () => {
    const { stderr } = await sluice(['bogus']);
    expect(stderr).toBe(
      `sluice: unknown command 'bogus'; "sluice --help" lists them (SLUICE_BAD_OPTION)\n`,
    );
  });

  test.each([
    ['no command', []],
    ['an unknown command', ['frobnicate']],
    ['an unknown option', ['info', 'db', '--frobnicate']],
    ['a missing argument', ['info']],
    ['one argument too many', ['info', 'db', 'more']],
    ['no query', ['search', 'db']],
    ['two queries', ['search', 'db', '--id', '1', '--vector', '[1,2]']],
    ['a vector that is not one', ['search', 'db', '--vector', '{"a":1}']],
    ['a filter that is not JSON', ['search', 'db', '--id', '1', '--filter', '{']],
    ['a limit of nothing', ['search', 'db', '--id', '1', '--limit', '0']],
    ['a batch of words', ['ingest', 'db', '-', '--batch', 'many']],
    ['an unknown distance', ['ingest', 'db', '-', '--distance', 'far']],
    ['an id beyond numbers', ['get', 'db', '99999999999999999999']],
    ['a broken quoted id', ['get', 'db', '"abc']],
  ])('%s is wrong use: exit code 2 and one clear line', async (_, argv) => {
    const plain = await sluice(argv);
    expect(plain.code).toBe(2);
    expect(plain.stdout).toBe('');
    expect(plain.stderr).toMatch(/(^|\n)sluice: .+ \(SLUICE_BAD_OPTION\)\n$/);
    const json = await sluice([...argv, '--json']);
    expect(json.code).toBe(2);
    expect(JSON.parse(json.stdout)).toEqual({
      error: { code: 'SLUICE_BAD_OPTION', message: expect.any(String) },
    });
  });

  test('a failure is one line with its code, exit code 1', async () => {
    const { code, stdout, stderr } = await on(new FakeCollection(), 'info', 'nowhere');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe('sluice: no collection at nowhere (SLUICE_NOT_FOUND)\n');
    const json = await on(new FakeCollection(), 'info', 'nowhere', '--json');
    expect(JSON.parse(json.stdout)).toEqual({
      error: { code: 'SLUICE_NOT_FOUND', message: 'no collection at nowhere' },
    });
  });

  test('what the collection refuses of the arguments is wrong use as well', async () => {
    const openCollection = () =>
      Promise.reject(new SluiceError('SLUICE_BAD_FILTER', 'unknown condition\nwithin must'));
    const { code, stderr } = await sluice(['search', 'db', '--id', '1'], { openCollection });
    expect(code).toBe(2);
    expect(stderr).toBe('sluice: unknown condition within must (SLUICE_BAD_FILTER)\n');
  });
});

describe('sluice search', () => {
  test('by id uses that point’s vector and includes it', async () => {
    const { stdout } = await on(filled(), 'search', 'db', '--id', '2', '--limit', '3', '--json');
    const hits = JSON.parse(stdout);
    expect(hits.map(({ id }: { id: unknown }) => id)).toEqual([2, 1, 3]);
    expect(hits[0]).toEqual({ id: 2, score: expect.any(Number), payload: expect.any(Object) });
  });

  test('by vector, with limit, filter and exact handed on', async () => {
    const filter = { must: [{ key: 'year', range: { gte: 1950 } }] };
    const argv = ['search', 'db', '--vector', '[3, 0]', '--limit', '1', '--exact', '--json'];
    const { stdout } = await on(filled(), ...argv, '--filter', JSON.stringify(filter));
    const [hit] = JSON.parse(stdout);
    expect(hit.id).toBe(3);
    expect(JSON.parse(hit.payload.options)).toEqual({ limit: 1, filter, exact: true });
  });

  test('people get a table', async () => {
    const { stdout } = await on(filled(), 'search', 'db', '--vector', '[1, 0]', '--limit', '2');
    expect(stdout).toMatch(/^ID\s+SCORE\s+PAYLOAD\n 1 +\S+ +\{.*\n 2 +-1\.0000 +\{.*\n$/);
    expect((await on(new FakeCollection(), 'search', 'db', '--id', '1')).code).toBe(1);
  });

  test('a point that is not there is an error', async () => {
    const { code, stderr } = await on(filled(), 'search', 'db', '--id', 'nobody');
    expect(code).toBe(1);
    expect(stderr).toBe('sluice: there is no point "nobody" (SLUICE_POINT_NOT_FOUND)\n');
  });
});

describe('sluice get', () => {
  test('digits are a number, quoted digits a string, the rest a string', async () => {
    const { stdout } = await on(filled(), 'get', 'db', '3', '"42"', 'a-b', '--json');
    expect(JSON.parse(stdout)).toEqual([
      { id: 3, payload: { title: 'film 3' } },
      { id: '42', payload: { title: 'film 42' } },
      { id: 'a-b', payload: { title: 'film a-b' } },
    ]);
  });

  test('one point a line, with vectors when wanted, missing ones noted', async () => {
    const { code, stdout, stderr } = await on(filled(), 'get', 'db', '2', '42', '--with-vector');
    expect(code).toBe(0);
    expect(stdout).toBe('{"id":2,"vector":[2,0],"payload":{"title":"film 2"}}\n');
    expect(stderr).toBe('sluice: there is no point 42\n');
  });

  test('none found is an error', async () => {
    const { code, stderr } = await on(filled(), 'get', 'db', '8', '9');
    expect(code).toBe(1);
    expect(stderr).toContain('there is no point 8, 9 (SLUICE_POINT_NOT_FOUND)');
  });
});

describe('sluice info', () => {
  test('shows points, segments, status with its reason, log and configuration', async () => {
    const collection = filled();
    const merge = { optimizer: 'merge', segmentIds: [1, 2] };
    const failure = { what: 'flush', code: 'SLUICE_IO' as const, message: 'slow', at: 0 };
    collection.health = {
      color: 'red',
      reasons: [
        { reason: 'error', what: 'flush', code: 'SLUICE_IO' },
        { reason: 'planned', ...merge },
        { reason: 'optimizing', ...merge },
        { reason: 'applying', operations: 7 },
        { reason: 'state', state: 'recovering' },
        { reason: 'disabled' },
        { reason: 'backingOff' },
        { reason: 'waitingForTrigger', why: 'by option' },
      ],
      errors: [
        { ...failure, times: 1, recoveredAt: null },
        { ...failure, times: 3, recoveredAt: 5 },
      ],
    };
    const { stdout } = await on(collection, 'info', 'db');
    for (const text of [
      /status +red/,
      /why +flush has failed \(SLUICE_IO\)/,
      /why +planned: merge of segments 1, 2/,
      /why +optimizing: merge of segments 1, 2/,
      /why +7 operations of the log still to be applied/,
      /why +the collection is recovering/,
      /why +optimizations are disabled/,
      /why +an optimization has failed and is tried again later/,
      /why +optimizations wait for a trigger/,
      /error +flush: slow \(SLUICE_IO\), 1970-01-01T00:00:00\.000Z\n/,
      /error +flush: slow .*Z, 3 times in a row, recovered since\n/,
      /points +5/,
      /2 dimensions, cosine/,
      /log +acked 3, applied 4, last 5/,
      / {6}7 {7}3 {2}1 \(25%\) {2} 2\.0 KB +no +yes/,
      /flushIntervalMs +5000\n/,
      /optimizers\n {2}deletedThreshold +0\.2\n/,
    ]) {
      expect(stdout).toMatch(text);
    }
    const { stdout: json } = await on(filled(), 'info', 'db', '--json');
    expect(JSON.parse(json)).toMatchObject({
      points: 5,
      segments: [{ id: 7, rows: 4 }],
      status: { color: 'green' },
      optimizations: { running: [], queued: [] },
    });
  });
});

test('sluice info names the payload indexes', async () => {
  const collection = filled();
  collection.payloadIndexes = { year: 'integer', 'cast[].name': 'keyword' };
  const { stdout } = await on(collection, 'info', 'db');
  expect(stdout).toMatch(/\npayload index +year integer\npayload index +cast\[\]\.name keyword\n/);
});

describe('the configuration in sluice info', () => {
  test('says what null and 0 stand for, and sizes so that people can read them', async () => {
    const text = async (optimizers: object) => {
      const collection = filled();
      collection.configuration = { optimizers };
      return (await on(collection, 'info', 'db')).stdout;
    };
    const unset = { maxSegmentSizeKb: null, indexingThresholdKb: null };
    const byItself = await text({
      ...unset,
      defaultSegmentNumber: 0,
      maxOptimizationThreads: null,
    });
    expect(byItself).toMatch(/maxSegmentSizeKb +auto\n +indexingThresholdKb +20000 \(19\.5 MB\)\n/);
    expect(byItself).toMatch(/defaultSegmentNumber +auto\n +maxOptimizationThreads +all\n/);
    const set = { maxSegmentSizeKb: 20_480, indexingThresholdKb: 0, maxOptimizationThreads: 0 };
    const given = await text({ ...set, defaultSegmentNumber: 4 });
    expect(given).toMatch(/maxSegmentSizeKb +20480 \(20\.0 MB\)\n +indexingThresholdKb +never\n/);
    expect(given).toMatch(/maxOptimizationThreads +0 \(disabled\)\n +defaultSegmentNumber +4\n/);
  });
});

describe('a signal while a collection is being opened', () => {
  /** Never ends by itself, as the replay of a long log may seem. */
  const never = () => new Promise<never>(() => undefined);
  const delays: number[] = [];
  const clock = {
    ...systemClock,
    setTimeout: (callback: () => void, delayMs: number) => {
      delays.push(delayMs);
      return systemClock.setTimeout(callback, 1);
    },
  };

  test.each([
    ['info', { openCollection: never }],
    ['verify', { verifyStore: never }],
  ])('%s gives it up within a bound: exit code 130', async (command, services) => {
    const controller = new AbortController();
    const outcome = sluice([command, 'db'], { ...services, clock, signal: controller.signal });
    controller.abort();
    expect(await outcome).toEqual({ code: 130, stdout: '', stderr: 'sluice: interrupted\n' });
    expect(delays.at(-1)).toBeLessThanOrEqual(5000);
  });

  test('an opening that ends in time is used and closed', async () => {
    const collection = filled();
    const controller = new AbortController();
    controller.abort();
    const world = { openCollection: collection.open, signal: controller.signal };
    expect((await sluice(['get', 'db', '1'], world)).code).toBe(130);
    expect(collection.closed).toBe(1);
  });
});

describe('sluice optimize', () => {
  test('waits for the optimizers and shows a bar for each run', async () => {
    const collection = filled();
    const run = {
      optimizer: 'merge',
      segmentIds: [1, 2, 3],
      startedAt: 0,
      status: { state: 'optimizing' as const },
      phase: 'indexing' as const,
      progress: { copied: 10, indexed: 5, total: 10 },
    };
    collection.running = [run];
    collection.optimizing = () => new Promise((resolve) => setTimeout(resolve, 250));
    const world = { openCollection: collection.open, isTTY: true };
    const { code, stdout, stderr } = await sluice(['optimize', 'db'], world);
    expect(code).toBe(0);
    expect(stderr).toMatch(/merge 1\+2\+3 █+░+ +50% \| indexing \| 5\/10 points/);
    expect(stdout).toMatch(/^green: 1 segment → 1, [\d.]+ s\n$/);
    const json = await sluice(['optimize', 'db', '--json'], world);
    expect(json.stderr).toBe('');
    expect(JSON.parse(json.stdout)).toMatchObject({ status: 'green', segmentsAfter: 1 });
  });

  test('work that nothing will start is a failure', async () => {
    const collection = filled();
    collection.health = { color: 'grey', reasons: [{ reason: 'disabled' }], errors: [] };
    const { code, stdout, stderr } = await on(collection, 'optimize', 'db', '--json');
    expect(code).toBe(1);
    expect(stderr).toMatch(/optimizations are disabled .*\(SLUICE_DECLINED\)\n$/);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'grey', reasons: [{ reason: 'disabled' }] });
  });

  test('Ctrl-C ends it: closed, exit code 130', async () => {
    const collection = filled();
    const controller = new AbortController();
    collection.optimizing = (signal) =>
      new Promise((_, reject) => {
        const cancelled = new SluiceError('SLUICE_CANCELLED', 'cancelled');
        signal.addEventListener('abort', () => reject(cancelled));
        controller.abort();
      });
    const world = { openCollection: collection.open, signal: controller.signal };
    const { code, stdout, stderr } = await sluice(['optimize', 'db', '--json'], world);
    expect({ code, stderr }).toEqual({ code: 130, stderr: 'sluice: interrupted\n' });
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'SLUICE_CANCELLED' } });
    expect(collection.closed).toBe(1);
  });
});

describe('sluice verify', () => {
  const sound = { values: 19, bytes: 5000, records: 5, segments: 2, blocks: 12, points: 99 };
  const checked = { ...sound, indexes: 0, toReplay: 0 };

  test('says what was checked', async () => {
    const verifyStore = () => Promise.resolve({ ok: true, checked, problems: [] });
    const { code, stdout } = await sluice(['verify', 'db'], { verifyStore });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'ok: 19 values (4.9 KB), 5 records of the log, 2 segments, 12 blocks, 99 points\n',
    });
  });

  test('says how much of the log the next opening replays', async () => {
    const all = { values: 1, bytes: 1, records: 1, segments: 1, blocks: 1, points: 1 };
    const one = { ...all, indexes: 1, toReplay: 1 };
    const verifyStore = () => Promise.resolve({ ok: true, checked: one, problems: [] });
    expect((await sluice(['verify', 'db'], { verifyStore })).stdout).toBe(
      'ok: 1 value (1 B), 1 record of the log, 1 segment, 1 block, 1 point, 1 index file\n' +
        '1 record of the log still to be applied: the next opening replays it\n',
    );
  });

  test('damage is listed and fails the command; --json stays one document', async () => {
    const problems = [{ what: 'block b/1/2', message: 'wrong checksum' }];
    const verifyStore = () => Promise.resolve({ ok: false, checked, problems });
    const plain = await sluice(['verify', 'db'], { verifyStore });
    expect(plain.code).toBe(1);
    expect(plain.stdout).toContain('block b/1/2: wrong checksum\ndamaged: 19 values');
    expect(plain.stderr).toBe('sluice: db: 1 problem (SLUICE_DAMAGED)\n');
    const json = await sluice(['verify', 'db', '--json'], { verifyStore });
    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toEqual({ ok: false, checked, problems });
  });
});

describe('sluice snapshot', () => {
  test('tells what the copy holds and where it is', async () => {
    const { code, stdout, stderr } = await on(filled(), 'snapshot', 'db', 'copy');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^5 points as of operation 9 in \/copies\/copy, \d+\.\d s\n$/);
    const { stdout: json } = await on(filled(), 'snapshot', 'db', 'copy', '--json');
    expect(JSON.parse(json)).toEqual({
      path: '/copies/copy',
      opNum: 9,
      points: 5,
      seconds: expect.any(Number),
    });
  });

  test('refuses a directory that is taken, in one line', async () => {
    const { code, stdout, stderr } = await on(filled(), 'snapshot', 'db', 'taken');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe("sluice: 'taken' is there already (SLUICE_EXISTS)\n");
  });

  test('shows a bar while a person watches', async () => {
    const collection = filled();
    collection.onSnapshot = () => new Promise((resolve) => setTimeout(resolve, 250));
    const world = { openCollection: collection.open, isTTY: true };
    const { code, stderr } = await sluice(['snapshot', 'db', 'copy'], world);
    expect(code).toBe(0);
    expect(stderr).toContain('snapshot');
  });
});
