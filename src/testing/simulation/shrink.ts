import { FAULT_CLASSES, type FaultClass } from './faults.js';
import { type SimulationOptions, type SimulationResult, simulate } from './simulate.js';

/** A run that fails, and what is left out of it. */
export interface Shrunk {
  options: SimulationOptions;
  result: SimulationResult;
  /** Runs that were tried. */
  tried: number;
}

/**
 * Makes a failing run smaller: fewer operations, then one class of faults after the other left out,
 * as long as the same rule is broken.
 */
export async function shrink(
  options: SimulationOptions,
  failed: SimulationResult,
  triesMax = 40,
): Promise<Shrunk> {
  let best: Shrunk = { options, result: failed, tried: 0 };
  let tried = 0;
  const attempt = async (change: Partial<SimulationOptions>): Promise<boolean> => {
    if (tried >= triesMax) return false;
    tried += 1;
    const changed = { ...best.options, ...change };
    const result = await simulate(changed);
    if (result.failure?.rule !== failed.failure?.rule) return false;
    best = { options: changed, result, tried };
    return true;
  };
  const fewer = async () => {
    // What was submitted after the failure is not needed.
    let operations = best.result.issued;
    await attempt({ operations });
    for (let step = operations >> 1; step > 0; step >>= 1) {
      operations = best.options.operations ?? operations;
      if (operations > step) await attempt({ operations: operations - step });
    }
  };
  await fewer();
  for (const fault of FAULT_CLASSES) {
    const without: readonly FaultClass[] = best.options.without ?? [];
    if (best.result.faults.has(fault)) await attempt({ without: [...without, fault] });
  }
  return { ...best, tried };
}
