import { systemClock } from '../../services/clock.js';

/** How a call has ended. */
export type Outcome<T> =
  | { ended: 'well'; value: T }
  | { ended: 'badly'; error: unknown }
  | { ended: 'not' };

/**
 * Much longer than the 100 ms in which an adapter has to follow a signal: the machine that runs the
 * tests may be busy, and what ignores a signal does so for ever.
 */
export const ABORT_LIMIT_MS = 1000;
/** After this a call hangs. */
export const CALL_LIMIT_MS = 10_000;

/** Waits for the end of a call, but not for ever. */
export function outcomeOf<T>(call: Promise<T>, limitMs = CALL_LIMIT_MS): Promise<Outcome<T>> {
  return new Promise((resolve) => {
    const timer = systemClock.setTimeout(() => resolve({ ended: 'not' }), limitMs);
    const end = (outcome: Outcome<T>) => {
      systemClock.clearTimeout(timer);
      resolve(outcome);
    };
    call.then(
      (value) => end({ ended: 'well', value }),
      (error: unknown) => end({ ended: 'badly', error }),
    );
  });
}

/** Calls, so that what is thrown at once is a rejection like others. */
export async function begin<T>(call: () => T | Promise<T>): Promise<T> {
  return call();
}
