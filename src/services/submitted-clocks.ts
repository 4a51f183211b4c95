import { SluiceError } from '../errors.js';
import type { ClockTag, UpdateResult } from '../types.js';
import { ClockMap, type ClockRecord } from './clocks.js';

/** Clocks of the operations that are applied, and up to which op number. */
export interface AppliedClocks {
  readonly applied: number;
  readonly clocks: ClockRecord[];
}

interface InFlight {
  clockTag: ClockTag;
  /** Undefined until it is in the log. */
  opNum: number | undefined;
}

/**
 * Judges clock tags at submission, before anything is written: by the operations that are applied
 * and those on their way. One that does not reach the log (a full log, an abort) is as if it had
 * never been submitted, so that it can be sent again.
 */
export class SubmittedClocks {
  readonly #applied: () => AppliedClocks;
  readonly #inFlight = new Set<InFlight>();
  /** The outcome of all in flight; undefined when it must be worked out anew. */
  #clocks: ClockMap | undefined;

  constructor(applied: () => AppliedClocks) {
    this.#applied = applied;
  }

  /** Begins anew on a store that has been opened. */
  reset(): void {
    this.#inFlight.clear();
    this.#clocks = undefined;
  }

  /** Writes an operation if its tag is accepted, which is decided at once. */
  async submit(clockTag: ClockTag, write: () => Promise<UpdateResult>): Promise<UpdateResult> {
    if (!this.#current().advance(clockTag).accepted) return { status: 'clockRejected' };
    const entry: InFlight = { clockTag, opNum: undefined };
    this.#inFlight.add(entry);
    try {
      const result = await write();
      entry.opNum = result.opNum;
      if (result.status === 'completed') this.#inFlight.delete(entry);
      return result;
    } catch (error) {
      this.#inFlight.delete(entry);
      this.#clocks = undefined;
      const isOvertaken = error instanceof SluiceError && error.code === 'SLUICE_CLOCK_REJECTED';
      if (isOvertaken) return { status: 'clockRejected' };
      throw error;
    }
  }

  #current(): ClockMap {
    this.#forgetApplied();
    if (this.#clocks !== undefined) return this.#clocks;
    this.#clocks = ClockMap.fromJSON(this.#applied().clocks);
    for (const { clockTag } of this.#inFlight) this.#clocks.advance(clockTag);
    return this.#clocks;
  }

  /** The oldest come first, in the order of the log. */
  #forgetApplied(): void {
    for (const entry of this.#inFlight) {
      if (entry.opNum === undefined || entry.opNum > this.#applied().applied) return;
      this.#inFlight.delete(entry);
    }
  }
}
