import { simulate } from '../simulate.js';
import type { Canary } from './canary.js';
import { LOG_CANARIES } from './log.js';
import { STORAGE_CANARIES } from './storage.js';
import { WORKER_CANARIES } from './workers.js';

/** Every canary. */
export const CANARIES: readonly Canary[] = [
  ...LOG_CANARIES,
  ...STORAGE_CANARIES,
  ...WORKER_CANARIES,
];

/** How a canary was found, if it was. */
export interface Hunt {
  canary: string;
  /** Seeds until it was found; undefined when it was not. */
  seeds: number | undefined;
  /** The rule that it broke. */
  rule: string | undefined;
}

/** Runs seeds with a defect put in until one of them fails, or so many have not. */
export async function hunt(
  canary: Canary,
  options: { seedsMax: number; operations?: number | undefined; seed?: number | undefined },
): Promise<Hunt> {
  const { seedsMax, operations = 150, seed = 1 } = options;
  for (let count = 0; count < seedsMax; count++) {
    const remove = canary.install();
    try {
      const { failure } = await simulate({ seed: seed + count, operations });
      if (failure === undefined) continue;
      return { canary: canary.name, seeds: count + 1, rule: failure.rule };
    } finally {
      remove();
    }
  }
  return { canary: canary.name, seeds: undefined, rule: undefined };
}
