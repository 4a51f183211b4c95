import type { RunEnd } from './optimization-run.js';

/** What became of an optimizer's runs since the store was opened. */
export interface OptimizerCounts {
  done: number;
  cancelled: number;
  failed: number;
  /** Milliseconds that the successful runs took together. */
  totalMs: number;
  /** Milliseconds that the quickest, the slowest and the last of them took; null before the first. */
  minMs: number | null;
  maxMs: number | null;
  lastMs: number | null;
}

/** Counts the runs of each optimizer. */
export class OptimizationCounts {
  readonly #counts: Map<string, OptimizerCounts>;

  constructor(optimizers: readonly string[]) {
    this.#counts = new Map(optimizers.map((name) => [name, emptyCounts()]));
  }

  /** A run that found its segments gone is none. */
  ended(optimizer: string, { outcome }: RunEnd, durationMs: number): void {
    const counts = this.#counts.get(optimizer);
    if (counts === undefined || outcome === 'void') return;
    counts[outcome] += 1;
    if (outcome !== 'done') return;
    counts.totalMs += durationMs;
    counts.minMs = Math.min(counts.minMs ?? durationMs, durationMs);
    counts.maxMs = Math.max(counts.maxMs ?? durationMs, durationMs);
    counts.lastMs = durationMs;
  }

  /** A copy, by the optimizer's name, in the order in which they choose. */
  list(): Record<string, OptimizerCounts> {
    return Object.fromEntries([...this.#counts].map(([name, counts]) => [name, { ...counts }]));
  }
}

function emptyCounts(): OptimizerCounts {
  return { done: 0, cancelled: 0, failed: 0, totalMs: 0, minMs: null, maxMs: null, lastMs: null };
}
