// A little of each programme; `npm run test:crash` runs them as they are meant.
import { expect, it } from 'vitest';
import { SEED } from './amount.js';
import { cutPower, killRounds } from './collection-programme.js';
import { damageStores } from './damage-programme.js';
import { failCall } from './fault-programme.js';
import { traceUnavailable } from './trace.js';

const TIME_LIMIT_MS = 120_000;
const unavailable = traceUnavailable();
if (unavailable !== undefined) console.warn(`power cuts, faults are skipped: ${unavailable}`);
const traced = unavailable === undefined ? it : it.skip;

it(
  'a killed process loses nothing acknowledged',
  async () => {
    expect((await killRounds(SEED, 1)).problems).toEqual([]);
  },
  TIME_LIMIT_MS,
);

traced(
  'a power cut takes nothing that was waited for',
  async () => {
    expect((await cutPower(SEED, 4, 100)).problems).toEqual([]);
  },
  TIME_LIMIT_MS,
);

traced(
  'a failing sync loses nothing acknowledged',
  async () => {
    const { problems, points } = await failCall({ name: 'fdatasync' }, ['EIO'], {
      seed: SEED,
      count: 1,
    });
    expect(problems).toEqual([]);
    expect(points).toBe(1);
  },
  TIME_LIMIT_MS,
);

it(
  'damage is told',
  async () => {
    const { wrong, sums } = await damageStores(SEED, 12, 12);
    expect(wrong).toEqual([]);
    expect(sums.coded).toBeGreaterThan(0);
  },
  TIME_LIMIT_MS,
);
