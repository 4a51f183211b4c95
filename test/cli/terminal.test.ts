// What a person sees who sits before a terminal, and what a program reads that doesn't.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { openCollection, SluiceError } from 'sluice';
import { describe, expect, test } from 'vitest';
import { logLine } from '#sluice/cli/log-lines.js';
import { durationText } from '#sluice/cli/text.js';
import { verifyStore } from '#sluice/services/points/verify.js';
import { temporaryDirectory } from '../support/temporary.js';
import { FakeCollection } from './support/fake-collection.js';
import { sluice } from './support/host.js';

const ESCAPE = '\u001b';
/** What sets a color or moves the cursor. */
const CONTROL = `${ESCAPE}\\[[?\\d]*[A-Za-z]`;

function filled(): FakeCollection {
  const collection = new FakeCollection();
  collection.dimensions = 2;
  return collection;
}

describe('colors', () => {
  test('a terminal that shows them gets them; a pipe and NO_COLOR get plain text', async () => {
    const collection = filled();
    const openCollection = collection.open;
    const { stdout } = await sluice(['info', 'db'], { openCollection, colored: true });
    expect(stdout).toContain(`${ESCAPE}[32mgreen${ESCAPE}[0m`);
    const plain = await sluice(['info', 'db'], { openCollection });
    expect(plain.stdout).not.toContain(ESCAPE);
    // Without the colors it is the same.
    expect(stdout.replaceAll(new RegExp(CONTROL, 'g'), '')).toBe(plain.stdout);
  });
});

describe('bars', () => {
  const run = {
    ...{ optimizer: 'merge', startedAt: 0, status: { state: 'optimizing' as const } },
    ...{ phase: 'catchingUp' as const, progress: { copied: 400, indexed: 0, total: 1000 } },
  };

  /** The lines that were drawn, whatever moved the cursor between them. */
  async function drawn(columns: number, running: FakeCollection['running']) {
    const collection = filled();
    collection.running = running;
    collection.optimizing = () => new Promise((resolve) => setTimeout(resolve, 150));
    const world = { openCollection: collection.open, isTTY: true, columns };
    const { stderr } = await sluice(['optimize', 'db'], world);
    const lines = stderr.split(new RegExp(`(?:${CONTROL}|\\r|\\n)+`));
    return [...new Set(lines.filter((line) => line.trim() !== ''))];
  }

  test('no line is wider than the terminal', async () => {
    const many = Array.from({ length: 12 }, (_, id) => id * 7);
    const look = async (columns: number) => {
      const lines = await drawn(columns, [
        { ...run, segmentIds: many },
        { ...run, segmentIds: [100, 101] },
      ]);
      expect(lines.length).toBeGreaterThan(0);
      for (const line of lines) expect(line.length, line).toBeLessThanOrEqual(columns);
    };
    await Promise.all([120, 80, 60, 30, 10].map(look));
  });

  test('one for each run, with its phase, below each other', async () => {
    const lines = await drawn(100, [
      { ...run, segmentIds: [9, 2, 3, 4] },
      { ...run, optimizer: 'vacuum', segmentIds: [1], phase: 'copying' },
    ]);
    expect(lines).toEqual([
      expect.stringMatching(
        /^merge 2…9 \(4 segments\) █+░+ +40% \| catching up \| 400\/1000 points$/,
      ),
      expect.stringMatching(/^vacuum 1 {15,16}█+░+ +40% \| copying \| 400\/1000 points$/),
    ]);
    const [one, other] = lines.map((line) => line.indexOf('█'));
    expect(one).toBe(other);
  });
});

describe('sluice ingest', () => {
  async function watched(argv: readonly string[], stdin = Readable.from([])) {
    const collection = new FakeCollection();
    collection.onUpsert = () => new Promise((resolve) => setTimeout(resolve, 200));
    const world = { openCollection: collection.open, isTTY: true, stdin };
    return (await sluice(['ingest', 'db', ...argv, '--batch', '10'], world)).stderr;
  }
  const points = Array.from({ length: 160 }, (_, id) => JSON.stringify({ id, vector: [1, 2] }));

  test('shows the rate and the time that is left of a file, of stdin the rate alone', async () => {
    const path = join(await temporaryDirectory(), 'points.jsonl');
    writeFileSync(path, points.join('\n'));
    const [file, pipe] = await Promise.all([
      watched([path]),
      watched(['-'], Readable.from([points.join('\n')])),
    ]);
    expect(file).toMatch(/ingest [█░]+ +\d+% \| \d+ points, \d+ points\/s, \d+ s left/);
    expect(pipe).toMatch(/ingest \| \d+ points, \d+ points\/s/);
    expect(pipe).not.toMatch(/%|left/);
  });

  test('durations for people', () => {
    expect([0, 0.4, 59, 61, 3599, 3600, 7_500].map(durationText)).toEqual([
      ...['0 s', '1 s', '59 s', '1 min 1 s', '59 min 59 s', '1 h 0 min', '2 h 5 min'],
    ]);
  });
});

describe('--log', () => {
  const services = { openCollection, verifyStore };

  test('lines on a terminal instead of bars, JSON lines otherwise, nothing without it', async () => {
    const db = join(await temporaryDirectory(), 'films.db');
    const file = join(await temporaryDirectory(), 'points.jsonl');
    writeFileSync(file, '{"id": 1, "vector": [1, 2]}');
    const shown = await sluice(['ingest', db, file, '--log', 'info'], { ...services, isTTY: true });
    const [opened, closed, ...more] = shown.stderr.trimEnd().split('\n');
    expect(opened).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} INFO {2}updateHandler {6}opened applied=0 .*ms=/,
    );
    expect(closed).toMatch(/ closed applied=1 committed=1 ms=\d+$/);
    expect(more).toEqual([]);

    for (const world of [{}, { isTTY: true }]) {
      const argv = ['info', db, '--log', 'info', ...('isTTY' in world ? ['--json'] : [])];
      const { stderr } = await sluice(argv, { ...services, ...world });
      const records = stderr
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(records[0]).toMatchObject({ level: 'info', actor: 'updateHandler', msg: 'opened' });
    }
    expect((await sluice(['info', db, '--log', 'error'], services)).stderr).toBe('');
    expect((await sluice(['info', db], services)).stderr).toBe('');
    const wrong = await sluice(['info', db, '--log', 'loud'], services);
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
  });

  test('a record on one line, with what failed', () => {
    const err = new SluiceError('SLUICE_IO', 'no\nluck');
    const record = {
      time: 0,
      level: 'warn',
      actor: 'flushWorker',
      msg: 'flush failed',
      code: 'SLUICE_IO',
      err,
      why: 'two words',
    };
    expect(logLine(record, false)).toBe(
      '00:00:00.000 WARN  flushWorker        flush failed code=SLUICE_IO why="two words": no luck',
    );
    expect(logLine(record, true)).toContain(`${ESCAPE}[33mWARN ${ESCAPE}[0m`);
  });
});
