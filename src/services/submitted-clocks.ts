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

/** So many are kept before the first look at which of them have been applied. */
const LOOK_MIN = 256;

/**
 * Judges clock tags at submission, before anything is written: by the operations that are applied
 * and those on their way. One that does not reach the log (a full log, an abort) is as if it had
 * never been submitted, so that it can be sent again.
 */
export class SubmittedClocks {
  readonly #applied: () => AppliedClocks;
  /** In the order of their submission, which is that of the log. */
  readonly #inFlight = new Set<InFlight>();
  /** With as many in flight it is worth looking which of them have been applied. */
  #lookAt = LOOK_MIN;
  /** The outcome of all in flight; undefined when it must be worked out anew. */
  #clocks: ClockMap | undefined;

  constructor(applied: () => AppliedClocks) {
    this.#applied = applied;
  }

  /** How many are kept: those on their way, and some that have been applied since. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Begins anew on a store that has been opened. */
  reset(): void {
    this.#inFlight.clear();
    this.#lookAt = LOOK_MIN;
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

  /** One that is applied tells of all before it, also of those whose callers wait for more than that. */
  #forgetApplied(): void {
    if (this.#inFlight.size < this.#lookAt) return;
    const { applied } = this.#applied();
    const entries = [...this.#inFlight];
    const last = entries.findLastIndex(({ opNum = Number.POSITIVE_INFINITY }) => opNum <= applied);
    for (const entry of entries.slice(0, last + 1)) this.#inFlight.delete(entry);
    this.#lookAt = Math.max(LOOK_MIN, 2 * this.#inFlight.size);
  }
}
