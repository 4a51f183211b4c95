import type { Logger } from 'pino';
import type { Clock } from './services/clock.js';
import type { OptimizersStart } from './services/optimizer-start.js';
import type {
  DeathCounter,
  OperationCodec,
  SegmentHolder,
  SegmentInfo,
  SegmentOptimizer,
  Wal,
} from './services/ports.js';
import type { ResourceBudget } from './services/resource-budget.js';
import type { TailLimits } from './services/wal-tail.js';
import type { ClockTag } from './types.js';

/** Settings in force; they may change by reconfiguration. */
export interface CoreSettings {
  flushIntervalMs: number;
  /** Optimizations at once: 0 disables them, null leaves the limit to the budget. */
  maxOptimizationThreads: number | null;
}

/** Everything the core is made of. */
export interface CoreOptions<Op, Info extends SegmentInfo> {
  wal: Wal;
  segments: SegmentHolder<Op, Info>;
  optimizers: readonly SegmentOptimizer<Info>[];
  codec: OperationCodec<Op>;
  /** The clock tag that an operation carries. */
  clockTagOf: (operation: Op) => ClockTag | undefined;
  /** What kind of operation it is, for observers. */
  kindOf: (operation: Op) => string;
  clock: Clock;
  logger: Logger;
  limits: TailLimits & { dirtyBytesMax: number };
  disk: { freeBytes: (() => Promise<number>) | undefined; marginBytes: number };
  ioBudget: ResourceBudget;
  cpuBudget: ResourceBudget;
  optimizersStart: OptimizersStart;
  deathCounter: DeathCounter | undefined;
  /** Read when the store has been opened and after each reconfiguration. */
  settings: () => CoreSettings;
  /** Called when log and segments have been opened and compared, before the replay. */
  onOpened: () => Promise<void>;
  /** Called when log and segments have been closed. */
  onClosed: () => Promise<void>;
}
