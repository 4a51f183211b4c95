import { type Fault, type FaultSource, IO_ERROR, type Phase, type StoreCall } from './faults.js';

/** What happens at the n-th call of the stores. */
export type Mishap =
  /** A write fails once; every later one, too, until the store is opened anew. */
  | 'failOnce'
  /** Every call fails from there on, for a while. */
  | 'failOn'
  | 'kill'
  | 'powerCut';

/** Calls that fail with `failOn`, before the stores are well again. */
const FAILING_CALLS = 12;

/** Faults by a script: one at the n-th call, and perhaps another at the m-th call of what follows. */
export class ScriptedFaults implements FaultSource {
  readonly #mishap: Mishap;
  readonly #at: number;
  /** The call after the first crash that fails. */
  readonly #recoveryAt: number | undefined;
  #calls = 0;
  #struckAt = 0;
  #recovering = 0;
  #isOver = false;

  constructor(mishap: Mishap, at: number, recoveryAt?: number) {
    this.#mishap = mishap;
    this.#at = at;
    this.#recoveryAt = recoveryAt;
  }

  /** Whether the script has come to its first fault. */
  get hasStruck(): boolean {
    return this.#struckAt > 0;
  }

  /** Whether it has come to its second one, if it has one. */
  get hasStruckRecovery(): boolean {
    return this.#isOver;
  }

  decide({ kind }: StoreCall, phase: Phase): Fault | undefined {
    this.#calls += 1;
    if (!this.hasStruck) {
      if (this.#calls < this.#at || kind === 'close') return undefined;
      this.#struckAt = this.#calls;
      return this.#first();
    }
    if (this.#mishap === 'failOn') {
      const isFailing = this.#calls < this.#struckAt + FAILING_CALLS && kind !== 'close';
      return isFailing ? failure(false) : undefined;
    }
    if (
      this.#recoveryAt === undefined ||
      this.#isOver ||
      (phase !== 'opening' && phase !== 'creating')
    )
      return undefined;
    this.#recovering += 1;
    if (this.#recovering < this.#recoveryAt || kind === 'close') return undefined;
    this.#isOver = true;
    return failure(this.#recoveryAt % 2 === 0);
  }

  latencyMs(): number {
    return 0.1;
  }

  failsBuild(): boolean {
    return false;
  }

  failsForNow(): boolean {
    return false;
  }

  crashesWorker(): boolean {
    return false;
  }

  deafMs(): number {
    return 0;
  }

  buildMs(): number {
    return 1;
  }

  freeBytes(): number {
    return 2 ** 40;
  }

  #first(): Fault {
    const isStored = this.#at % 2 === 0;
    if (this.#mishap === 'kill' || this.#mishap === 'powerCut') {
      return { kind: 'crash', isPowerCut: this.#mishap === 'powerCut', isStored };
    }
    return failure(isStored);
  }
}

function failure(isStored: boolean): Fault {
  return { kind: 'error', message: IO_ERROR, isStored };
}
