import type { Logger } from 'pino';
import type { Clock } from './services/clock.js';
import type { OptimizersStart } from './services/optimizer-start.js';
import {
  badOption,
  checkOptions,
  functionOption,
  nullable,
  numberOption,
  type OptionCheck,
  type OptionChecks,
  objectWith,
  oneOf,
} from './services/option-checks.js';
import type { ResourceBudget } from './services/resource-budget.js';
import type { UpdateHandlerInspector } from './types.js';

/** Limits and settings of an update handler. */
export interface HandlerSettings {
  /** Milliseconds between flush rounds. @default 5000 */
  flushIntervalMs: number;
  /** Optimizations at once; null: as many as the budget allows, 60 at most; 0: disabled. @default null */
  maxOptimizationThreads: number | null;
  /**
   * `onTrigger`: after an opening the optimizers wait for `trigger`; status tells. They also wait
   * when the process has died several times in a row while it was optimizing. @default 'automatic'
   */
  optimizersStart: OptimizersStart;
  /** Operations that may be submitted and not yet applied; more wait for room. @default 10000 */
  updateQueueLengthMax: number;
  /** Their bytes. @default 64 MiB */
  updateQueueBytesMax: number;
  /** Bytes of unapplied operations kept in memory; an operation is never larger. @default 16 MiB */
  windowBytesMax: number;
  /** Bytes that the log may hold before it declines with `SLUICE_WAL_FULL`. @default 1 GiB */
  walBytesMax: number;
  /** Bytes of segments, neither written nor being written, that wake the flush worker early. @default 32 MiB */
  dirtyBytesMax: number;
  /** Bytes of disk that are left alone, for what the databases write besides. @default 16 MiB */
  diskMarginBytes: number;
  /** Processors for optimizations: above 0 that many, below 0 all but that many, 0: a sensible part. @default 0 */
  cpuBudget: number;
  /** Processors of the machine. */
  cpus: number;
}

/** Things from outside that an update handler uses. */
export interface HandlerEnvironment {
  /** A pino logger; silent by default. */
  logger?: Logger | undefined;
  /** Receives XState's inspection events; costs time at each event. */
  inspect?: UpdateHandlerInspector | undefined;
  /** @default the machine's time */
  clock?: Clock | undefined;
  /**
   * Bytes of the disk that are free: with it, updates are refused before the disk is full.
   * @default what the file system of a directory says; unknown for other stores
   */
  freeBytes?: (() => Promise<number>) | undefined;
  /** Budgets shared with other stores of the process, instead of `cpuBudget`. */
  budgets?: { io: ResourceBudget; cpu: ResourceBudget } | undefined;
}

const MIB = 1024 * 1024;

export const DEFAULT_SETTINGS: Readonly<HandlerSettings> = Object.freeze({
  flushIntervalMs: 5000,
  maxOptimizationThreads: null,
  optimizersStart: 'automatic',
  updateQueueLengthMax: 10_000,
  updateQueueBytesMax: 64 * MIB,
  windowBytesMax: 16 * MIB,
  walBytesMax: 1024 * MIB,
  dirtyBytesMax: 32 * MIB,
  diskMarginBytes: 16 * MIB,
  cpuBudget: 0,
  cpus: globalThis.navigator?.hardwareConcurrency ?? 2,
});

const positive = numberOption({ whole: true, min: 1 });

/** One check an option; also used for the options of collections. */
export const SETTING_CHECKS: OptionChecks<HandlerSettings> = {
  flushIntervalMs: numberOption({ min: 1, max: 2 ** 31 - 1 }),
  maxOptimizationThreads: nullable(numberOption({ whole: true, min: 0 })),
  optimizersStart: oneOf<OptimizersStart>(['automatic', 'onTrigger']),
  updateQueueLengthMax: positive,
  updateQueueBytesMax: positive,
  windowBytesMax: positive,
  walBytesMax: positive,
  dirtyBytesMax: positive,
  diskMarginBytes: numberOption({ whole: true, min: 0 }),
  cpuBudget: numberOption({ whole: true }),
  cpus: positive,
};

const budget = objectWith<ResourceBudget>('a ResourceBudget', ['acquire', 'tryAcquire', 'status']);

type Budgets = NonNullable<HandlerEnvironment['budgets']>;

const checkBudgets: OptionCheck<Budgets> = (value, name) => {
  if (typeof value !== 'object' || value === null) throw badOption(name, 'an object', value);
  const { io, cpu } = checkOptions<Budgets>(value, { io: budget, cpu: budget }, name);
  if (io === undefined || cpu === undefined)
    throw badOption(name, 'an object with io and cpu', value);
  return { io, cpu };
};

/** Objects and functions are only looked at by their shape; also used for collections. */
export const ENVIRONMENT_CHECKS: OptionChecks<HandlerEnvironment> = {
  logger: objectWith<Logger>('a logger', ['child', 'debug', 'info', 'warn', 'error']),
  inspect: functionOption<UpdateHandlerInspector>(),
  clock: objectWith<Clock>('a clock', ['now', 'setTimeout', 'clearTimeout', 'yield']),
  budgets: checkBudgets,
  freeBytes: functionOption<() => Promise<number>>(),
};

/** Settings and environment that go together in one object of options. */
export type HandlerOptions = HandlerSettings & HandlerEnvironment;

/** The same with complete settings. Throws `SLUICE_BAD_OPTION` for unknown options and bad values. */
export function resolveOptions(given: Partial<HandlerOptions>): HandlerOptions {
  const checks = { ...SETTING_CHECKS, ...ENVIRONMENT_CHECKS };
  return { ...DEFAULT_SETTINGS, ...checkOptions<HandlerOptions>(given, checks) };
}
