import type { SluiceError } from '../errors.js';

interface Waiter {
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Changes of configuration on their way into force: all asked for are applied, in order, in one step. */
export class Reconfiguration {
  #changes: (() => void)[] = [];
  #waiters: Waiter[] = [];

  /** Resolves when this change, and whatever was asked for before it is in force, is in force. */
  request(change: () => void): Promise<void> {
    this.#changes.push(change);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** Puts everything asked for in force, the last change over the others. */
  apply(): void {
    const changes = this.#changes.splice(0);
    const waiters = this.#waiters.splice(0);
    try {
      for (const change of changes) change();
    } catch (error) {
      for (const { reject } of waiters) reject(error);
      throw error;
    }
    for (const { resolve } of waiters) resolve();
  }

  /** Nothing asked for will come into force. */
  refuse(error: SluiceError): void {
    this.#changes = [];
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }
}
