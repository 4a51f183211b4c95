import type { InspectionEvent } from 'xstate';
import type { UpdateHandlerInspector } from '../../types.js';
import { StoredLog } from './checkers/stored-log.js';
import { StoredSegments } from './checkers/stored-segments.js';
import { VirtualTime } from './clock.js';
import { Disk } from './disk.js';
import { drawFaults, type FaultClass, type FaultSource, RandomFaults } from './faults.js';
import { IndexFiles } from './indexes.js';
import { Oracle } from './oracle.js';
import { SimulatedProcess, type Surroundings } from './process.js';
import { Random } from './random.js';
import { drawSettings, type SimulationSettings } from './settings.js';
import { Trace } from './trace.js';
import { Traffic } from './traffic.js';

/** A rule that the collection has broken. */
export class Violation extends Error {
  override readonly name = 'Violation';

  constructor(
    readonly rule: string,
    text: string,
  ) {
    super(`${rule}: ${text}`);
  }
}

/** How an awaited call of the process has ended. */
export type Ending<T> =
  | { status: 'done'; value: T }
  | { status: 'failed'; error: unknown }
  | { status: 'died' }
  | { status: 'overdue' };

/** What a world is made from. */
export interface WorldOptions {
  seed: number;
  /** Fault classes to leave out. */
  without?: readonly FaultClass[] | undefined;
  /** Faults by a script instead of by chance. */
  faults?: FaultSource | undefined;
  /** Receives XState's events, with the virtual time in milliseconds. */
  inspect?: ((event: InspectionEvent, at: number) => void) | undefined;
}

/** Everything that is there in one run: time, disks, the process, and what must hold. */
export class World implements Surroundings {
  readonly random: Random;
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly traffic = new Traffic();
  readonly chance: RandomFaults;
  readonly faults: FaultSource;
  readonly settings: SimulationSettings;
  readonly wal: Disk;
  readonly segments: Disk;
  readonly indexFiles = new IndexFiles();
  readonly inspect: UpdateHandlerInspector | undefined;
  readonly busy: number;
  readonly oracle: Oracle;
  readonly violated: (rule: string, text: string) => void;
  readonly #interruptions: Random;
  #interrupt: (() => void) | undefined;
  /** The first rule that was broken. */
  violation: Violation | undefined;
  process: SimulatedProcess | undefined;
  /** The power has failed since the last good opening. */
  hadPowerCut = false;

  constructor({ seed, without = [], faults, inspect }: WorldOptions) {
    const root = new Random(seed);
    this.random = root.stream('process');
    this.#interruptions = root.stream('interruptions');
    this.time = new VirtualTime(root.stream('ties'));
    this.trace = new Trace(() => this.time.now);
    const enabled = drawFaults(root.stream('classes'));
    for (const fault of without) enabled.delete(fault);
    this.chance = new RandomFaults(root.stream('faults'), this.time, enabled);
    this.faults = faults ?? this.chance;
    this.settings = drawSettings(root.stream('settings'));
    this.wal = new Disk('wal', root.stream('wal'));
    this.segments = new Disk('segments', root.stream('segments'));
    this.inspect = inspect && ((event) => inspect(event, this.time.now));
    this.#watchDisks();
    this.busy = faults === undefined && enabled.has('busy') ? 0.01 : 0;
    if (this.busy > 0) this.chance.hit('busy');
    this.violated = (rule, text) => {
      this.trace.note(`broken rule: ${rule}: ${text}`);
      this.violation ??= new Violation(rule, text);
    };
    this.oracle = new Oracle(this.violated);
  }

  #watchDisks(): void {
    const { wal, segments } = this;
    const violated = (rule: string, text: string) => this.violated(rule, text);
    const log: StoredLog = new StoredLog(violated, () => stored.named(segments.entries).applied);
    const stored = new StoredSegments(violated, () => log.meta(wal.entries).synced);
    wal.observe = (write, entries) => log.observe(write, entries);
    segments.observe = (write, entries) => stored.observe(write, entries);
  }

  onCrash(isPowerCut: boolean): void {
    if (!isPowerCut) return;
    this.hadPowerCut = true;
    this.wal.powerCut();
    this.segments.powerCut();
  }

  /** Who rests acts at once, so that it meets what the worker leaves. */
  onWorkerCrash(): void {
    this.mayInterrupt(1);
  }

  /** A new process, in the place of the last one. */
  start(phase: 'creating' | 'opening'): SimulatedProcess {
    this.process = new SimulatedProcess(this, phase);
    return this.process;
  }

  /** Waits in virtual time. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.time.set(resolve, ms));
  }

  /** Waits in virtual time, or until it is interrupted: true then. */
  rest(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isInterrupted: boolean) => {
        this.#interrupt = undefined;
        this.time.clear(timer);
        resolve(isInterrupted);
      };
      const timer = this.time.set(() => end(false), ms);
      this.#interrupt = () => end(true);
    });
  }

  /** May interrupt who rests, in the middle of what an event sets going that comes now. */
  mayInterrupt(oneIn = this.chance.isTroubled ? 3 : 25): void {
    if (this.#interrupt === undefined || !this.chance.strikes('interruption', oneIn)) return;
    void this.#interruptSoon();
  }

  async #interruptSoon(): Promise<void> {
    const random = this.#interruptions;
    // At least one, so that the event comes first.
    for (let turns = random.between(1, random.pick([4, 20, 80])); turns > 0; turns--) await null;
    this.#interrupt?.();
  }

  /** How a call of the process ends, or that it has not ended in so much virtual time. */
  ending<T>(call: Promise<T>, limitMs = 600_000): Promise<Ending<T>> {
    const { process } = this;
    return new Promise((resolve) => {
      const timer = this.time.set(() => resolve({ status: 'overdue' }), limitMs);
      const end = (ending: Ending<T>) => {
        this.time.clear(timer);
        resolve(ending);
      };
      call.then(
        (value) => end({ status: 'done', value }),
        (error) => end({ status: 'failed', error }),
      );
      process?.died.then(() => end({ status: 'died' }));
    });
  }
}
