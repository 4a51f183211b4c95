import type { CoreSettings } from './core-options.js';
import type { HandlerEnvironment, HandlerOptions, HandlerSettings } from './options.js';
import type {
  DeathCounter,
  OperationCodec,
  SegmentHolder,
  SegmentInfo,
  SegmentOptimizer,
  Wal,
} from './services/ports.js';
import type { ClockTag } from './types.js';

/** The three adapters of a store, and how to run them. */
export interface UpdateHandlerOptions<Op, Info extends SegmentInfo = SegmentInfo>
  extends Partial<HandlerSettings>,
    HandlerEnvironment {
  wal: Wal;
  segments: SegmentHolder<Op, Info>;
  /** In the order in which they may choose segments. @default none */
  optimizers?: readonly SegmentOptimizer<Info>[];
  /** @default `plainCodec()`, which carries plain data and validates nothing */
  codec?: OperationCodec<Op>;
  /** The clock tag of an operation, for `recoveryPoint` and `walDelta`; never throws. @default none */
  clockTagOf?: (operation: Op) => ClockTag | undefined;
  /** What kind of operation it is, of a few, for observers; never throws. @default 'update' */
  kindOf?: (operation: Op) => string;
  /**
   * Settings that are stored with the segments: read when the store has been opened and after each
   * `reconfigure`. @default the options given here
   */
  settings?: () => CoreSettings;
  /** Where deaths of the process during an optimization are counted. @default they aren't noticed */
  deathCounter?: DeathCounter;
  /** Called when log and segments are open and fit together, before the replay. */
  onOpened?: () => Promise<void>;
  /** Called when log and segments have been closed. */
  onClosed?: () => Promise<void>;
}

/** Options that are adapters and functions: they are used as they are. */
const ADAPTERS = new Set<string>([
  'wal',
  'segments',
  'optimizers',
  'codec',
  'clockTagOf',
  'kindOf',
  'settings',
  'deathCounter',
  'onOpened',
  'onClosed',
] satisfies (keyof UpdateHandlerOptions<unknown>)[]);

/** The settings and the environment among the options. */
export function resolvable(options: object): Partial<HandlerOptions> {
  return Object.fromEntries(Object.entries(options).filter(([key]) => !ADAPTERS.has(key)));
}
