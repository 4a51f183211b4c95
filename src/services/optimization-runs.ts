import { assert } from '../errors.js';
import { BackOff } from './back-off.js';
import type { Clock } from './clock.js';
import type { ErrorLog } from './error-log.js';
import { OptimizationCounts } from './optimization-counts.js';
import { OptimizationRun, type RunEnd } from './optimization-run.js';
import { type Planned, plan } from './planner.js';
import type { SegmentHolder, SegmentInfo, SegmentOptimizer } from './ports.js';
import type { Permit, ResourceBudget } from './resource-budget.js';
import { TrackerLog } from './tracker-log.js';

/** I/O permits that one optimization takes. */
const IO_PERMITS = 1;

/** What the runs work on and report to. */
export interface RunsOptions<Info extends SegmentInfo> {
  segments: SegmentHolder<never, Info>;
  optimizers: readonly SegmentOptimizer<Info>[];
  ioBudget: ResourceBudget;
  cpuBudget: ResourceBudget;
  clock: Clock;
  errors: ErrorLog;
  /** Awaited before a run freezes anything. */
  beforeRun(): Promise<void> | undefined;
  /** True when the storage must not be written. */
  isBroken(): boolean;
  /** Told at once of an error that the end of a run may not tell. */
  onError(error: unknown): void;
  /** Milliseconds: how long it took, and how long its segments are left alone, if it failed. */
  onEnd(run: OptimizationRun, end: RunEnd, times: { ms: number; backOffMs: number }): void;
}

/** All optimizations of a store: those planned, those running, and what became of the others. */
export class OptimizationRuns<Info extends SegmentInfo> {
  readonly trackers: TrackerLog;
  readonly counts: OptimizationCounts;
  readonly #options: RunsOptions<Info>;
  readonly #backOff: BackOff;
  readonly #runs = new Map<number, OptimizationRun>();
  /** Runs that somebody has cancelled: their segments are not to be tried again at once. */
  readonly #postponed = new Set<number>();
  #lastRun = 0;
  /** Held for the next run by the one who waited for it. */
  #reserved: Permit | undefined;
  #points = 0;
  #triggered = false;

  constructor(options: RunsOptions<Info>) {
    this.#options = options;
    this.trackers = new TrackerLog(options.clock);
    this.counts = new OptimizationCounts(options.optimizers.map(({ name }) => name));
    this.#backOff = new BackOff(options.clock);
  }

  /** Points in the outputs of all successful optimizations since the store was opened. */
  get optimizedPoints(): number {
    return this.#points;
  }

  /** Whether the optimizers have been asked since the store was opened. */
  get triggered(): boolean {
    return this.#triggered;
  }

