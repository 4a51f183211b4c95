import type { Wal, WalRecord, WalState } from '#sluice/services/ports.js';

/** A log that lives elsewhere: it has several writers, and its numbers skip. */
export class SharedLog {
  readonly #records: WalRecord[] = [];
  readonly #listeners = new Set<(last: number) => void>();
  #last = 0;

  get last(): number {
    return this.#last;
  }

  /** Appends one record; each number is 1 to 3 above the one before it. */
  append(data: Uint8Array): number {
    this.#last += 1 + (this.#records.length % 3);
    this.#records.push({ opNum: this.#last, data: new Uint8Array(data) });
    for (const listener of this.#listeners) listener(this.#last);
    return this.#last;
  }

  between(from: number, to: number): WalRecord[] {
    return this.#records.filter(({ opNum }) => opNum >= from && opNum <= to);
  }

  /** One reader's view of the log, with its own acknowledgement. */
  client(): Wal {
    let acked = 0;
    const log = this;
    return {
      dense: false,
      async open(): Promise<WalState> {
        const records = log.between(acked + 1, log.last);
        const bytes = records.reduce((sum, { data }) => sum + data.byteLength, 0);
        return { storeId: 'shared', acked, last: log.last, bytes };
      },
      append: async (records) => records.map((data) => log.append(data)),
      sync: async () => {},
      async *read(from, to) {
        yield* log.between(from, to);
      },
      acknowledge: async (upTo) => {
        acked = upTo;
      },
      watch(listener) {
        log.#listeners.add(listener);
        listener(log.last);
        return () => log.#listeners.delete(listener);
      },
      close: async () => {},
    };
  }
}
