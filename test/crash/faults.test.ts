// System calls that fail, or are the last of their process: the n-th, for every n.
import { describe, expect, it } from 'vitest';
import { numberFromEnvironment } from '../support/random.js';
import { repeat, timeLimitMs } from './amount.js';
import { failCall } from './fault-programme.js';
import { CALLS, EFFECTS, textOf } from './faults.js';
import { traceUnavailable } from './trace.js';

// Settings: CRASH_SEED; CRASH_FAULTS: points drawn for each call and effect, 0: all of them.

const COUNT = numberFromEnvironment('CRASH_FAULTS', 1);
const SHARE = 0.25 / CALLS.length;
const unavailable = traceUnavailable();
if (unavailable !== undefined) console.warn(`failing system calls are skipped: ${unavailable}`);

describe.skipIf(unavailable !== undefined)('a collection whose system calls fail', () => {
  it.each(CALLS.map((call) => [textOf(call), call] as const))(
    'loses nothing acknowledged, says so with a code, and goes on: %s',
    (text, call) =>
      repeat(`faults at ${text}`, SHARE, async (seed) => {
        const { problems, points, told } = await failCall(call, EFFECTS, { seed, count: COUNT });
        expect(problems, `CRASH_SEED=${seed}`).toEqual([]);
        expect(points).toBeGreaterThan(0);
        // Only what LevelDB can't read it may lose: then that is told.
        const isLevelReading = call.files === 'databases' && call.name !== 'write';
        if (!isLevelReading) expect(told).toBe(0);
        return { points, 'told as damage': told };
      }),
    timeLimitMs(SHARE),
  );
});