  get running(): readonly OptimizationRun[] {
    return [...this.#runs.values()];
  }

  /** What the optimizers want done beside what is running, whether or not it is backing off. */
  pending(): Planned[] {
    return plan(this.#options.segments.segments(), this.#runningIds(), this.#options.optimizers);
  }

  /** The part of `pending` that is not backing off. */
  startable(): Planned[] {
    return plan(this.#options.segments.segments(), this.#busyIds(), this.#options.optimizers);
  }

  /** Segments that are planned, running or backing off. */
  wanted(): Set<number> {
    return new Set([...this.#runningIds(), ...this.pending().flatMap((one) => one.segmentIds)]);
  }

  ensureCapacity(): void {
    this.#options.segments.ensureCapacity();
  }

  /** Plans, and prepares up to `free` runs, each with its I/O permit in hand. */
  plan(free: number): { launches: { run: number }[]; short: boolean; backOffMs: number } {
    this.#triggered = true;
    this.#backOff.keepOnly(new Set(this.#options.segments.segments().map(({ id }) => id)));
    const launches: { run: number }[] = [];
    let short = false;
    for (const planned of this.startable().slice(0, free)) {
      const permit = this.#takePermit();
      if (permit === undefined) {
        short = true;
        break;
      }
      launches.push({ run: this.#prepare(planned, permit) });
    }
    this.releaseReserved();
    this.#forgetFailures();
    return { launches, short, backOffMs: this.#backOff.remainingMs() };
  }

  /** Waits for an I/O permit, which the next run takes. */
  async waitForPermit(signal: AbortSignal): Promise<void> {
    const permit = await this.#options.ioBudget.acquire(IO_PERMITS, signal);
    this.releaseReserved();
    this.#reserved = permit;
  }

  /** Gives back a permit that was waited for and is not needed. */
  releaseReserved(): void {
    this.#reserved?.release();
    this.#reserved = undefined;
  }

  get(run: number): OptimizationRun {
    const found = this.#runs.get(run);
    assert(found !== undefined, `optimization ${run} is running`);
    return found;
  }

  find(run: number): OptimizationRun | undefined {
    return this.#runs.get(run);
  }

  /** The number of the run that works on this segment. */
  workingOn(segmentId: number): number | undefined {
    return [...this.#runs].find(([, run]) => run.segmentIds.includes(segmentId))?.[0];
  }

  /** When this run ends cancelled, its segments are left alone for a while. */
  postpone(run: number): void {
    this.#postponed.add(run);
  }

  /** Undoes every run that is left over; used when the scheduler is gone. */
  async abandonAll(error: unknown): Promise<void> {
    const ends = await Promise.allSettled(this.running.map((run) => run.abandon(error)));
    this.releaseReserved();
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  /** Lets everything that is backing off be tried again at once. */
  forgetBackOff(): void {
    this.#backOff.clear();
  }

  /** What an optimizer failed with is over when it wants nothing any more. */
  #forgetFailures(): void {
    const wanted = new Set(this.pending().map(({ optimizer }) => optimizer));
    for (const { optimizer } of this.running) wanted.add(optimizer);
    for (const { name } of this.#options.optimizers) {
      if (!wanted.has(name)) this.#options.errors.recovered(`optimization:${name}`);
    }
  }

  #takePermit(): Permit | undefined {
    const reserved = this.#reserved;
    this.#reserved = undefined;
    return reserved ?? this.#options.ioBudget.tryAcquire(IO_PERMITS);
  }

  #prepare(planned: Planned, ioPermit: Permit): number {
    const { optimizers, cpuBudget, isBroken, onError, beforeRun } = this.#options;
    const optimizer = optimizers.find(({ name }) => name === planned.optimizer);
    assert(optimizer !== undefined, 'the plan names an optimizer of the store');
    this.#lastRun += 1;
    const id = this.#lastRun;
    const { segmentIds } = planned;
    const { trackers } = this;
    const startedAt = this.#options.clock.now();
    const onEnd = (end: RunEnd) => {
      const ms = this.#options.clock.now() - startedAt;
      this.counts.ended(planned.optimizer, end, ms);
      this.#ended(id, end, ms);
    };
    const hooks = { beforeBegin: beforeRun, isBroken, onError, onEnd };
    const environment = { ioPermit, cpuBudget, trackers, ...hooks };
    this.#runs.set(id, new OptimizationRun({ optimizer, segmentIds, ...environment }));
    return id;
  }

  #ended(id: number, end: RunEnd, ms: number): void {
    const run = this.get(id);
    this.#runs.delete(id);
    const what = `optimization:${run.optimizer}`;
    const isPostponed = this.#postponed.delete(id);
    let backOffMs = 0;
    if (end.outcome === 'done') {
      this.#points += end.points;
      this.#options.errors.recovered(what);
    } else if (end.outcome !== 'cancelled') {
      backOffMs = this.#backOff.failed(run.segmentIds);
      if (end.outcome === 'failed') this.#options.errors.report(what, end.error);
    } else if (isPostponed) this.#backOff.postpone(run.segmentIds);
    this.#options.onEnd(run, end, { ms, backOffMs });
  }

  #runningIds(): Set<number> {
    return new Set(this.running.flatMap((run) => run.segmentIds));
  }

  #busyIds(): Set<number> {
    return new Set([...this.#runningIds(), ...this.#backOff.waiting()]);
  }
}
