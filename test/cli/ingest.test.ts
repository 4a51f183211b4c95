import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, test } from 'vitest';
import { FakeCollection } from './support/fake-collection.js';
import { sluice } from './support/host.js';

const directory = mkdtempSync(join(tmpdir(), 'sluice-ingest-'));
afterAll(() => rmSync(directory, { recursive: true }));

function pointLines(count: number): string[] {
  return Array.from({ length: count }, (_, index) =>
    JSON.stringify({ id: index + 1, vector: [index, 1], payload: { n: index } }),
  );
}

function stdin(lines: readonly string[]): Readable {
  return Readable.from([lines.map((line) => `${line}\n`).join('')]);
}

async function ingest(lines: readonly string[], collection: FakeCollection, ...argv: string[]) {
  const world = { openCollection: collection.open, stdin: stdin(lines) };
  return sluice(['ingest', 'db', '-', ...argv], world);
}

describe('sluice ingest', () => {
  test('writes all points in batches, in order, a few at a time, and closes', async () => {
    const collection = new FakeCollection();
    const { code, stdout, stderr } = await ingest(pointLines(25), collection, '--batch', '3');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^25 points in [\d.]+ s \(\d+ points\/s\)\n$/);
    expect(collection.upserts.flatMap(({ ids }) => ids)).toEqual(
      Array.from({ length: 25 }, (_, index) => index + 1),
    );
    expect(collection.upserts).toHaveLength(9);
    expect(collection.upserts.every(({ wait }) => wait)).toBe(true);
    expect(collection.inFlightMax).toBe(4);
    expect(collection.closed).toBe(1);
    expect(collection.points.get(3)).toEqual({ id: 3, vector: [2, 1], payload: { n: 2 } });
  });

  test('--json gives one document', async () => {
    const { stdout } = await ingest(pointLines(3), new FakeCollection(), '--json');
    expect(JSON.parse(stdout)).toEqual({
      points: 3,
      seconds: expect.any(Number),
      pointsPerSecond: expect.any(Number),
      interrupted: false,
    });
  });

  test('takes the dimensions of a new collection from the first line, or as given', async () => {
    const inferred = new FakeCollection();
    await ingest(pointLines(1), inferred, '--distance', 'euclid');
    expect(inferred.openings.at(-1)).toMatchObject({ dimensions: 2, distance: 'euclid' });
    const given = new FakeCollection();
    await ingest(pointLines(1), given, '--dimensions', '2', '--no-wait');
    expect(given.openings.at(-1)).toMatchObject({ dimensions: 2 });
    expect(given.upserts[0]?.wait).toBe(false);
    const existing = new FakeCollection();
    existing.dimensions = 2;
    await ingest(pointLines(1), existing);
    expect(existing.openings).toEqual([expect.not.objectContaining({ dimensions: 2 })]);
  });

  test('nothing to read opens nothing', async () => {
    const collection = new FakeCollection();
    const { code, stdout } = await ingest(['', ' '], collection);
    expect(code).toBe(0);
    expect(stdout).toContain('0 points');
    expect(collection.openings).toEqual([]);
  });

  test.each([
    ['is not JSON', '{"id":', 'not JSON'],
    ['is not an object', '[1]', 'object'],
    ['has no vector', '{"id":1}', 'vector'],
    ['has a vector of another length', '{"id":1,"vector":[1,2,3]}', '3'],
    ['has a vector of texts', '{"id":1,"vector":["1","2"]}', 'vector'],
    ['has no id', '{"vector":[1,2]}', 'id'],
    ['has a bad id', '{"id":-1,"vector":[1,2]}', 'id'],
    ['has a bad payload', '{"id":1,"vector":[1,2],"payload":5}', 'payload'],
    ['has a misspelt field', '{"id":1,"vector":[1,2],"payloads":{}}', 'payloads'],
  ])(
    'a line that %s stops it: earlier batches stay, its batch is not written',
    async (_, bad, why) => {
      const collection = new FakeCollection();
      const lines = [...pointLines(7), bad, ...pointLines(4)];
      const { code, stdout, stderr } = await ingest(lines, collection, '--batch', '3', '--json');
      expect(code).toBe(1);
      expect(stderr).toMatch(/^sluice: line 8: .*; 6 points were ingested \(SLUICE_BAD_LINE\)\n$/);
      const { error } = JSON.parse(stdout);
      expect(error.code).toBe('SLUICE_BAD_LINE');
      expect(error.message).toContain(why);
      expect(error.message).not.toContain('point 0');
      expect([...collection.points.keys()]).toEqual([1, 2, 3, 4, 5, 6]);
      expect(collection.closed).toBe(1);
    },
  );

  test.each([
    ['[1,2]', 'line 1: it must be an object with id and vector, not an array'],
    ['7', 'line 1: it must be an object with id and vector, not 7'],
    ['{"id":1}', 'line 1: it has no vector'],
    ['{"id":1,"vector":[]}', 'line 1: its vector is empty'],
    ['{"id":1,"vector":"12"}', 'line 1: its vector must be an array of numbers, not "12"'],
    ['{"id":-1,"vector":[1,2]}', "line 1: id: -1 isn't a non-negative safe integer"],
  ])('a file that begins with %s creates nothing, and the line says why', async (line, why) => {
    const collection = new FakeCollection();
    const { code, stderr } = await ingest([line, ...pointLines(2)], collection);
    expect(code).toBe(1);
    expect(stderr).toBe(`sluice: ${why}; nothing was ingested (SLUICE_BAD_LINE)\n`);
    expect(collection.dimensions).toBeUndefined();
  });

  test.each([[[]], [['--dimensions', '2']]])(
    'a broken line in the first batch creates nothing (%j)',
    async (argv) => {
      const collection = new FakeCollection();
      const lines = [...pointLines(3), '{"id":4,"vector":[1]}', ...pointLines(2)];
      const { code, stderr } = await ingest(lines, collection, '--batch', '4', ...argv);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^sluice: line 4: .*; nothing was ingested \(SLUICE_BAD_LINE\)\n$/);
      expect(collection.dimensions).toBeUndefined();
    },
  );

  test('other dimensions than the collection has are refused, and nothing is written', async () => {
    const collection = new FakeCollection();
    collection.dimensions = 2;
    const { code, stderr } = await ingest(pointLines(3), collection, '--dimensions', '3');
    expect(code).toBe(1);
    expect(stderr).toMatch(/has 2 dimensions, not 3; .* \(SLUICE_DIMENSIONS_MISMATCH\)\n$/);
    expect(collection.upserts).toEqual([]);
    expect(collection.closed).toBe(1);
  });

  test('Ctrl-C before the first batch is whole creates nothing', async () => {
    const controller = new AbortController();
    const endless = new Readable({ read: () => undefined });
    endless.push(`${pointLines(1)[0]}\n`);
    const collection = new FakeCollection();
    const world = { openCollection: collection.open, stdin: endless, signal: controller.signal };
    setTimeout(() => controller.abort(), 50);
    const { code, stdout } = await sluice(['ingest', 'db', '-', '--json'], world);
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ points: 0, interrupted: true });
    expect(collection.openings).toEqual([]);
  });

  test('one point is one point', async () => {
    const { stdout } = await ingest(pointLines(1), new FakeCollection());
    expect(stdout).toMatch(/^1 point in /);
    const lines = [...pointLines(1), '{}'];
    const { stderr } = await ingest(lines, new FakeCollection(), '--batch', '1');
    expect(stderr).toMatch(/^sluice: line 2: .*; 1 point was ingested \(SLUICE_BAD_LINE\)\n$/);
  });

  test('a batch that fails stops it and says which lines it was', async () => {
    const collection = new FakeCollection();
    let upserts = 0;
    collection.onUpsert = () => {
      upserts += 1;
      if (upserts === 2) throw new Error('no more room');
    };
    const { code, stderr } = await ingest(pointLines(100), collection, '--batch', '10');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^sluice: lines 11 to 20: no more room; \d+ points were ingested \(SLUICE_IO\)\n$/,
    );
    expect(collection.upserts.length).toBeLessThan(10);
    expect(collection.closed).toBe(1);
  });

  test('Ctrl-C: what is in flight is finished, nothing is begun, exit code 130', async () => {
    const controller = new AbortController();
    const collection = new FakeCollection();
    collection.onUpsert = () => controller.abort();
    const { code, stdout, stderr } = await sluice(
      ['ingest', 'db', '-', '--batch', '10', '--json'],
      {
        openCollection: collection.open,
        stdin: stdin(pointLines(1000)),
        signal: controller.signal,
      },
    );
    expect(code).toBe(130);
    expect(stderr).toBe('sluice: interrupted\n');
    const { points, interrupted } = JSON.parse(stdout);
    expect(interrupted).toBe(true);
    expect(points).toBe(collection.points.size);
    expect(collection.upserts.flatMap(({ ids }) => ids)).toHaveLength(points);
    expect(points).toBeLessThan(1000);
    expect(collection.closed).toBe(1);
  });

  test('a progress bar is for a person who watches', async () => {
    const path = join(directory, 'points.jsonl');
    writeFileSync(path, pointLines(50).join('\n'));
    const collection = new FakeCollection();
    collection.onUpsert = () => new Promise((resolve) => setTimeout(resolve, 100));
    const watched = { openCollection: collection.open, isTTY: true };
    const argv = ['ingest', 'db', path, '--batch', '10'];
    expect((await sluice(argv, watched)).stderr).toMatch(/ingest █+ +100% \| \d+ points/);
    expect((await sluice([...argv, '--json'], watched)).stderr).toBe('');
    expect((await sluice(argv, { ...watched, isTTY: false })).stderr).toBe('');
  });
});
