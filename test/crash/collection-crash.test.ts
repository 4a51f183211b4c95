import { describe, expect, it } from 'vitest';
import { numberFromEnvironment, Random } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';
import { POWER_CUTS } from './images.js';
import { killLoop } from './kill.js';
import { Model } from './model.js';
import { checkImages, drawCuts, traceScript } from './power.js';
import { makeSteps, type StepOptions } from './steps.js';
import { traceUnavailable } from './trace.js';

// Settings: CRASH_SEED, CRASH_IMAGES, CRASH_ROUNDS. `npm run test:crash` is the long form.

const TARGET = new URL('./child/collection-target.mjs', import.meta.url);
const SEED = numberFromEnvironment('CRASH_SEED', 1);
const IMAGES = numberFromEnvironment('CRASH_IMAGES', 25);
const ROUNDS = numberFromEnvironment('CRASH_ROUNDS', 4);
const TIME_LIMIT_MS = 60_000 + 1000 * (IMAGES + 4 * ROUNDS);
const unavailable = traceUnavailable();
if (unavailable !== undefined) console.warn(`power-cut images are skipped: ${unavailable}`);
const traced = unavailable === undefined ? it : it.skip;

const DIMENSIONS = 8;
// A vector takes 32 bytes: segments of 64 points among 300 ids keep every optimizer at work.
const OPTIMIZERS = {
  deletedThreshold: 0.1,
  vacuumMinVectorNumber: 20,
  defaultSegmentNumber: 2,
  maxSegmentSizeKb: 2,
};

const WORK = {
  dimensions: DIMENSIONS,
  idsMax: 300,
  configurations: [
    { optimizers: { maxOptimizationThreads: 0 } },
    { optimizers: { maxOptimizationThreads: 1 } },
    { optimizers: { maxOptimizationThreads: null, deletedThreshold: 0.3 } },
    { optimizers: { maxSegmentSizeKb: 8, defaultSegmentNumber: 3 } },
    { optimizers: { indexingThresholdKb: 1 }, hnsw: { efConstruct: 50 } },
    { optimizers: { indexingThresholdKb: 0.5 }, hnsw: { m: 4 } },
    { optimizers: { indexingThresholdKb: 0 } },
  ],
};

/** Options of a store whose buffers, segments and intervals are so small that all is busy. */
function drawOptions(random: Random): StepOptions {
  return {
    dimensions: DIMENSIONS,
    distance: 'euclid',
    optimizers: {
      ...OPTIMIZERS,
      defaultSegmentNumber: random.pick([1, 2, 4]),
      indexingThresholdKb: random.pick([0, 1]),
    },
    flushIntervalMs: random.pick([5, 50, 1000]),
    storage: {
      walWriteBufferBytes: 65_536,
      segmentsWriteBufferBytes: random.pick([65_536, 262_144]),
    },
  };
}

describe('a collection after a power cut', () => {
  traced(
    'has every operation that was waited for, no gap, and opens even if its creation was cut',
    async () => {
      const random = new Random(SEED);
      const work = { ...WORK, count: 1500, first: 0, waitShare: 0.15, fillerChars: 400 };
      const script = {
        options: { ...drawOptions(random), flushIntervalMs: 5 },
        inFlightMax: 8,
        steps: makeSteps(random, work),
      };
      const result = await withDirectory(async (directory) => {
        const trace = await traceScript(directory, TARGET, script);
        const where = { target: TARGET, script, trace, directory, start: new Model() };
        const modes = ['kill', ...POWER_CUTS] as const;
        const cuts = drawCuts(trace, { count: IMAGES, modes, random, openedOnly: false });
        return checkImages({ ...where, cuts, random });
      });
      expect(result.problems, `CRASH_SEED=${SEED}`).toEqual([]);
      expect(result.lossy).toBeGreaterThan(0);
    },
    TIME_LIMIT_MS,
  );
});

describe('a collection whose process is killed, again and again', () => {
  it(
    'has every acknowledged operation, nothing twice, and gives no number again',
    async () => {
      const steps = { ...WORK, count: 4000, waitShare: 0.3, fillerChars: 50 };
      const random = new Random(SEED);
      const result = await killLoop({ target: TARGET, rounds: ROUNDS, random, drawOptions, steps });
      expect(result.problems, `CRASH_SEED=${SEED}`).toEqual([]);
      expect(result.killed).toBeGreaterThan(0);
      expect(result.answered).toBeGreaterThan(20 * ROUNDS);
    },
    TIME_LIMIT_MS,
  );
});
