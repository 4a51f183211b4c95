import { SluiceError, toSluiceError } from '../errors.js';
import type { Change } from '../types.js';
import type { Clock } from './clock.js';
import type { Hold } from './keep-from.js';
import type { WalRecord } from './ports.js';

/** What a reader takes its records from. */
export interface ReaderSource<Op> {
  /** Operations up to here may be shown. */
  readonly visible: number;
  /** Records `from`…`to`, in order. */
  read(from: number, to: number): AsyncIterable<WalRecord>;
  decode(data: Uint8Array): Op;
  isDeclined(opNum: number): boolean;
  readonly clock: Clock;
  /** A reader has read on: what it leaves behind may be forgotten. */
  onMoved(): void;
}

/** Read at once at most; a reader holds no more than this in memory. */
const BATCH_RECORDS_MAX = 1000;
const BATCH_BYTES_MAX = 256 * 1024;

/** One reader of the log: its place, what it has read ahead, and how it ended. */
export class LogReader<Op> {
  readonly #source: ReaderSource<Op>;
  readonly #hold: Hold;
  readonly #to: number;
  #next: number;
  #batch: WalRecord[] = [];
  #at = 0;
  #last: Promise<unknown> = Promise.resolve();
  #ended = false;
  /** Told once, to whoever asks first. */
  #error: SluiceError | undefined;
  /** Goes on when more may be shown; set while the reader waits for that. */
  #resume: () => void = () => {};
  /** Goes on without what is being read; set while the reader waits at all. */
  #abandon: () => void = () => {};
  #onEnd: () => void = () => {};

  /** Reads from `from` on, no record above `to`; releases `hold` at the end. */
  constructor(source: ReaderSource<Op>, hold: Hold, from: number, to: number) {
    this.#source = source;
    this.#hold = hold;
    this.#next = from;
    this.#to = to;
  }

  /** The number of the next record, or a lower one where there are gaps. */
  get position(): number {
    return this.#next;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Calls back when the reader has ended, whyever. */
  onEnd(callback: () => void): void {
    this.#onEnd = callback;
  }

  /** The next operation; calls made meanwhile get the ones after it. */
  next(): Promise<IteratorResult<Change<Op>, undefined>> {
    const step = this.#last.then(() => this.#step());
    // Whoever called for this step hears of its error.
    this.#last = step.catch(() => {});
    return step;
  }

  /** More may be shown. */
  wake(): void {
    if (this.#next <= this.#source.visible) this.#resume();
  }

  /** Ends the reading; with an error, which a call that waits, or the next one, rejects with. */
  end(error?: SluiceError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#batch = [];
    this.#hold.release();
    this.#onEnd();
    this.#abandon();
    this.#source.onMoved();
  }

  async #step(): Promise<IteratorResult<Change<Op>, undefined>> {
    try {
      while (!this.#ended) {
        const record = this.#batch[this.#at];
        if (record !== undefined) return { done: false, value: this.#give(record) };
        const visible = Math.min(this.#source.visible, this.#to);
        if (this.#next <= visible) await this.#orEnd(this.#fill(visible));
        else if (this.#next > this.#to) this.end();
        else await this.#orEnd(this.#more());
      }
    } catch (error) {
      this.end(toSluiceError(error, 'SLUICE_IO'));
    }
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) throw error;
    return { done: true, value: undefined };
  }

  #give({ opNum, data }: WalRecord): Change<Op> {
    const operation = this.#source.decode(data);
    const declined = this.#source.isDeclined(opNum);
    this.#at += 1;
    this.#moveTo(opNum + 1);
    return { opNum, operation, declined };
  }

  async #fill(to: number): Promise<void> {
    const batch: WalRecord[] = [];
    let bytes = 0;
    for await (const record of this.#source.read(this.#next, to)) {
      batch.push(record);
      bytes += record.data.byteLength;
      if (this.#ended || batch.length >= BATCH_RECORDS_MAX || bytes >= BATCH_BYTES_MAX) break;
    }
    // A log in memory would otherwise be read to its end without a pause.
    await this.#source.clock.yield();
    if (this.#ended) return;
    this.#batch = batch;
    this.#at = 0;
    // In a log with other writers the last numbers may be missing.
    if (batch.length === 0) this.#moveTo(to + 1);
  }

  #moveTo(opNum: number): void {
    this.#next = opNum;
    this.#hold.move(opNum);
    if (this.#at >= this.#batch.length) this.#source.onMoved();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  /** Waits for some work, or until the reader has ended: what the work then does goes unheard. */
  #orEnd(work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#abandon = resolve;
      work.then(resolve, reject);
    });
  }
}

/** The reader was in the way of a log that is full. */
export function tooSlow(opNum: number): SluiceError {
  return new SluiceError(
    'SLUICE_READER_TOO_SLOW',
    `the log is full and forgets record ${opNum}, which this reader has not come to`,
  );
}
