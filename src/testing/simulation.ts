import type { FaultClass } from './simulation/faults.js';
import type { SimulationResult } from './simulation/simulate.js';

export type { FaultClass } from './simulation/faults.js';
export type { SimulationResult } from './simulation/simulate.js';

/** Which run to do. */
export interface SimulateOptions {
  seed: number;
  /** Updates to submit. @default 500 */
  operations?: number;
  /** Classes of faults to leave out. */
  without?: readonly FaultClass[];
}

/**
 * Runs the collection on a virtual clock and on stores that fail, with work and faults that follow
 * from the seed alone, and compares it with a model. One run at a time. Never rejects: what is wrong
 * is the result's `failure`.
 */
export async function simulate(options: SimulateOptions): Promise<SimulationResult> {
  // Loaded when it is wanted: whoever tests a machine needs no collection.
  const simulation = await import('./simulation/simulate.js');
  return simulation.simulate(options);
}
