import type { Change, ChangesOptions } from 'sluice';
import type { TinyOperation } from './tiny-segments.js';
import type { TinyStore } from './tiny-store.js';

/** Reads the log of a tiny store step by step, on the store's own clock. */
export class TinyReader {
  readonly changes: AsyncIterableIterator<Change<TinyOperation>>;
  readonly #store: TinyStore;

  constructor(store: TinyStore, options?: ChangesOptions) {
    this.#store = store;
    this.changes = store.handler.changes(options);
  }

  /** The next operation's number; `done` at the end, the code of an error. */
  async next(): Promise<number | string> {
    return this.#store.run(outcome(this.changes.next()));
  }

  /** What it has to give until it ends: numbers, and the code of an error. */
  async rest(): Promise<(number | string)[]> {
    const all: (number | string)[] = [];
    for (;;) {
      const one = await this.next();
      if (one === 'done') return all;
      all.push(one);
    }
  }
}

/** What a call of `next` comes to, in a word. */
export function outcome(
  next: Promise<IteratorResult<{ opNum: number }>>,
): Promise<number | string> {
  return next.then(
    (result) => (result.done === true ? 'done' : result.value.opNum),
    (error: { code?: string }) => error.code ?? String(error),
  );
}
