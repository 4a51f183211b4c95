import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import { describe, expect, it } from 'vitest';
import { numberFromEnvironment, Random } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';
import { type CrashMode, imageAt, POWER_CUTS, writeImage } from './images.js';
import { killLoop } from './kill.js';
import { Model } from './model.js';
import { checkImages, drawCuts, traceScript } from './power.js';
import { makeSteps, type Script } from './steps.js';
import { entriesOf, type TraceOptions, traceRun, traceUnavailable } from './trace.js';
import type { Trace } from './trace-events.js';

// These tests prove the tools on bare LevelDB: they find what it loses, and nothing else.

const TARGET = new URL('./child/level-target.mjs', import.meta.url);
const SEED = numberFromEnvironment('CRASH_SEED', 1);
const unavailable = traceUnavailable();
if (unavailable !== undefined) console.warn(`power-cut images are skipped: ${unavailable}`);
const traced = unavailable === undefined ? it : it.skip;

const WORK = {
  dimensions: 4,
  idsMax: 60,
  waitShare: 0.1,
  fillerChars: 2000,
  configurations: [],
};

function makeScript(count: number, options: Script['options']): Script {
  const steps = makeSteps(new Random(SEED), { ...WORK, count, first: 0 });
  return { options, inFlightMax: 4, steps };
}

/** Runs a script traced, then checks images of it. */
async function cutPower(script: Script, modes: readonly CrashMode[], images: number) {
  return withDirectory(async (directory) => {
    const trace = await traceScript(directory, TARGET, script);
    const random = new Random(SEED);
    const where = { target: TARGET, script, trace, directory, start: new Model() };
    const cuts = drawCuts(trace, { count: images, modes, random, openedOnly: true });
    return checkImages({ ...where, cuts, random });
  });
}

describe('power-cut images of LevelDB', () => {
  traced('lose unsynced puts of an earlier memtable although a later put is synced', () =>
    withDirectory(async (directory) => {
      const { trace, at } = await traceLevel(
        directory,
        `const db = new Level(path, { writeBufferSize: 4 << 20, compression: false });
         await db.open();
         for (let index = 0; index < 9; index += 1) await db.put('k' + index, 'x'.repeat(512 << 10));
         await db.put('synced', 'x', { sync: true });
         mark('synced');
         await db.close();`,
        // The earlier memtable takes two syncs to be durable, the put takes one.
        { fdatasyncDelayMs: 500 },
      );
      const kept = await keysOf(directory, trace, at('synced') + 1, 'drop');
      expect(kept).toEqual(['k8', 'synced']);
      const all = await keysOf(directory, trace, at('synced') + 1, 'kill');
      expect(all).toHaveLength(10);
      const left = imageAt(trace.events, trace.events.length, 'kill', new Random(SEED));
      for (const { path, data } of entriesOf(join(directory, 'store'), '')) {
        expect(Buffer.compare(left.files.get(path) ?? Buffer.of(), data ?? Buffer.of())).toBe(0);
      }
    }),
  );

  traced('can make a directory that never opens, when creation was cut', () =>
    withDirectory(async (directory) => {
      const { trace, at } = await traceLevel(
        directory,
        `const db = new Level(path); await db.open(); mark('opened'); await db.close();`,
      );
      const codes = new Set<unknown>();
      for (let point = trace.begin; point < at('opened'); point += 1) {
        codes.add(await keysOf(directory, trace, point, 'drop').catch((error) => error.cause.code));
      }
      expect(codes).toContain('LEVEL_CORRUPTION');
    }),
  );

  traced('lose nothing and have no gap when every batch is synced', async () => {
    const script = makeScript(150, { sync: 'always', syncDirectory: true });
    const result = await cutPower(script, POWER_CUTS, 40);
    expect(result).toMatchObject({ problems: [], lossy: 0 });
  });

  traced('lose a new database whose directory nobody synced, where files sync alone', async () => {
    const script = makeScript(60, { sync: 'always' });
    const { problems } = await cutPower(script, ['lateAlone'], 40);
    expect(problems.join()).toMatch(/LEVEL_CORRUPTION/);
  });

  traced('lose nothing at all when only the process ends', async () => {
    const result = await cutPower(makeScript(300, { sync: 'asked' }), ['kill'], 30);
    expect(result).toMatchObject({ problems: [], lossy: 0 });
  });

  traced(
    'show gaps and lost promises when some batches are synced and memtables rotate',
    async () => {
      const { problems } = await cutPower(makeScript(400, { sync: 'asked' }), POWER_CUTS, 40);
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.join()).toMatch(/no prefix of the steps|were promised/);
    },
  );
});

describe('the kill loop', () => {
  const steps = { ...WORK, count: 4000 };

  it('finds nothing wrong with LevelDB, synced or not', async () => {
    const drawOptions = (random: Random) => ({ writeBufferSize: random.pick([65_536, 4_194_304]) });
    const random = new Random(SEED);
    const result = await killLoop({ target: TARGET, rounds: 4, random, drawOptions, steps });
    expect(result.problems).toEqual([]);
    expect(result.killed).toBeGreaterThan(0);
    expect(result.answered).toBeGreaterThan(50);
  });

  it('finds a store that acknowledges before it writes', async () => {
    const drawOptions = () => ({ acknowledgeEarly: true, sync: 'always' });
    const random = new Random(SEED);
    const result = await killLoop({ target: TARGET, rounds: 4, random, drawOptions, steps });
    expect(result.problems.join()).toMatch(/were promised/);
  });
});

/** Traces a few lines of code that have `Level`, `path` and `mark(text)`. */
async function traceLevel(
  directory: string,
  code: string,
  options: Pick<TraceOptions, 'fdatasyncDelayMs'> = {},
) {
  const scriptFile = join(directory, 'script.mjs');
  const marksFile = join(directory, 'marks');
  const storePath = join(directory, 'store');
  const script = `
    import { openSync, writeSync } from 'node:fs';
    import { Level } from '${import.meta.resolve('level')}';
    const path = ${JSON.stringify(storePath)};
    const marks = openSync(${JSON.stringify(marksFile)}, 'a');
    const mark = (text) => writeSync(marks, text + '\\n');
    ${code}`;
  writeFileSync(scriptFile, script);
  mkdirSync(storePath);
  const files = { directory: storePath, marksFile, traceFile: join(directory, 'trace') };
  const trace = await traceRun({ command: [scriptFile], ...files, ...options });
  const at = (text: string) =>
    trace.events.findIndex((event) => event.type === 'mark' && event.text === text);
  return { trace, at };
}

/** The keys found in the image of a crash. */
async function keysOf(directory: string, trace: Trace, point: number, mode: CrashMode) {
  const path = join(directory, `image-${point}-${mode}`);
  writeImage(imageAt(trace.events, point, mode, new Random(SEED)), path);
  const db = new Level(path);
  try {
    await db.open();
    return await db.keys().all();
  } finally {
    await db.close();
  }
}
