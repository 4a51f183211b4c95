import type { SluiceError } from '../errors.js';

interface Waiter {
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Changes of configuration on their way into force: applied in the order they were asked for. */
export class Reconfiguration {
  #asked: (Waiter & { change: () => void })[] = [];
  /** Those whose change has been applied and who are told when the workers know. */
  #applied: Waiter[] = [];

  /** Resolves when this change, and whatever was asked for before it, is in force. */
  request(change: () => void): Promise<void> {
    return new Promise((resolve, reject) => this.#asked.push({ change, resolve, reject }));
  }

  /** Applies everything asked for, the last change over the others, in one step. */
  apply(): void {
    for (const { change, ...waiter } of this.#asked.splice(0)) {
      try {
        change();
        this.#applied.push(waiter);
      } catch (error) {
        waiter.reject(error);
      }
    }
  }

  /** What has been applied is in force everywhere. */
  answer(): void {
    for (const { resolve } of this.#applied.splice(0)) resolve();
  }

  /** What has been applied could not be put in force. */
  fail(error: unknown): void {
    for (const { reject } of this.#applied.splice(0)) reject(error);
  }

  /** Nothing asked for will come into force. */
  refuse(error: SluiceError): void {
    this.answer();
    for (const { reject } of this.#asked.splice(0)) reject(error);
  }
}
