import { SluiceError } from '../../errors.js';
import type { CallEvent, Calls, Journal, Site } from './journal.js';
import type { GatedCall, PortGates } from './port-gates.js';

/** Writes calls down and leads them through their gates, for all ports of one opening of a store. */
export class CallRecorder {
  readonly journal: Journal;
  readonly gates: PortGates;
  #lastCall = 0;
  #dropped = false;

  constructor(journal: Journal, gates: PortGates) {
    this.journal = journal;
    this.gates = gates;
  }

  /** As if the process had died: from now on no call reaches its port, and none is answered. */
  drop(): void {
    this.#dropped = true;
  }

  get dropped(): boolean {
    return this.#dropped;
  }

  /** An asynchronous call; `tell` says what of its result is written down. */
  async later<S extends Site, T>(
    site: S,
    given: Calls[S]['given'],
    work: () => Promise<T>,
    tell: (result: T) => Calls[S]['got'],
    signal?: AbortSignal,
  ): Promise<T> {
    if (this.#dropped) return never();
    const call = this.#next();
    this.#record({ type: 'begun', site, call, given });
    let worked = false;
    try {
      const entered = this.gates.enter({ site, call, given } as GatedCall, signal);
      const how = entered instanceof Promise ? await entered : entered;
      if (this.#dropped) return never();
      if (how === 'aborted') throw cancellation(signal);
      if ('error' in how && how.worked !== true) throw how.error;
      const result = await this.gates.work(work);
      worked = true;
      if (this.#dropped) return never();
      if ('error' in how) throw how.error;
      this.#record({ type: 'ended', site, call, given, got: tell(result) });
      return result;
    } catch (error) {
      if (this.#dropped) return never();
      this.#record({ type: 'failed', site, call, given, error, worked });
      throw error;
    }
  }

  /** A synchronous call, which can be failed but not held. `quiet`: only a failure is written down. */
  now<S extends Site, T>(
    site: S,
    given: Calls[S]['given'],
    work: () => T,
    tell: (result: T) => Calls[S]['got'],
    quiet = false,
  ): T {
    if (this.#dropped) return work();
    const call = this.#next();
    const how = this.gates.take(site);
    let worked = false;
    try {
      if (how !== undefined && how.worked !== true) throw how.error;
      const result = work();
      worked = true;
      if (how !== undefined) throw how.error;
      if (!quiet) this.#record({ type: 'ended', site, call, given, got: tell(result) });
      return result;
    } catch (error) {
      this.#record({ type: 'failed', site, call, given, error, worked });
      throw error;
    }
  }

  /** Work at the storage that is no call of its own: it is waited for, and not written down. */
  async aside<T>(work: () => Promise<T>): Promise<T> {
    if (this.#dropped) return never();
    const result = await this.gates.work(work);
    return this.#dropped ? never() : result;
  }

  #next(): number {
    this.#lastCall += 1;
    return this.#lastCall;
  }

  #record<S extends Site>(event: {
    type: CallEvent['type'];
    site: S;
    call: number;
    given: Calls[S]['given'];
    got?: Calls[S]['got'];
    error?: unknown;
    worked?: boolean;
  }): void {
    this.journal.record(event as CallEvent);
  }
}

export const nothing = (): Record<never, never> => ({});

/** What a port rejects with when its signal fires. */
function cancellation(signal: AbortSignal | undefined): unknown {
  const { reason } = signal ?? {};
  if (reason instanceof SluiceError) return reason;
  return new SluiceError('SLUICE_CANCELLED', 'cancelled', { cause: reason });
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}
