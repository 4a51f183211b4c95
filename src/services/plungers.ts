interface Waiter {
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Those who wait for a Plunger's answer, by the number that the signal carries. */
export class Plungers {
  readonly #waiters = new Map<number, Waiter>();
  #lastId = 0;

  /** Registers a waiter; `submit` is called with its number. */
  wait(submit: (id: number) => void): Promise<void> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiters.set(id, { resolve, reject });
      submit(id);
    });
  }

  /** Answers one; nobody waiting any more is no error. */
  answer(id: number): void {
    this.#waiters.get(id)?.resolve();
    this.#waiters.delete(id);
  }

  /** Answers all who still wait, with this error. */
  rejectAll(error: unknown): void {
    for (const { reject } of this.#waiters.values()) reject(error);
    this.#waiters.clear();
  }
}
