import type { VirtualTime } from './clock.js';
import type { Random } from './random.js';

/** What can go wrong in a run; each is off in half of the seeds. */
export const FAULT_CLASSES = [
  'slow',
  'hang',
  'busy',
  'writeLost',
  'writeStored',
  'readError',
  'openError',
  'closeError',
  'diskFull',
  'lowSpace',
  'kill',
  'powerCut',
  'crashInRecovery',
  'crashInCreation',
  'corruption',
  'buildFailure',
  'transient',
  'workerCrash',
  'deafBuild',
  'interruption',
  'givenUp',
] as const;

export type FaultClass = (typeof FAULT_CLASSES)[number];

/** One call of a store, as faults are decided for it. */
export interface StoreCall {
  store: string;
  kind: 'open' | 'close' | 'read' | 'write' | 'compact';
}

/** What becomes of a call. */
export type Fault =
  | { kind: 'error'; message: string; isStored: boolean }
  | { kind: 'crash'; isPowerCut: boolean; isStored: boolean };

/** What the process under test is doing: faults differ. */
export type Phase = 'creating' | 'opening' | 'running' | 'broken' | 'leaving';

/** Decides how calls go. */
export interface FaultSource {
  /** Called once a call, when its time has come. */
  decide(call: StoreCall, phase: Phase): Fault | undefined;
  /** How long a call takes. */
  latencyMs(call: StoreCall, phase: Phase): number;
  /** Whether a build of vectors or of an index fails. */
  failsBuild(): boolean;
  /** Whether a step of the segments fails for now, and would succeed when it is tried again. */
  failsForNow(): boolean;
  /** Whether a worker dies of a defect. */
  crashesWorker(phase: Phase): boolean;
  /** How long such a build hears nothing, not even that it should stop. */
  deafMs(): number;
  /** How long such a build takes. */
  buildMs(): number;
  /** Bytes of the disk that are free. */
  freeBytes(): number;
}

export const IO_ERROR = 'IO error: Input/output error';
export const NO_SPACE = 'IO error: No space left on device';
const PLENTY = 2 ** 40;
/** More goes wrong for so long after a worker has died. */
const TROUBLED_MS = 5;

/** Faults drawn from a seed. */
export class RandomFaults implements FaultSource {
  readonly enabled: ReadonlySet<FaultClass>;
  /** How often each has struck. */
  readonly hits = new Map<FaultClass, number>();
  readonly #random: Random;
  readonly #time: VirtualTime;
  readonly #meanMs: number;
  #isOn = true;
  /** The disk is full until then. */
  #fullUntil = 0;
  /** Little of the disk is free until then. */
  #lowUntil = 0;
  /** What hangs has come back by then. */
  #hangsUntil = 0;
  /** A worker has died shortly before. */
  #troubledUntil = -1;

  constructor(random: Random, time: VirtualTime, enabled: ReadonlySet<FaultClass>) {
    this.#random = random;
    this.#time = time;
    this.enabled = enabled;
    this.#meanMs = random.pick([0, 0.2, 1, 5]);
  }

  /** Milliseconds until nothing hangs any more. */
  get hangsMs(): number {
    return Math.max(0, this.#hangsUntil - this.#time.now);
  }

  /** A worker has died a moment ago: what happens now meets what it has left. */
  get isTroubled(): boolean {
    return this.#time.now <= this.#troubledUntil;
  }

  /** No faults from now on: what is down may come up again. */
  stop(): void {
    this.#isOn = false;
    this.#fullUntil = 0;
    this.#lowUntil = 0;
  }

  /** True when a fault of this class strikes, whose chance is one in so many; counts it. */
  strikes(fault: FaultClass, oneIn: number): boolean {
    if (!this.#isOn || !this.enabled.has(fault)) return false;
    if (this.#random.next() * oneIn >= 1) return false;
    this.hit(fault);
    return true;
  }

  hit(fault: FaultClass): void {
    this.hits.set(fault, (this.hits.get(fault) ?? 0) + 1);
  }

  decide(call: StoreCall, phase: Phase): Fault | undefined {
    if (!this.#isOn) return undefined;
    const crash = this.#crash(phase);
    if (crash !== undefined) return crash;
    const isWriting = call.kind === 'write';
    if (isWriting || call.kind === 'open') {
      if (isUp(phase) && this.strikes('diskFull', 1500)) {
        this.#fullUntil = this.#time.now + this.#random.between(10, 8000);
      }
      if (this.#time.now < this.#fullUntil) return failed(NO_SPACE, false);
    }
    if (isWriting) {
      const oneIn = phase === 'leaving' || this.isTroubled ? 30 : 600;
      if (this.strikes('writeLost', oneIn)) return failed(IO_ERROR, false);
      if (this.strikes('writeStored', oneIn)) return failed(IO_ERROR, true);
    }
    if (call.kind === 'read' && this.strikes('readError', 100)) return failed(IO_ERROR, false);
    if (call.kind === 'close' && this.strikes('closeError', 20)) return failed(IO_ERROR, false);
    if (call.kind === 'open' && this.strikes('openError', 10)) return failed(IO_ERROR, false);
    return undefined;
  }

  latencyMs(_: StoreCall, phase: Phase): number {
    if (this.strikes('slow', 400)) return this.#random.between(1000, 30_000);
    if (this.strikes('hang', phase === 'leaving' ? 50 : 2000)) return this.#hangs();
    return this.#meanMs === 0 ? 0 : this.#random.next() * 2 * this.#meanMs;
  }

  failsBuild(): boolean {
    return this.strikes('buildFailure', 8);
  }

  failsForNow(): boolean {
    return this.strikes('transient', 100);
  }

  crashesWorker(phase: Phase): boolean {
    const isCrash = this.strikes('workerCrash', phase === 'running' ? 300 : 10);
    if (isCrash) this.#troubledUntil = this.#time.now + TROUBLED_MS;
    return isCrash;
  }

  deafMs(): number {
    return this.strikes('deafBuild', 30) ? this.#hangs() : 0;
  }

  buildMs(): number {
    return this.#random.pick([0, 1, 20, 200, 3000]) * this.#random.next();
  }

  freeBytes(): number {
    if (this.strikes('lowSpace', 10)) this.#lowUntil = this.#time.now + 5000;
    return this.#time.now < this.#lowUntil ? 1000 : PLENTY;
  }

  /** Longer than the limits that the charts set. */
  #hangs(): number {
    const hangsMs = this.#random.between(11_000, 60_000);
    this.#hangsUntil = Math.max(this.#hangsUntil, this.#time.now + hangsMs);
    return hangsMs;
  }

  #crash(phase: Phase): Fault | undefined {
    if (isUp(phase)) {
      if (this.strikes('kill', 2000)) return this.#dies(false);
      return this.strikes('powerCut', 2000) ? this.#dies(true) : undefined;
    }
    const fault = phase === 'creating' ? 'crashInCreation' : 'crashInRecovery';
    return this.strikes(fault, 15) ? this.#dies(this.#random.chance(0.5)) : undefined;
  }

  #dies(isPowerCut: boolean): Fault {
    return { kind: 'crash', isPowerCut, isStored: this.#random.chance(0.5) };
  }
}

function failed(message: string, isStored: boolean): Fault {
  return { kind: 'error', message, isStored };
}

/** Whether the collection has been opened. */
function isUp(phase: Phase): boolean {
  return phase !== 'creating' && phase !== 'opening';
}

/** The classes that are on in a run: each with a chance of one half. */
export function drawFaults(random: Random): Set<FaultClass> {
  return new Set(FAULT_CLASSES.filter(() => random.chance(0.5)));
}
