// System calls that fail, or are the last of their process: the n-th, for every n.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { numberFromEnvironment, Random } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';
import { outcomeOf } from './endurance.js';
import {
  CALLS,
  type Call,
  callsOfBusiestThread,
  EFFECTS,
  type Effect,
  endure,
  type LongScript,
} from './faults.js';
import { makeSteps } from './steps.js';
import { loadTarget } from './target.js';
import { traceUnavailable } from './trace.js';

// Settings: CRASH_SEED; CRASH_FAULTS: points drawn for each call and effect, 0: all of them.

const TARGET = new URL('./child/collection-target.mjs', import.meta.url);
const SEED = numberFromEnvironment('CRASH_SEED', 1);
const FAULTS = numberFromEnvironment('CRASH_FAULTS', 1);
const unavailable = traceUnavailable();
if (unavailable !== undefined) console.warn(`failing system calls are skipped: ${unavailable}`);

const DIMENSIONS = 4;
/** Runs differ by a few calls, so that one point that isn't reached is not yet the end. */
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

/** Everything that went wrong with one effect on one call, and how many points were tried. */
async function walk(directory: string, call: Call, effect: Effect, numbers: Iterable<number>) {
  const target = await loadTarget(TARGET);
  const problems: string[] = [];
  let [points, told, missed] = [0, 0, 0];
  for (const number of numbers) {
    const place = join(directory, `${call}-${effect}-${number}`);
    mkdirSync(place);
    const script = makeScript(new Random(SEED));
    const endured = await endure(place, TARGET, script, { call, effect, number });
    if (endured.hit) points += 1;
    else missed += 1;
    const outcome = await outcomeOf(target, join(place, 'store'), script, endured);
    problems.push(...outcome.problems.map((text) => `${effect} at ${call} ${number}: ${text}`));
    if (outcome.told) told += 1;
    rmSync(place, { recursive: true });
    if (missed === MISSES_MAX) break;
  }
  return { problems, points, told };
}

function* upwards(): Generator<number> {
  for (let number = 1; ; number += 1) yield number;
}

describe.skipIf(unavailable !== undefined)('a collection whose system calls fail', () => {
  it.each(CALLS)(
    'loses nothing acknowledged, says so with a code, and goes on: %s',
    async (call) => {
      await withDirectory(async (directory) => {
        const random = new Random(SEED);
        const script = makeScript(new Random(SEED));
        const { trace } = await endure(directory, TARGET, script, { call });
        const calls = callsOfBusiestThread(trace, call);
        const drawn = () => Array.from({ length: FAULTS }, () => random.between(1, calls));
        const results = await Promise.all(
          EFFECTS.map((effect) => walk(directory, call, effect, FAULTS > 0 ? drawn() : upwards())),
        );
        const points = results.reduce((sum, result) => sum + result.points, 0);
        const told = results.reduce((sum, result) => sum + result.told, 0);
        console.log(`${call}: ${points} points of ${calls} calls a thread, ${told} told as damage`);
        if (call !== 'openat' && call !== 'read') expect(told).toBe(0);
        expect(results.flatMap(({ problems }) => problems)).toEqual([]);
        expect(points).toBeGreaterThan(0);
      });
    },
    3_600_000,
  );
});
