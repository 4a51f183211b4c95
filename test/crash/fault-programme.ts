import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';
import { COLLECTION } from './collection-work.js';
import { outcomeOf } from './endurance.js';
import {
  type Call,
  callsOfBusiestThread,
  type Effect,
  endure,
  type LongScript,
  textOf,
} from './faults.js';
import { makeSteps } from './steps.js';
import { loadTarget } from './target.js';

const DIMENSIONS = 4;
/** Runs differ by a few calls, so that only so many in a row that aren't reached are the end. */
const MISSES_MAX = 3;

/** Makes a store and opens it again; buffers so small that each part rotates them. */
function makeScript(random: Random): LongScript {
  const options = {
    dimensions: DIMENSIONS,
    distance: 'euclid',
    flushIntervalMs: 30,
    optimizers: {
      maxSegmentSizeKb: 0.5,
      defaultSegmentNumber: 1,
      indexingThresholdKb: 0.2,
      vacuumMinVectorNumber: 10,
    },
    storage: { walWriteBufferBytes: 65_536, segmentsWriteBufferBytes: 65_536 },
  };
  const work = { dimensions: DIMENSIONS, idsMax: 60, waitShare: 0.3, fillerChars: 1500 };
  let first = 0;
  const round = (count: number) => {
    const steps = makeSteps(random, { ...work, count, first, configurations: [] });
    first += count;
    return [...steps, { kind: 'optimize', timeoutMs: 2000, wait: true } as const];
  };
  return {
    inFlightMax: 3,
    parts: [
      { options, rounds: [round(25), round(10)] },
      { options, rounds: [round(10), round(5)] },
    ],
  };
}

interface Walk {
  directory: string;
  seed: number;
  call: Call;
  effect: Effect;
}

/** Everything that went wrong with one effect on one call, and how many points were tried. */
async function walk({ directory, seed, call, effect }: Walk, numbers: Iterable<number>) {
  const target = await loadTarget(COLLECTION);
  const problems: string[] = [];
  let [points, told, missed] = [0, 0, 0];
  for (const number of numbers) {
    const place = join(directory, `${textOf(call)} ${effect} ${number}`);
    mkdirSync(place);
    const script = makeScript(new Random(seed));
    const endured = await endure(place, COLLECTION, script, { call, effect, number });
    if (endured.hit) points += 1;
    missed = endured.hit ? 0 : missed + 1;
    const outcome = await outcomeOf(target, join(place, 'store'), script, endured);
    problems.push(
      ...outcome.problems.map((text) => `${effect} at ${textOf(call)} ${number}: ${text}`),
    );
    if (outcome.told) told += 1;
    rmSync(place, { recursive: true });
    if (missed === MISSES_MAX) break;
  }
  return { problems, points, told };
}

function* upwards(): Generator<number> {
  for (let number = 1; ; number += 1) yield number;
}

/** What came of the points of one call. */
export interface FaultResult {
  problems: string[];
  /** Points at which the fault happened. */
  points: number;
  /** Of these: the store is damaged for good, and says so. */
  told: number;
}

/** Lets a call fail with each effect, at so many points drawn by the seed, or, for 0, at every one. */
export function failCall(
  call: Call,
  effects: readonly Effect[],
  { seed, count }: { seed: number; count: number },
): Promise<FaultResult> {
  return withDirectory(async (directory) => {
    const random = new Random(seed);
    const { trace } = await endure(directory, COLLECTION, makeScript(new Random(seed)), { call });
    const calls = callsOfBusiestThread(trace, call);
    const drawn = () => Array.from({ length: count }, () => random.between(1, calls));
    const results = await Promise.all(
      effects.map((effect) =>
        walk({ directory, seed, call, effect }, count > 0 ? drawn() : upwards()),
      ),
    );
    return {
      problems: results.flatMap(({ problems }) => problems),
      points: results.reduce((sum, { points }) => sum + points, 0),
      told: results.reduce((sum, { told }) => sum + told, 0),
    };
  });
}
