import type { Clock } from '../../services/clock.js';
import { chartTransitions, TransitionsTaken } from '../system/transitions-taken.js';
import { FAULT_CLASSES, type FaultClass } from './faults.js';
import { shrink } from './shrink.js';
import { type SimulationOptions, type SimulationResult, simulate } from './simulate.js';

/** One seed in so many is run twice: both must do the same. */
const TWICE_EVERY = 50;
/** One seed in so many tells which transitions it takes; that makes it slower. */
const INSPECT_EVERY = 4;
/** A run that submits less than this share of its operations proves nothing. */
const ISSUED_MIN = 0.8;

/** Which seeds to run, and for how long. */
export interface CampaignOptions {
  /** The first seed. */
  seed: number;
  /** Seeds in a row. */
  seeds: number;
  operations?: number | undefined;
  without?: readonly FaultClass[] | undefined;
  /** Ends after so much real time, whether or not all seeds have been run. */
  limitMs?: number | undefined;
  /** Real time. */
  clock: Clock;
  signal?: AbortSignal | undefined;
  /** Called after each seed. */
  onSeed?: (done: number) => void;
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

/** What a number of runs has come to. */
export interface CampaignReport {
  seeds: number;
  operations: number;
  virtualHours: number;
  failed: FailedSeed[];
  /** Strikes by class. */
  faults: Record<string, number>;
  faultsMissing: string[];
  transitions: { total: number; missing: string[] };
}

/** Runs seeds one after the other, and tells what failed and what was never reached. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const { seed: first, seeds, clock, limitMs = Number.POSITIVE_INFINITY } = options;
  const until = clock.now() + limitMs;
  const taken = new TransitionsTaken();
  const faults = new Map<string, number>();
  const failed: FailedSeed[] = [];
  const sums = { seeds: 0, operations: 0, virtualMs: 0 };
  const { operations, without } = options;
  while (sums.seeds < seeds && clock.now() < until && options.signal?.aborted !== true) {
    const seed = first + sums.seeds;
    const run: SimulationOptions = { seed, operations, without };
    const isInspected = sums.seeds % INSPECT_EVERY === 0;
    const result = await simulate(isInspected ? { ...run, inspect: taken.inspect } : run);
    sums.seeds += 1;
    sums.operations += result.issued;
    sums.virtualMs += result.virtualMs;
    for (const [fault, count] of result.faults) faults.set(fault, (faults.get(fault) ?? 0) + count);
    const failure = await judge(run, result, seed % TWICE_EVERY === 0);
    if (failure !== undefined) failed.push(failure);
    options.onSeed?.(sums.seeds);
  }
  const all = chartTransitions();
  return {
    seeds: sums.seeds,
    operations: sums.operations,
    virtualHours: sums.virtualMs / 3_600_000,
    failed,
    faults: Object.fromEntries(faults),
    faultsMissing: FAULT_CLASSES.filter((fault) => !faults.has(fault)),
    transitions: { total: all.length, missing: all.filter((name) => !taken.names.has(name)) },
  };
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
