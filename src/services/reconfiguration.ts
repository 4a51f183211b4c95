import type { SluiceError } from '../errors.js';

interface Waiter {
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Changes of configuration on their way into force: applied in the order they were asked for. */
export class Reconfiguration {
  #changes: (() => void)[] = [];
  #waiters: Waiter[] = [];
  /** Those whose change has been applied and who are told when the workers know. */
  #applied: Waiter[] = [];

  /** Resolves when this change, and whatever was asked for before it, is in force. */
  request(change: () => void): Promise<void> {
    this.#changes.push(change);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** Applies everything asked for, the last change over the others, in one step. */
  apply(): void {
    const changes = this.#changes.splice(0);
    const waiters = this.#waiters.splice(0);
    try {
      for (const change of changes) change();
    } catch (error) {
      for (const { reject } of waiters) reject(error);
      throw error;
    }
    this.#applied.push(...waiters);
  }

  /** What has been applied is in force everywhere. */
  answer(): void {
    for (const { resolve } of this.#applied.splice(0)) resolve();
  }

  /** Nothing asked for will come into force. */
  refuse(error: SluiceError): void {
    this.#changes = [];
    this.answer();
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }
}
