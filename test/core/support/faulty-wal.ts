import type { Wal, WalRecord, WalState } from '#sluice/services/ports.js';
import type { Hooks } from './hooks.js';

/** Passes everything on to another log, unless a hook fails it or holds it back. */
export class FaultyWal implements Wal {
  readonly dense: boolean;
  readonly hooks: Hooks;
  readonly watch?: (listener: (last: number) => void) => () => void;
  readonly #inner: Wal;
  #dropped = false;

  constructor(inner: Wal, hooks: Hooks) {
    this.#inner = inner;
    this.hooks = hooks;
    this.dense = inner.dense;
    const watch = inner.watch?.bind(inner);
    if (watch !== undefined) {
      this.watch = (listener) => watch((last) => (this.#dropped ? undefined : listener(last)));
    }
  }

  /** As if the process had died: nothing is written or answered any more. */
  drop(): void {
    this.#dropped = true;
  }

  async open(): Promise<WalState> {
    await this.#pass('wal.open');
    return this.#inner.open();
  }

  async append(
    records: readonly Uint8Array[],
    options: { sync: boolean },
  ): Promise<readonly number[]> {
    await this.#pass('wal.append', `${records.length}${options.sync ? ' synced' : ''}`);
    const opNums = await this.#inner.append(records, options);
    await this.#pass('wal.appended', opNums.join(' '));
    return opNums;
  }

  async sync(): Promise<void> {
    await this.#pass('wal.sync');
    await this.#inner.sync();
  }

  async *read(from: number, to: number): AsyncGenerator<WalRecord> {
    await this.#pass('wal.read', `${from} ${to}`);
    yield* this.#inner.read(from, to);
  }

  async acknowledge(upTo: number): Promise<void> {
    await this.#pass('wal.acknowledge', `${upTo}`);
    await this.#inner.acknowledge(upTo);
  }

  async close(): Promise<void> {
    await this.#pass('wal.close');
    await this.#inner.close();
  }

  async #pass(place: string, detail?: string): Promise<void> {
    if (!this.#dropped) await this.hooks.pass(place, detail);
    if (this.#dropped) await new Promise(() => {});
  }
}
