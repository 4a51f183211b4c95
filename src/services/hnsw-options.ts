import type { HnswOptions } from '../types.js';
import { checkOptions, numberOption, type OptionChecks } from './option-checks.js';

/** The index options of a new collection; their meaning is told in `HnswOptions`. */
export const DEFAULT_HNSW_OPTIONS: Readonly<HnswOptions> = Object.freeze({
  m: 16,
  efConstruct: 100,
  ef: 64,
  fullScanThresholdKb: 10_000,
  maxIndexingThreads: 0,
});

/** Candidates of a search at most; it looks at them in one go. */
export const EF_MAX = 10_000;

const CHECKS: OptionChecks<HnswOptions> = {
  m: numberOption({ whole: true, min: 2, max: 128 }),
  efConstruct: numberOption({ whole: true, min: 4, max: 4096 }),
  ef: numberOption({ whole: true, min: 1, max: EF_MAX }),
  fullScanThresholdKb: numberOption({ min: 0 }),
  maxIndexingThreads: numberOption({ whole: true, min: 0, max: 64 }),
};

/**
 * Complete index options. Throws `SLUICE_BAD_OPTION` (unknown option, wrong type or out of bounds),
 * or a `TypeError` when `given` isn't an object.
 */
export function resolveHnswOptions(given: unknown): HnswOptions {
  return { ...DEFAULT_HNSW_OPTIONS, ...checkOptions(given, CHECKS, 'hnsw') };
}
