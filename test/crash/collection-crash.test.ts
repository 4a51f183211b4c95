import { describe, expect, it } from 'vitest';
import { numberFromEnvironment } from '../support/random.js';
import { repeat, timeLimitMs } from './amount.js';
import { cutCreation, cutPower, cutRecovery, killRounds } from './collection-programme.js';
import { traceUnavailable } from './trace.js';

// Settings: CRASH_SEED, CRASH_IMAGES, CRASH_ROUNDS. `npm run test:crash` is the long form.

const IMAGES = numberFromEnvironment('CRASH_IMAGES', 25);
const ROUNDS = numberFromEnvironment('CRASH_ROUNDS', 4);
/** Images of each recovery. */
const MOMENTS = 5;
const unavailable = traceUnavailable();
if (unavailable !== undefined) console.warn(`power-cut images are skipped: ${unavailable}`);
const traced = unavailable === undefined ? it : it.skip;

describe('a collection after a power cut', () => {
  traced(
    'has every operation that was waited for, no gap, and opens even if its creation was cut',
    () =>
      repeat('power cuts', 0.2, async (seed) => {
        const { problems, lossy, rotated } = await cutPower(seed, IMAGES);
        expect(problems, `CRASH_SEED=${seed}`).toEqual([]);
        expect(lossy).toBeGreaterThan(0);
        // Enough of them to tell: what only a later file of the log has was written there again.
        if (IMAGES >= 100) expect(rotated).toBeGreaterThan(0);
        return { images: IMAGES, 'with losses': lossy, 'with a rotated log': rotated };
      }),
    timeLimitMs(0.2),
  );

  traced(
    'opens after a power cut at any moment of its creation',
    () =>
      repeat('power cuts while creating', 0.05, async (seed) => {
        const { problems, images } = await cutCreation(seed);
        expect(problems, `CRASH_SEED=${seed}`).toEqual([]);
        return { images };
      }),
    timeLimitMs(0.05),
  );

  traced(
    'has as much when the power is cut again while it recovers',
    () =>
      repeat('power cuts while recovering', 0.1, async (seed) => {
        const recoveries = Math.max(2, Math.ceil(IMAGES / 10));
        const { problems } = await cutRecovery(seed, recoveries, MOMENTS);
        expect(problems, `CRASH_SEED=${seed}`).toEqual([]);
        return { recoveries, images: recoveries * MOMENTS };
      }),
    timeLimitMs(0.1),
  );
});

describe('a collection whose process is killed, again and again', () => {
  it(
    'has every acknowledged operation, nothing twice, and gives no number again',
    () =>
      repeat('kills', 0.2, async (seed) => {
        const { problems, killed, answered } = await killRounds(seed, ROUNDS);
        expect(problems, `CRASH_SEED=${seed}`).toEqual([]);
        expect(killed).toBeGreaterThan(0);
        expect(answered).toBeGreaterThan(10 * ROUNDS);
        return { rounds: ROUNDS, killed, 'steps answered': answered };
      }),
    timeLimitMs(0.2),
  );
});
