import type { Random } from '../support/random.js';
import type { StepOptions, StepsOptions } from './steps.js';

/** The collection itself as the store under test. */
export const COLLECTION = new URL('./child/collection-target.mjs', import.meta.url);

const DIMENSIONS = 8;

/** Mixed work on a collection; segments of 64 points among 300 ids keep every optimizer busy. */
export const COLLECTION_WORK = {
  dimensions: DIMENSIONS,
  idsMax: 300,
  payloadIndexes: true,
  configurations: [
    { optimizers: { maxOptimizationThreads: 0 } },
    { optimizers: { maxOptimizationThreads: 1 } },
    { optimizers: { maxOptimizationThreads: null, deletedThreshold: 0.3 } },
    { optimizers: { maxSegmentSizeKb: 8, defaultSegmentNumber: 3 } },
    { optimizers: { indexingThresholdKb: 1 }, hnsw: { efConstruct: 50 } },
    { optimizers: { indexingThresholdKb: 0.5 }, hnsw: { m: 4 } },
    { optimizers: { indexingThresholdKb: 0 } },
    { flushIntervalMs: 20 },
  ],
} satisfies Partial<StepsOptions>;

/** Options of a collection whose buffers, segments and intervals are so small that all is busy. */
export function drawCollectionOptions(random: Random): StepOptions {
  return {
    dimensions: DIMENSIONS,
    distance: 'euclid',
    optimizers: {
      // A vector takes 32 bytes.
      maxSegmentSizeKb: random.pick([2, 2, 4]),
      deletedThreshold: random.pick([0.1, 0.3]),
      vacuumMinVectorNumber: random.pick([20, 50]),
      defaultSegmentNumber: random.pick([1, 2, 4]),
      indexingThresholdKb: random.pick([0, 1]),
      maxOptimizationThreads: random.pick([null, null, 1, 0]),
    },
    flushIntervalMs: random.pick([5, 50, 1000]),
    updateQueueLengthMax: random.pick([1, 10, 10_000]),
    cpuBudget: random.pick([0, 1, 2]),
    storage: {
      walWriteBufferBytes: random.pick([65_536, 65_536, 1_048_576]),
      segmentsWriteBufferBytes: random.pick([65_536, 262_144]),
    },
  };
}
