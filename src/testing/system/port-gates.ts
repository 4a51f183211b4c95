import type { Calls, Site } from './journal.js';

/** How a held call goes on: well, or with an error before or after its work. */
export interface Opening {
  /** The call fails with this. @default it goes on well */
  error?: unknown;
  /** With `error`: the work is done first, and the caller is told that it failed. @default false */
  worked?: boolean;
}

/** A call as gates see it. */
export type GatedCall = {
  [S in Site]: { site: S; call: number; given: Calls[S]['given'] };
}[Site];

/**
 * What happens to a call: it passes, or waits until it is opened. One that is `deaf` goes on waiting
 * when its signal fires, as a port that hangs; the others then reject as ports should.
 */
export type Holding = 'pass' | 'hold' | 'deaf';

/** A call that waits before its port. */
export interface HeldCall {
  readonly call: GatedCall;
  readonly deaf: boolean;
  /** True when its signal has fired; only a deaf one is then still here. */
  readonly aborted: boolean;
  /** Lets it go on. */
  open(how?: Opening): void;
}

interface Scripted extends Opening {
  site: Site;
  left: number;
}

/**
 * The places before the ports at which calls can be held and failed. Without a word from a test
 * every call passes at once, in the same turn.
 */
export class PortGates {
  /** Asked for each asynchronous call. */
  decide: (call: GatedCall) => Holding = () => 'pass';
  /** What has passed waits for what passed before it, so that nothing depends on what ends first. */
  oneAtATime = false;
  /** While true, nothing that is scripted happens: for those who only look. */
  isAside = false;
  readonly #waiting = new Set<HeldCall>();
  #scripts: Scripted[] = [];
  #atWork = 0;
  #last: Promise<unknown> = Promise.resolve();
  #idle: (() => void)[] = [];

  /** The calls that wait, in the order in which they came. */
  get waiting(): readonly HeldCall[] {
    return [...this.#waiting];
  }

  /** Calls that have passed their gate and have not come back. */
  get atWork(): number {
    return this.#atWork;
  }

  /** The next `times` calls of this name that are not held fail so; also synchronous ones. */
  fail(site: Site, how: Opening, times = 1): void {
    this.#scripts.push({ ...how, site, left: times });
  }

  /** What was scripted for the calls of this name, or for all, and has not happened, will not. */
  clear(site?: Site): void {
    this.#scripts = this.#scripts.filter((script) => site !== undefined && script.site !== site);
  }

  /** Opens every gate, well, and lets all calls pass from now on. */
  release(): void {
    this.decide = () => 'pass';
    this.clear();
    for (const held of this.waiting) held.open();
  }

  /** Resolves when no call is at work; at once, if so. */
  idle(): Promise<void> {
    if (this.#atWork === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** How a call goes on that comes to its gate now; a promise only if it is held, until an abort at most. */
  enter(call: GatedCall, signal?: AbortSignal): Opening | Promise<Opening | 'aborted'> {
    const scripted = this.take(call.site);
    if (scripted !== undefined) return scripted;
    const holding = this.decide(call);
    return holding === 'pass' ? {} : this.#hold(call, holding === 'deaf', signal);
  }

  /** The scripted failure of this call, if there is one. */
  take(site: Site): Opening | undefined {
    if (this.isAside) return undefined;
    const script = this.#scripts.find((one) => one.site === site);
    if (script === undefined) return undefined;
    script.left -= 1;
    if (script.left === 0) this.#scripts.splice(this.#scripts.indexOf(script), 1);
    return script;
  }

  /** Runs the work of a call that has passed. */
  async work<T>(job: () => Promise<T>): Promise<T> {
    this.#atWork += 1;
    try {
      return await (this.oneAtATime ? this.#inTurn(job) : job());
    } finally {
      this.#atWork -= 1;
      if (this.#atWork === 0) for (const tell of this.#idle.splice(0)) tell();
    }
  }

  #inTurn<T>(job: () => Promise<T>): Promise<T> {
    const done = this.#last.then(job);
    this.#last = done.catch(() => {});
    return done;
  }

  #hold(
    call: GatedCall,
    deaf: boolean,
    signal: AbortSignal | undefined,
  ): Promise<Opening | 'aborted'> {
    return new Promise((resolve) => {
      const go = (how: Opening | 'aborted') => {
        this.#waiting.delete(held);
        signal?.removeEventListener('abort', onAbort);
        resolve(how);
      };
      const onAbort = () => {
        if (!deaf) go('aborted');
      };
      const held: HeldCall = {
        call,
        deaf,
        get aborted() {
          return signal?.aborted ?? false;
        },
        open: (how = {}) => go(how),
      };
      this.#waiting.add(held);
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted) onAbort();
    });
  }
}
