import { type Clock, systemClock } from '../../services/clock.js';

/** Time that goes so many times faster: back-offs of the core pass in no time beside real I/O. */
export function hastenedClock(times: number): Clock {
  const start = systemClock.now();
  return {
    now: () => start + (systemClock.now() - start) * times,
    setTimeout: (callback, delayMs) => systemClock.setTimeout(callback, delayMs / times),
    clearTimeout: (timer) => systemClock.clearTimeout(timer),
    yield: () => systemClock.yield(),
  };
}
