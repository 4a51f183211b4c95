import { SluiceError } from '../errors.js';
import { shown } from './option-checks.js';

/** Records at and above a number that someone needs. */
export interface Hold {
  /** Needs only records at and above this number from now on. */
  move(opNum: number): void;
  /** Needs none any more. Safe to call twice. */
  release(): void;
}

/** Holds that keep the log from forgetting; the lowest one counts. */
export class KeepFrom {
  readonly #holds = new Map<symbol, number>();
  /** Of those, the holds of readers, which are taken away rather than let the log fill up. */
  readonly #readers = new Map<symbol, number>();

  /** The lowest number that someone still needs; Infinity when nobody does, 0 keeps everything. */
  get lowest(): number {
    return Math.min(this.lowestExplicit, ...this.#readers.values());
  }

  /** As `lowest`, without the readers. */
  get lowestExplicit(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.#holds.values());
  }

  /**
   * Keeps records at and above `opNum` until the returned function is called.
   * Errors: `SLUICE_WAL_TRUNCATED` when records that it needs are already forgotten.
   */
  hold(opNum: number, acked: number): () => void {
    if (!Number.isSafeInteger(opNum) || opNum < 0) {
      throw new TypeError(`keepWalFrom takes a non-negative integer, not ${shown(opNum)}`);
    }
    if (opNum > 0) assertThere(opNum, acked);
    return place(this.#holds, opNum).release;
  }

  /** Keeps records for a reader. Errors: `SLUICE_WAL_TRUNCATED`. */
  holdForReader(opNum: number, acked: number): Hold {
    assertThere(opNum, acked);
    return place(this.#readers, opNum);
  }
}

function assertThere(opNum: number, acked: number): void {
  if (opNum > acked) return;
  throw new SluiceError(
    'SLUICE_WAL_TRUNCATED',
    `records up to ${acked} are forgotten, ${opNum} was asked for`,
  );
}

function place(holds: Map<symbol, number>, opNum: number): Hold {
  const key = Symbol('hold');
  holds.set(key, opNum);
  return {
    move: (to) => {
      if (holds.has(key)) holds.set(key, to);
    },
    release: () => {
      holds.delete(key);
    },
  };
}
