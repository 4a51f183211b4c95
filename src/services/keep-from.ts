import { SluiceError } from '../errors.js';

/** Holds that keep the log from forgetting; the lowest one counts. */
export class KeepFrom {
  readonly #holds = new Map<symbol, number>();

  /** The lowest number that someone still needs; Infinity when nobody does, 0 keeps everything. */
  get lowest(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.#holds.values());
  }

  /**
   * Keeps records at and above `opNum` until the returned function is called.
   * Errors: `SLUICE_WAL_TRUNCATED` when records that it needs are already forgotten.
   */
  hold(opNum: number, acked: number): () => void {
    if (!Number.isSafeInteger(opNum) || opNum < 0) {
      throw new TypeError(`keepWalFrom takes a non-negative integer, got ${String(opNum)}`);
    }
    if (opNum > 0 && opNum <= acked) {
      throw new SluiceError(
        'SLUICE_WAL_TRUNCATED',
        `records up to ${acked} are forgotten, ${opNum} was asked for`,
      );
    }
    const key = Symbol('hold');
    this.#holds.set(key, opNum);
    return () => {
      this.#holds.delete(key);
    };
  }
}
