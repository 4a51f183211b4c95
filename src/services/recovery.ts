import type { Clock } from './clock.js';

/** How far the last opening has come: parts of the segments loaded, operations replayed. */
export class Recovery {
  readonly #clock: Pick<Clock, 'now'>;
  /** Told when everything has been replayed, if there was something: operations, milliseconds. */
  readonly #onDone: (operations: number, ms: number) => void;
  #counts = { loaded: 0, toLoad: 0, replayed: 0, toReplay: 0 };
  #from = 0;
  #beganAt = 0;

  constructor(clock: Pick<Clock, 'now'>, onDone: (operations: number, ms: number) => void) {
    this.#clock = clock;
    this.#onDone = onDone;
  }

  /** A copy. */
  get counts() {
    return { ...this.#counts };
  }

  /** True when nothing is left to replay. */
  get isDone(): boolean {
    return this.#counts.replayed >= this.#counts.toReplay;
  }

  /** The segments are being loaded. */
  loading(loaded: number, toLoad: number): void {
    this.#counts = { loaded, toLoad, replayed: 0, toReplay: 0 };
  }

  /** The replay of the operations after `applied` begins. */
  begins(applied: number, last: number): void {
    this.#counts.toReplay = last - applied;
    this.#from = applied;
    this.#beganAt = this.#clock.now();
  }

  /** Everything up to this number has been applied. */
  applied(opNum: number): void {
    if (this.isDone) return;
    const { toReplay } = this.#counts;
    this.#counts.replayed = Math.min(opNum - this.#from, toReplay);
    if (this.isDone) this.#onDone(toReplay, this.#clock.now() - this.#beganAt);
  }
}
