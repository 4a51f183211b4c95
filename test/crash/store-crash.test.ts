import { describe, expect, it } from 'vitest';
import { numberFromEnvironment, Random } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';
import { SEED, tell } from './amount.js';
import { POWER_CUTS } from './images.js';
import { killLoop } from './kill.js';
import { Model } from './model.js';
import { checkImages, cutsUntilOpened, drawCuts, traceScript } from './power.js';
import { makeSteps, type Script, type StepOptions } from './steps.js';
import { traceUnavailable } from './trace.js';

// Settings: CRASH_SEED, CRASH_IMAGES, CRASH_ROUNDS.

const TARGET = new URL('./child/store-target.mjs', import.meta.url);
const IMAGES = numberFromEnvironment('CRASH_IMAGES', 15);
const ROUNDS = numberFromEnvironment('CRASH_ROUNDS', 2);
const TIME_LIMIT_MS = 60_000 + 1000 * (IMAGES + 4 * ROUNDS);
const unavailable = traceUnavailable();
if (unavailable !== undefined) console.warn(`power-cut images are skipped: ${unavailable}`);
const traced = unavailable === undefined ? it : it.skip;

const WORK = { dimensions: 4, idsMax: 60, waitShare: 0.2, fillerChars: 2000, configurations: [] };
const SMALL_BUFFERS = { walWriteBufferBytes: 65_536, segmentsWriteBufferBytes: 65_536 };

function makeScript(random: Random, first: number, options: StepOptions): Script {
  const steps = makeSteps(random, { ...WORK, count: 400, first });
  return { options: { ...SMALL_BUFFERS, ...options }, inFlightMax: 4, steps };
}

/** Traces one run after `before`, an earlier one that ended well, and checks images of it. */
function cutPower(script: Script, before: Script | undefined, random: Random) {
  return withDirectory(async (directory) => {
    const start = new Model();
    if (before !== undefined) {
      await traceScript(directory, TARGET, before);
      for (const step of before.steps) start.apply(step);
    }
    const trace = await traceScript(directory, TARGET, script);
    const where = { target: TARGET, script, trace, directory, start };
    const draw = { count: IMAGES, modes: POWER_CUTS, random, openedOnly: false };
    return checkImages({ ...where, cuts: drawCuts(trace, draw), random });
  });
}

// The same work on bare LevelDB loses steps from the middle: see level-crash.test.ts.
describe('the log, the segments and their directory', () => {
  traced.each([{ unsyncedBytesMax: 1_048_576 }, { unsyncedBytesMax: 20_000 }])(
    'open after a power cut, in creation too, with a prefix that has every synced step: %o',
    async (options) => {
      const random = new Random(SEED);
      const result = await cutPower(makeScript(random, 0, options), undefined, random);
      expect(result.problems, `CRASH_SEED=${SEED}`).toEqual([]);
      expect(result.lossy).toBeGreaterThan(0);
      tell(`power cuts of log and segments: ${IMAGES} images, ${result.lossy} with losses`);
    },
    TIME_LIMIT_MS,
  );

  traced(
    'open after a power cut at any moment of their creation',
    async () => {
      const random = new Random(SEED);
      const script = makeScript(random, 0, {});
      script.steps.length = 1;
      const result = await withDirectory(async (directory) => {
        const trace = await traceScript(directory, TARGET, script);
        const cuts = cutsUntilOpened(trace, ['kill', ...POWER_CUTS], random);
        const where = { target: TARGET, script, trace, directory, start: new Model() };
        return checkImages({ ...where, cuts, random });
      });
      expect(result.problems, `CRASH_SEED=${SEED}`).toEqual([]);
    },
    TIME_LIMIT_MS,
  );

  traced(
    'lose nothing of an earlier run when the power is cut in a later one',
    async () => {
      const random = new Random(SEED);
      const before = makeScript(random, 0, {});
      const result = await cutPower(makeScript(random, 400, {}), before, random);
      expect(result.problems, `CRASH_SEED=${SEED}`).toEqual([]);
      expect(result.lossy).toBeGreaterThan(0);
    },
    TIME_LIMIT_MS,
  );

  it(
    'have every acknowledged step when their process is killed, again and again',
    async () => {
      const drawOptions = (random: Random) => ({
        walWriteBufferBytes: random.pick([65_536, 4_194_304]),
        segmentsWriteBufferBytes: random.pick([65_536, 4_194_304]),
        unsyncedBytesMax: random.pick([1, 20_000, 1_048_576]),
      });
      const steps = { ...WORK, fillerChars: 100, count: 4000 };
      const random = new Random(SEED);
      const result = await killLoop({ target: TARGET, rounds: ROUNDS, random, drawOptions, steps });
      expect(result.problems, `CRASH_SEED=${SEED}`).toEqual([]);
      expect(result.answered).toBeGreaterThan(50);
    },
    TIME_LIMIT_MS,
  );
});
