import type { CollectionOptions } from '../../collection-options.js';
import type { CollectionEnvironment } from '../../collection-parts.js';
import type { OptimizerOptions } from '../../types.js';
import type { Random } from './random.js';

/** Numbers in each vector: whole ones, so that what is stored is exactly what was given. */
export const DIMENSIONS = 2;
/** Ids are few, so that operations meet. */
export const IDS = 50;

/** How a collection is set up in one run. */
export interface SimulationSettings {
  distance: 'dot' | 'euclid';
  /** Given when the collection is created, and stored. */
  created: Pick<CollectionOptions, 'optimizers' | 'flushIntervalMs'>;
  /** Given at each opening. */
  opened: Pick<
    CollectionOptions,
    'updateQueueLengthMax' | 'walBytesMax' | 'cpuBudget' | 'optimizersStart'
  >;
  limits: NonNullable<CollectionEnvironment['limits']>;
  cpus: number;
  /** Whether the collection looks at how much of the disk is free. */
  watchesDisk: boolean;
  /** Whether each operation carries the tick of a clock. */
  isTagged: boolean;
  /** Milliseconds between two things that are done, on average. */
  pauseMs: number;
}

const MIB = 1024 * 1024;

/** Settings drawn from a seed: small limits and thresholds, so that everything happens often. */
export function drawSettings(random: Random): SimulationSettings {
  const cpus = random.between(1, 4);
  return {
    distance: random.pick(['dot', 'euclid']),
    created: { optimizers: drawOptimizers(random), flushIntervalMs: random.pick([100, 500, 3000]) },
    opened: {
      updateQueueLengthMax: random.pick([3, 20, 10_000]),
      walBytesMax: random.pick([4000, 20_000, 1024 * MIB]),
      cpuBudget: random.between(1, 3),
      optimizersStart: random.chance(0.1) ? 'onTrigger' : 'automatic',
    },
    limits: {
      windowBytesMax: random.pick([1000, 16 * MIB]),
      updateQueueBytesMax: random.pick([2000, 64 * MIB]),
      dirtyBytesMax: random.pick([1000, 16 * MIB]),
      diskMarginBytes: 4096,
      unsyncedBytesMax: random.pick([300, 3000, MIB]),
      blockBatchBytes: random.pick([200, MIB]),
    },
    cpus,
    watchesDisk: random.chance(0.3),
    pauseMs: random.pick([0.5, 3, 20]),
    isTagged: random.chance(0.5),
  };
}

/** Segments of a dozen or two points, merged, vacuumed and indexed all the time. */
export function drawOptimizers(random: Random): Partial<OptimizerOptions> {
  return {
    deletedThreshold: random.pick([0, 0.2, 0.5]),
    vacuumMinVectorNumber: random.between(1, 6),
    defaultSegmentNumber: random.between(1, 3),
    maxSegmentSizeKb: random.pick([0.1, 0.15, 0.25]),
    indexingThresholdKb: random.pick([0, 0.05, 0.1]),
    maxOptimizationThreads: random.pick([null, null, 1, 2]),
  };
}
