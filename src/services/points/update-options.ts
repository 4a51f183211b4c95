import { SluiceError } from '../../errors.js';
import type { ClockTag, UpdateOptions } from '../../types.js';
import {
  badOption,
  booleanOption,
  checkOptions,
  numberOption,
  type OptionCheck,
  type OptionChecks,
  signalOption,
} from '../option-checks.js';
import { waitOption } from '../ticket.js';

/** Longest delay of a timer, in milliseconds; a longer one would fire at once. */
export const TIMEOUT_MAX_MS = 2 ** 31 - 1;

const count = numberOption({ whole: true, min: 0 });

const CLOCK_TAG_CHECKS: OptionChecks<ClockTag> = {
  peerId: count,
  clockId: count,
  tick: count,
  token: count,
  force: booleanOption,
};

/** Checks a clock tag and returns a copy. Throws `SLUICE_BAD_OPTION`. */
export const checkClockTag: OptionCheck<ClockTag> = (value, name) => {
  if (typeof value !== 'object' || value === null) throw badOption(name, 'an object', value);
  const { peerId, clockId, tick, ...rest } = checkOptions(value, CLOCK_TAG_CHECKS, name);
  if (peerId === undefined || clockId === undefined || tick === undefined) {
    throw new SluiceError('SLUICE_BAD_OPTION', `${name} needs peerId, clockId and tick`);
  }
  return { peerId, clockId, tick, ...rest };
};

/** The checks of the options that every update takes; an update with more of them adds its own. */
export const UPDATE_OPTION_CHECKS: OptionChecks<UpdateOptions> = {
  wait: waitOption,
  signal: signalOption,
  timeoutMs: numberOption({ above: 0, max: TIMEOUT_MAX_MS }),
  clockTag: checkClockTag,
};

/**
 * Checks the options of an update. Throws `SLUICE_BAD_OPTION`, naming the option, and a `TypeError`
 * when they aren't an object.
 */
export function checkUpdateOptions(options: unknown): UpdateOptions {
  return checkOptions<UpdateOptions>(options, UPDATE_OPTION_CHECKS);
}
