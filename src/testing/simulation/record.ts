import type { InspectMessage } from '../../inspect/messages.js';
import { startMessage } from '../../inspect/messages.js';
import { SystemObserver } from '../../inspect/system-observer.js';
import { replayOf } from './seed-run.js';
import { type SimulationOptions, type SimulationResult, simulate } from './simulate.js';

/**
 * Runs a seed and tells what its actors do, at virtual times that begin with 1970. Of a process
 * that is killed nothing more is heard; the next one has a root of its own.
 */
export async function recordRun(
  options: SimulationOptions,
  write: (message: InspectMessage) => void,
): Promise<SimulationResult> {
  let now = 0;
  const observer = new SystemObserver({ now: () => now }, write);
  write(startMessage({ now: () => now }, replayOf(options)));
  return simulate({
    ...options,
    inspect: (event, at) => {
      now = at;
      observer.inspect(event);
    },
  });
}
