// SIGTERM at any moment: commands finish what is in flight, a program closes, nothing is lost.
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCollection, verifyStore } from 'sluice';
import { expect, it } from 'vitest';
import { contentsOf } from '../support/points.js';
import { numberFromEnvironment, Random } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';
import { repeat, timeLimitMs } from './amount.js';
import { type Ended, terminate } from './termination.js';

// Settings: CRASH_SEED, CRASH_TERMINATIONS.

const ROUNDS = numberFromEnvironment('CRASH_TERMINATIONS', 4);
const SHARE = 0.04;
const PROGRAM = fileURLToPath(new URL('./child/until-terminated.mjs', import.meta.url));
const DIMENSIONS = 32;
const POINTS = 3000;
const INTERRUPTED = { code: 130, stderr: 'sluice: interrupted\n' };

/** Before the first line of a program has run, the system ends the process. */
const isTooEarly = ({ signal, stdout }: Ended) => signal === 'SIGTERM' && stdout === '';

const pointOf = (id: number, random: Random) => ({
  id,
  vector: Array.from({ length: DIMENSIONS }, () => random.next() - 0.5),
  payload: { id },
});

/** A collection of which nothing is optimized yet. */
async function makeUnoptimized(path: string, random: Random): Promise<void> {
  const optimizers = { maxOptimizationThreads: 0, indexingThresholdKb: 50 };
  const collection = await openCollection(path, { dimensions: DIMENSIONS, optimizers });
  for (let first = 0; first < POINTS; first += 500) {
    const ids = Array.from({ length: 500 }, (_, at) => first + at);
    await collection.upsert(ids.map((id) => pointOf(id, random)));
  }
  await collection.configure({ optimizers: { maxOptimizationThreads: 1 } });
  await collection.close();
}

async function expectSound(path: string): Promise<void> {
  expect(await verifyStore(path)).toMatchObject({ ok: true, problems: [] });
}

it(
  'a program that closes on SIGTERM ends by itself and has every acknowledged update',
  () =>
    repeat('programs that are told to end', SHARE, (seed) =>
      withDirectory(async (directory) => {
        const random = new Random(seed);
        const path = join(directory, 'store');
        const figures = { terminations: 0, 'while opening': 0, 'updates answered': 0 };
        let [first, done] = [0, -1];
        for (let round = 0; round < ROUNDS; round += 1) {
          // While it starts, opens, has just opened, and is at work, in turn.
          const moments = [
            [undefined, random.between(0, 400)],
            ['ready', random.between(0, 30)],
            ['opened', random.between(0, 20)],
            ['opened', random.between(50, 900)],
          ] as const;
          const [words, delayMs] = moments[round % moments.length] ?? moments[0];
          const ended = await terminate([PROGRAM, path, String(first)], {
            ...(words && { words }),
            delayMs,
          });
          if (isTooEarly(ended)) continue;
          const where = `CRASH_SEED=${seed}, round ${round}: ${ended.stdout.slice(-200)}`;
          expect(ended, where).toMatchObject({ code: 0, stderr: '' });
          const lines = ended.stdout.trimEnd().split('\n');
          const marks = lines.map((line) => JSON.parse(line));
          const last = (name: string) => marks.findLast((mark) => mark[name] !== undefined)?.[name];
          expect(last('at'), where).toBe('end');
          if (!ended.stdout.includes('opened')) figures['while opening'] += 1;
          done = last('done') ?? done;
          // It finishes what it has begun: nothing is in doubt.
          expect(last('begun') ?? done, where).toBe(done);
          figures.terminations += 1;
          figures['updates answered'] += done + 1 - first;
          first = done + 1;
          if (existsSync(join(path, 'FORMAT'))) await expectSteps(path, first, where);
        }
        expect(figures.terminations, `CRASH_SEED=${seed}`).toBeGreaterThan(0);
        return figures;
      }),
    ),
  timeLimitMs(SHARE),
);

/** Each point must show the newest step that wrote it, of so many. */
async function expectSteps(path: string, steps: number, where: string): Promise<void> {
  await expectSound(path);
  const collection = await openCollection(path);
  const contents = await contentsOf(collection);
  await collection.close();
  const found = [...contents.values()].map(({ payload }) => Number(payload.step));
  const newest = Math.max(-1, ...found);
  expect(newest, where).toBe(steps - 1);
  expect(
    found.sort((a, b) => a - b),
    where,
  ).toEqual(Array.from({ length: found.length }, (_, at) => steps - found.length + at));
}

it(
  'commands end with 130 on SIGTERM, and leave a sound collection with everything in it',
  () =>
    repeat('commands that are told to end', SHARE, (seed) =>
      withDirectory(async (directory) => {
        const random = new Random(seed);
        const original = join(directory, 'original');
        await makeUnoptimized(original, random);
        const figures = { optimize: 0, verify: 0, ingest: 0, 'ended before': 0 };
        for (let round = 0; round < ROUNDS; round += 1) {
          for (const command of ['optimize', 'verify', 'ingest'] as const) {
            const path = join(directory, `${command}-${round}`);
            cpSync(original, path, { recursive: true });
            const lines = Array.from({ length: 300 }, (_, at) =>
              JSON.stringify(pointOf(POINTS + at, random)),
            );
            const parameters = command === 'ingest' ? [path, '-', '--batch', '50'] : [path];
            const ended = await terminate(['sluice', command, ...parameters, '--json'], {
              delayMs: random.between(100, 1500),
              ...(command === 'ingest' && { input: `${lines.join('\n')}\n` }),
            });
            await expectSound(path);
            const collection = await openCollection(path);
            const { points } = collection.info();
            await collection.close();
            const where = `CRASH_SEED=${seed}, ${command} in round ${round}`;
            const [least, most] = command === 'ingest' ? [POINTS, POINTS + 300] : [POINTS, POINTS];
            expect(points, where).toBeGreaterThanOrEqual(least);
            expect(points, where).toBeLessThanOrEqual(most);
            const { code, stderr, signal } = ended;
            if (code === 0 || signal === 'SIGTERM') {
              // It was through, or had not begun.
              expect(stderr, where).toBe('');
              figures['ended before'] += 1;
            } else {
              expect({ code, stderr }, where).toEqual(INTERRUPTED);
              figures[command] += 1;
            }
          }
        }
        return figures;
      }),
    ),
  timeLimitMs(SHARE),
);
