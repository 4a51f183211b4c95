import type { Clock } from '../../services/clock.js';
import { chartTransitions } from '../system/transitions-taken.js';
import { FAULT_CLASSES } from './faults.js';
import { type FailedSeed, runSeed, type SeedOptions, type SeedReport } from './seed-run.js';
import { TRAFFIC_MIN } from './traffic.js';
import { NEVER_TAKEN, namesOf, SELDOM_TAKEN } from './untaken.js';

export type { FailedSeed } from './seed-run.js';

/** Runs one seed. */
export type RunSeed = (seed: number) => Promise<SeedReport>;

/** Which seeds to run, and for how long. */
export interface CampaignOptions extends SeedOptions {
  /** The first seed. */
  seed: number;
  /** Seeds in a row. */
  seeds: number;
  /** What runs seeds, each one at a time. @default this thread */
  lanes?: readonly RunSeed[] | undefined;
  /** Milliseconds that processors have worked for the campaign, from whenever on. */
  processorMs: () => number;
  /** Ends after so much real time, whether or not all seeds have been run. */
  limitMs?: number | undefined;
  /** Real time. */
  clock: Clock;
  signal?: AbortSignal | undefined;
  /** Called after each seed. */
  onSeed?: (report: Readonly<CampaignReport>) => void;
}

/** What a number of runs has come to. */
export interface CampaignReport {
  seeds: number;
  operations: number;
  virtualHours: number;
  /** How many seeds a processor does in a minute; 0 before it is known. */
  seedsPerCpuMinute: number;
  failed: FailedSeed[];
  /** Strikes by class. */
  faults: Record<string, number>;
  faultsMissing: string[];
  /** How often each kind of thing has happened. */
  traffic: Record<string, number>;
  /** What has happened less often than it must in so many seeds. */
  trafficMissing: string[];
  transitions: {
    total: number;
    /** Never taken, though they can be. */
    missing: string[];
    /** Never taken, and needing more luck than most campaigns have. */
    seldom: string[];
    /** Taken, though there is a reason why none can be. */
    disproved: string[];
  };
}

/** Runs seeds, and tells what failed and what was never reached. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const { seed: first, seeds, clock, limitMs = Number.POSITIVE_INFINITY, signal } = options;
  const { operations, without } = options;
  const here: RunSeed = (number) => runSeed(number, { operations, without });
  const until = clock.now() + limitMs;
  const tally = new Tally(options);
  let next = first;
  const mayBegin = () => next < first + seeds && clock.now() < until && signal?.aborted !== true;
  const runAll = async (run: RunSeed) => {
    while (mayBegin()) {
      tally.add(await run(next++));
      options.onSeed?.(tally.report());
    }
  };
  await Promise.all((options.lanes ?? [here]).map(runAll));
  return tally.report();
}

/** Sums of what seeds have come to. */
class Tally {
  readonly #processorMs: () => number;
  readonly #beganMs: number;
  readonly #operations: number;
  readonly #all = chartTransitions();
  readonly #taken = new Set<string>();
  readonly #faults = new Map<string, number>();
  readonly #traffic = new Map<string, number>();
  readonly #failed: FailedSeed[] = [];
  readonly #sums = { seeds: 0, operations: 0, virtualMs: 0 };

  constructor({ operations = 500, processorMs }: CampaignOptions) {
    this.#operations = operations;
    this.#processorMs = processorMs;
    this.#beganMs = processorMs();
  }

  add({ issued, virtualMs, faults, traffic, taken, failed }: SeedReport): void {
    this.#sums.seeds += 1;
    this.#sums.operations += issued;
    this.#sums.virtualMs += virtualMs;
    addTo(this.#faults, faults);
    addTo(this.#traffic, traffic);
    for (const name of taken) this.#taken.add(name);
    if (failed !== undefined) this.#failed.push(failed);
  }

  report(): CampaignReport {
    const { seeds, operations, virtualMs } = this.#sums;
    const never = namesOf(NEVER_TAKEN);
    const seldom = namesOf(SELDOM_TAKEN);
    const untaken = this.#all.filter((name) => !this.#taken.has(name) && !never.has(name));
    const minutes = (this.#processorMs() - this.#beganMs) / 60_000;
    // What is rare in a hundred seeds may be missing in a few.
    const share = (seeds / 100) * (this.#operations / 500);
    const isTooFew = ([name, least]: [string, number]) =>
      (this.#traffic.get(name) ?? 0) < Math.floor(least * share);
    return {
      seeds,
      operations,
      virtualHours: virtualMs / 3_600_000,
      seedsPerCpuMinute: minutes === 0 ? 0 : Math.round(seeds / minutes),
      failed: [...this.#failed],
      faults: Object.fromEntries(this.#faults),
      faultsMissing: FAULT_CLASSES.filter((fault) => !this.#faults.has(fault)),
      traffic: Object.fromEntries(this.#traffic),
      trafficMissing: Object.entries(TRAFFIC_MIN)
        .filter(isTooFew)
        .map(([name]) => name),
      transitions: {
        total: this.#all.length - never.size,
        missing: untaken.filter((name) => !seldom.has(name)),
        seldom: untaken.filter((name) => seldom.has(name)),
        disproved: [...never].filter((name) => this.#taken.has(name)),
      },
    };
  }
}

function addTo(sums: Map<string, number>, counts: ReadonlyMap<string, number>): void {
  for (const [name, count] of counts) sums.set(name, (sums.get(name) ?? 0) + count);
}
