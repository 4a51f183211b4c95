import type { Place, Runner, Supports } from './place.js';
import type { Effort } from './protocol.js';

/** What every suite takes: the runner, the storage, and what it can do. */
export interface SuiteOptions<Adapters> extends Runner, Effort {
  /** New storage with nothing in it; called for each path. */
  factory(): Place<Adapters> | Promise<Place<Adapters>>;
  supports?: Supports;
}

const CAPABILITIES: Record<keyof Supports, true> = {
  permanence: true,
  kill: true,
  powerCut: true,
  failedWrites: true,
  blocks: true,
  refused: true,
  optimizers: true,
  notes: true,
  touched: true,
  reclaim: true,
  garbageBytes: true,
  diskUse: true,
  deathCounter: true,
  logReclaim: true,
  logBytesOnDisk: true,
  otherWriters: true,
};

/** Wrong use is a `TypeError` at once, and not a failure of each test. */
export function checkSuite<Adapters>(options: SuiteOptions<Adapters>): SuiteOptions<Adapters> {
  const { test, describe, factory, supports = {}, walks = 0, seed = 0 } = options;
  for (const [name, value] of Object.entries({ test, factory })) {
    if (typeof value !== 'function') throw new TypeError(`${name} must be a function`);
  }
  if (describe !== undefined && typeof describe !== 'function') {
    throw new TypeError('describe must be a function');
  }
  if (!Number.isSafeInteger(walks) || walks < 0) {
    throw new TypeError('walks must be a whole number from 0 on');
  }
  if (!Number.isSafeInteger(seed)) throw new TypeError('seed must be a whole number');
  for (const [name, value] of Object.entries(supports)) {
    if (!(name in CAPABILITIES)) throw new TypeError(`supports has no ${name}`);
    if (typeof value !== 'boolean') throw new TypeError(`supports.${name} must be true or false`);
  }
  return options;
}
