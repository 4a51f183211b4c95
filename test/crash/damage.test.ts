// Every file of a store damaged in every way: it opens with equal data or not at all, with a code.
import { expect, it } from 'vitest';
import { numberFromEnvironment } from '../support/random.js';
import { repeat, tell, timeLimitMs } from './amount.js';
import { damageStores } from './damage-programme.js';

// Settings: CRASH_SEED; CRASH_DAMAGES: how many are drawn, 0: all of them.

const COUNT = numberFromEnvironment('CRASH_DAMAGES', 60);

it(
  'a damaged store has equal data, or a coded error tells',
  () =>
    repeat('damages', 0.15, async (seed) => {
      const { wrong, sums, aborted, table } = await damageStores(seed, COUNT);
      tell(table);
      expect(wrong, `CRASH_SEED=${seed}`).toEqual([]);
      return { ...sums, aborted };
    }),
  timeLimitMs(0.15),
);
