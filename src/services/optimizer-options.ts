import type { OptimizerOptions } from '../types.js';
import {
  checkOptions,
  nullable,
  numberOption,
  type OptionCheck,
  type OptionChecks,
} from './option-checks.js';

/** The optimizer options of a new collection; their meaning is told in `OptimizerOptions`. */
export const DEFAULT_OPTIMIZER_OPTIONS: Readonly<OptimizerOptions> = Object.freeze({
  deletedThreshold: 0.2,
  vacuumMinVectorNumber: 1000,
  defaultSegmentNumber: 0,
  maxSegmentSizeKb: null,
  indexingThresholdKb: null,
  maxOptimizationThreads: null,
});

const BYTES_PER_KB = 1024;
const SEGMENT_SIZE_KB_PER_CPU = 200_000;
const INDEXING_THRESHOLD_KB = 20_000;
const SEGMENTS_MIN = 2;
const SEGMENTS_MAX = 8;

const count: OptionCheck<number> = numberOption({ whole: true, min: 0 });

const CHECKS: OptionChecks<OptimizerOptions> = {
  deletedThreshold: numberOption({ min: 0, max: 1 }),
  vacuumMinVectorNumber: count,
  defaultSegmentNumber: count,
  // With 0 every appendable segment would count as full, and planning would add one each time.
  maxSegmentSizeKb: nullable(numberOption({ above: 0 })),
  indexingThresholdKb: nullable(numberOption({ min: 0 })),
  maxOptimizationThreads: nullable(count),
};

/**
 * Complete optimizer options: those of `given`, else those of `previous`.
 * Throws `SLUICE_BAD_OPTION` (unknown option, wrong type or out of bounds), or a `TypeError` when
 * `given` isn't an object.
 */
export function resolveOptimizerOptions(
  given: unknown,
  previous: Readonly<OptimizerOptions> = DEFAULT_OPTIMIZER_OPTIONS,
): OptimizerOptions {
  return { ...previous, ...checkOptions(given, CHECKS, 'optimizers') };
}

/** How many segments merging aims at: as many as the machine has cores, but 2 to 8, unless set. */
export function segmentNumber(options: OptimizerOptions, cpus: number): number {
  if (options.defaultSegmentNumber > 0) return options.defaultSegmentNumber;
  return Math.min(SEGMENTS_MAX, Math.max(SEGMENTS_MIN, cpus));
}

/** Bytes of live vectors beyond which no segment is merged and an appendable one counts as full. */
export function maxSegmentSizeBytes(options: OptimizerOptions, cpus: number): number {
  return (options.maxSegmentSizeKb ?? SEGMENT_SIZE_KB_PER_CPU * cpus) * BYTES_PER_KB;
}

/** Bytes of live vectors from which a segment gets a vector index; Infinity when none ever does. */
export function indexingThresholdBytes(options: OptimizerOptions): number {
  if (options.indexingThresholdKb === 0) return Number.POSITIVE_INFINITY;
  return (options.indexingThresholdKb ?? INDEXING_THRESHOLD_KB) * BYTES_PER_KB;
}
