import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { openCollection } from 'sluice';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyStore } from '#sluice/services/points/verify.js';
import { sluice as runHere } from './support/host.js';

const main = fileURLToPath(import.meta.resolve('#sluice/cli/main.js'));
const filmsFile = fileURLToPath(new URL('../../examples/data/movies.jsonl.gz', import.meta.url));
const root = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
const db = join(root, 'films.db');
afterAll(() => rmSync(root, { recursive: true }));

interface Film {
  id: number;
  vector: number[];
  payload: { title: string; year: number };
}

const films: Film[] = gunzipSync(readFileSync(filmsFile))
  .toString()
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));

function start(...argv: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [main, ...argv]);
}

async function ended(child: ChildProcessWithoutNullStreams) {
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    text.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    text.stderr += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, ...text };
}

/** A command within this process: what needs no process of its own is quicker so. */
function sluice(...argv: string[]) {
  return runHere(argv, { openCollection, verifyStore });
}

/** The result of a command that must succeed. */
async function json(...argv: string[]) {
  const { code, stdout, stderr } = await sluice(...argv, '--json');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, at) => sum + value * (y[at] ?? 0), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

beforeAll(async () => {
  const child = start('ingest', db, filmsFile, '--json');
  child.stdin.end();
  const { code, stdout, stderr } = await ended(child);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ points: films.length, interrupted: false });
});

describe('the command on a collection of films', () => {
  test('search finds what a look at every film finds', async () => {
    const query = films[100];
    if (query === undefined) throw new Error('there are films');
    const hits: { id: number; score: number }[] = await json(
      ...['search', db, '--id', String(query.id), '--limit', '10'],
    );
    const scores = films.map(({ id, vector }) => ({ id, score: cosine(vector, query.vector) }));
    const wanted = scores.sort((a, b) => b.score - a.score).slice(0, 10);
    expect(hits.map(({ id }) => id)).toEqual(wanted.map(({ id }) => id));
    for (const [at, { score }] of hits.entries()) expect(score).toBeCloseTo(wanted[at]?.score ?? 0);
  });

  test('a filter is heeded', async () => {
    const filter = JSON.stringify({ must: [{ key: 'year', range: { gte: 2020 } }] });
    const vector = JSON.stringify(films[0]?.vector);
    const hits = await json('search', db, '--vector', vector, '--filter', filter, '--limit', '5');
    expect(hits).toHaveLength(5);
    for (const { payload } of hits) expect(payload.year).toBeGreaterThanOrEqual(2020);
  });

  test('get, info, optimize and verify', async () => {
    const { id, payload } = films[7] ?? {};
    expect(await json('get', db, String(id))).toEqual([{ id, payload }]);
    expect(await json('info', db)).toMatchObject({ points: films.length, dimensions: 64 });
    expect((await sluice('info', db)).stdout).toMatch(/points +2113\n/);
    expect(await json('optimize', db)).toMatchObject({ status: 'green' });
    expect(await json('verify', db)).toMatchObject({
      ok: true,
      checked: { points: films.length },
      problems: [],
    });
  });

  test('failures have their codes and exit codes', async () => {
    const missing = join(root, 'missing.db');
    const cases = [
      [['info', missing], 1, 'SLUICE_NOT_FOUND'],
      [['verify', missing], 1, 'SLUICE_NOT_FOUND'],
      [['info', filmsFile], 1, 'SLUICE_NOT_A_STORE'],
      [['ingest', db, filmsFile, '--dimensions', '3'], 1, 'SLUICE_DIMENSIONS_MISMATCH'],
      [['search', db, '--vector', '[1]'], 2, 'SLUICE_BAD_VECTOR'],
      [['search', db, '--id', '1', '--filter', '{"must":1}'], 2, 'SLUICE_BAD_FILTER'],
      [['search', db], 2, 'SLUICE_BAD_OPTION'],
    ] as const;
    for (const [argv, code, error] of cases) {
      const outcome = await sluice(...argv, '--json');
      expect({ argv, code: outcome.code }).toEqual({ argv, code });
      expect(JSON.parse(outcome.stdout)).toMatchObject({ error: { code: error } });
      expect(outcome.stderr).toMatch(new RegExp(`^sluice: [^\\n]+ \\(${error}\\)\\n$`));
    }
  });

  test('a reader of stdout that goes away is no error', async () => {
    const child = start('get', db, ...films.map(({ id }) => String(id)));
    child.stdin.end();
    child.stdout.destroy();
    const { code, stderr } = await ended(child);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});

describe('a full disk below stdout', () => {
  // A device that is always full; where there is none there is nothing to run this on.
  test.skipIf(!existsSync('/dev/full'))(
    'is told in one line, exit code 1 (skipped where /dev/full is missing)',
    async () => {
      for (const argv of [['get', db, '1'], ['info', db, '--json'], ['--help']]) {
        const full = openSync('/dev/full', 'w');
        const child = spawn(process.execPath, [main, ...argv], { stdio: ['ignore', full, 'pipe'] });
        let stderr = '';
        child.stderr?.on('data', (chunk) => {
          stderr += chunk;
        });
        const [code] = await once(child, 'close');
        closeSync(full);
        expect({ argv, code }).toEqual({ argv, code: 1 });
        expect(stderr).toMatch(/^sluice: cannot write the result: [^\n]+ \(SLUICE_DISK_FULL\)\n$/);
      }
    },
  );
});

describe('Ctrl-C in the middle of an ingest', () => {
  const lines = films.slice(0, 1000).map((film) => `${JSON.stringify(film)}\n`);

  /** Begins an ingest whose input doesn't end, and waits until its first batches are written. */
  async function startIngest(path: string) {
    const child = start('ingest', path, '-', '--batch', '100', '--json');
    const outcome = ended(child);
    child.stdin.on('error', () => undefined);
    child.stdin.write(lines.join(''));
    // The last step of creating a collection; the first batches follow at once.
    while (!existsSync(join(path, 'FORMAT'))) await delay(10);
    await delay(200);
    return { child, outcome };
  }

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'what is in flight is finished and the collection closed: %s, exit code 130',
    async (signal) => {
      const path = join(root, `interrupted-${signal}.db`);
      const { child, outcome } = await startIngest(path);
      child.kill(signal);
      const { code, stdout, stderr } = await outcome;
      expect({ code, stderr }).toEqual({ code: 130, stderr: 'sluice: interrupted\n' });
      const { points, interrupted } = JSON.parse(stdout);
      expect(interrupted).toBe(true);
      expect(await json('info', path)).toMatchObject({ points });
      expect(points % 100).toBe(0);
      expect(await json('verify', path)).toMatchObject({ ok: true });
    },
  );

  test('a second one ends it at once, and nothing is damaged', async () => {
    const path = join(root, 'interrupted-twice.db');
    const { child, outcome } = await startIngest(path);
    child.kill('SIGINT');
    child.kill('SIGTERM');
    const { code, stderr } = await outcome;
    expect({ code, stderr }).toEqual({ code: 130, stderr: 'sluice: ended at once\n' });
    expect(await json('verify', path)).toMatchObject({ ok: true });
    expect((await json('info', path)).points % 100).toBe(0);
  });
});
