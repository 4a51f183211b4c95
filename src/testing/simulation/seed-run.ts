import { TransitionsTaken } from '../system/transitions-taken.js';
import type { FaultClass } from './faults.js';
import { shrink } from './shrink.js';
import { type SimulationOptions, type SimulationResult, simulate } from './simulate.js';

/** One seed in so many is run twice: both must do the same. */
const TWICE_EVERY = 50;
/** One seed in so many tells which transitions it takes; that makes it slower. */
const INSPECT_EVERY = 4;
/** A run that submits less than this share of its operations proves nothing. */
const ISSUED_MIN = 0.8;

/** What is run with each seed. */
export interface SeedOptions {
  operations?: number | undefined;
  without?: readonly FaultClass[] | undefined;
}

/** A seed that failed, as small as it could be made. */
export interface FailedSeed {
  seed: number;
  rule: string;
  message: string;
  /** Operations and fault classes that were left out. */
  operations: number;
  without: readonly FaultClass[];
  lines: readonly string[];
  /** The command that does it again. */
  replay: string;
}

/** What one seed has come to; plain data, which one process can tell another. */
export interface SeedReport {
  issued: number;
  virtualMs: number;
  faults: ReadonlyMap<string, number>;
  traffic: ReadonlyMap<string, number>;
  /** Transitions of the charts that it took; none when it did not look. */
  taken: ReadonlySet<string>;
  failed: FailedSeed | undefined;
}

/** Runs one seed, looks at it as closely as its number says, and makes a failure small. */
export async function runSeed(seed: number, options: SeedOptions): Promise<SeedReport> {
  const run: SimulationOptions = { seed, ...options };
  const taken = new TransitionsTaken();
  const isInspected = seed % INSPECT_EVERY === 0;
  const result = await withoutStacks(() =>
    simulate(isInspected ? { ...run, inspect: taken.inspect } : run),
  );
  const { issued, virtualMs, faults, traffic } = result;
  const failed = await judge(run, result, seed % TWICE_EVERY === 0);
  return { issued, virtualMs, faults, traffic, taken: taken.names, failed };
}

/** Stacks of errors take a while to make, and only failures need them, which are run again. */
async function withoutStacks<T>(work: () => Promise<T>): Promise<T> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function judge(
  run: SimulationOptions,
  result: SimulationResult,
  isRunTwice: boolean,
): Promise<FailedSeed | undefined> {
  if (result.failure !== undefined) return describe(run, result);
  const told = { lines: [], operations: result.operations, without: run.without ?? [] };
  const seed = { seed: run.seed, replay: replayOf(run), ...told };
  if (result.issued < result.operations * ISSUED_MIN) {
    const message = `${result.issued} of ${result.operations} operations were submitted`;
    return { ...seed, rule: 'a run has work to do', message };
  }
  if (!isRunTwice) return undefined;
  const again = await simulate(run);
  if (again.hash === result.hash) return undefined;
  const message = `${result.hash} and ${again.hash}`;
  return { ...seed, rule: 'a seed does the same each time', message };
}

async function describe(run: SimulationOptions, failed: SimulationResult): Promise<FailedSeed> {
  const { options, result } = await shrink(run, failed);
  return {
    seed: run.seed,
    rule: '',
    message: '',
    lines: [],
    ...result.failure,
    operations: result.operations,
    without: options.without ?? [],
    replay: replayOf(options),
  };
}

/** The command that does a run again. */
export function replayOf({ seed, operations = 500, without = [] }: SimulationOptions): string {
  const left = without.length === 0 ? '' : ` --without ${without.join(',')}`;
  return `npx sluice simulate --seed ${seed} --operations ${operations}${left}`;
}
