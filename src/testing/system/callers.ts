import type { CoreSettings } from '../../core-options.js';
import { SluiceError } from '../../errors.js';
import type { SegmentInfo } from '../../services/ports.js';
import type { SubmitOptions } from '../../services/ticket.js';
import type { Change } from '../../types.js';
import type { UpdateHandler } from '../../update-handler.js';
import type { Journal, RequestKind } from './journal.js';

/** A reader of the log, by its number. */
interface Reader<Op> {
  iterator: AsyncIterableIterator<Change<Op>>;
  follow: boolean;
  asking: boolean;
}

/** What a reader has been given, or that it is at its end. */
export type ReadResult = { reader: number; opNum: number; declined: boolean; mark: string } | 'end';

/** Those who use an update handler: what they ask and what they are answered is in the journal. */
export class Callers<Op, Info extends SegmentInfo> {
  readonly handler: UpdateHandler<Op, Info>;
  readonly #journal: Journal;
  readonly #markOf: (operation: Op) => string;
  readonly #numbers: { request: number; hold: number; reader: number };
  readonly #aborts = new Map<number, AbortController>();
  readonly #holds = new Map<number, () => void>();
  readonly #readers = new Map<number, Reader<Op>>();
  #dropped = false;

  constructor(
    handler: UpdateHandler<Op, Info>,
    journal: Journal,
    markOf: (operation: Op) => string,
    numbers = { request: 0, hold: 0, reader: 0 },
  ) {
    this.handler = handler;
    this.#journal = journal;
    this.#markOf = markOf;
    this.#numbers = numbers;
  }

  /** Requests that can still be aborted. */
  get abortable(): readonly number[] {
    return [...this.#aborts.keys()];
  }

  get holds(): readonly number[] {
    return [...this.#holds.keys()];
  }

  /** Readers that are not at their end and wait for nothing. */
  get readers(): readonly number[] {
    return [...this.#readers].flatMap(([number, { asking }]) => (asking ? [] : [number]));
  }

  /** Gives up every hold and every reader. */
  letGo(): void {
    for (const hold of this.holds) this.giveUp(hold);
    for (const reader of this.#readers.keys()) this.closeReader(reader);
  }

  /** From now on nothing more is written down: the process has died. */
  drop(): void {
    this.#dropped = true;
  }

  submit(operation: Op, { abortable, ...options }: SubmitOptions & { abortable: boolean }): void {
    const controller = new AbortController();
    const facts = { wait: options.wait, mark: this.#markOf(operation) };
    const request = this.#ask('submit', facts, () =>
      this.handler.submit(
        operation,
        abortable ? { ...options, signal: controller.signal } : options,
      ),
    );
    if (abortable) this.#aborts.set(request, controller);
  }

  /** Submits what the codec refuses. */
  submitBad(operation: Op): void {
    this.#ask('submit', { wait: true, mark: 'bad' }, () => this.handler.submit(operation));
  }

  abort(request: number): void {
    const controller = this.#aborts.get(request);
    this.#aborts.delete(request);
    if (controller === undefined) return;
    this.#journal.note(`caller ${request} aborts`);
    controller.abort(new Error('not wanted any more'));
  }

  ready(): void {
    this.#ask('ready', {}, () => this.handler.ready());
  }

  plunge(): void {
    this.#ask('plunge', {}, () => this.handler.plunge());
  }

  flush(): void {
    this.#ask('flush', {}, () => this.handler.flush());
  }

  reconfigure(settings: Partial<CoreSettings>): void {
    this.#ask('reconfigure', settings, () => this.handler.reconfigure(settings));
  }

  reopen(): void {
    this.#ask('reopen', {}, () => this.handler.reopen());
  }

  stop(): void {
    this.#ask('stop', {}, () => this.handler.stop());
  }

  trigger(): void {
    this.#journal.note('a caller triggers the optimizers');
    this.handler.trigger();
  }

  /** Keeps records from `from` on, if they are there. */
  keep(from: number): void {
    this.#attempt(() => {
      const release = this.handler.keepWalFrom(from);
      this.#numbers.hold += 1;
      const hold = this.#numbers.hold;
      this.#holds.set(hold, release);
      this.#journal.record({ type: 'kept', hold, from });
    });
  }

  giveUp(hold: number): void {
    const release = this.#holds.get(hold);
    this.#holds.delete(hold);
    if (release === undefined) return;
    release();
    this.#journal.record({ type: 'kept', hold, from: null });
  }

  /** Begins to read the log from its oldest record on. */
  openReader(follow: boolean): void {
    this.#attempt(() => {
      const iterator = this.handler.changes({ follow });
      this.#numbers.reader += 1;
      this.#readers.set(this.#numbers.reader, { iterator, follow, asking: false });
      this.#journal.note(`reader ${this.#numbers.reader} begins${follow ? ', to follow' : ''}`);
    });
  }

  /** Asks a reader for its next record. */
  read(number: number): void {
    const reader = this.#readers.get(number);
    if (reader === undefined) return;
    reader.asking = true;
    const next = async (): Promise<ReadResult> => {
      try {
        const { done, value } = await reader.iterator.next();
        reader.asking = false;
        if (done === true) this.#readers.delete(number);
        if (done === true) return 'end';
        const { opNum, declined, operation } = value;
        return { reader: number, opNum, declined, mark: this.#markOf(operation) };
      } catch (error) {
        this.#readers.delete(number);
        throw error;
      }
    };
    this.#ask('read', { reader: number, follow: reader.follow }, next);
  }

  closeReader(number: number): void {
    const reader = this.#readers.get(number);
    this.#readers.delete(number);
    if (reader === undefined) return;
    this.#journal.note(`reader ${number} gives up`);
    void reader.iterator.return?.();
  }

  #ask(kind: RequestKind, facts: object, work: () => Promise<unknown>): number {
    this.#numbers.request += 1;
    const request = this.#numbers.request;
    this.#journal.record({ type: 'asked', request, kind, facts });
    work().then(
      (result) => {
        this.#aborts.delete(request);
        if (!this.#dropped) this.#journal.record({ type: 'answered', request, kind, result });
      },
      (error: unknown) => {
        this.#aborts.delete(request);
        if (!this.#dropped) this.#journal.record({ type: 'refused', request, kind, error });
      },
    );
    return request;
  }

  /** Asks for something that is granted at once or refused with a code. */
  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      this.#journal.note(`refused at once: ${error.code}`);
    }
  }
}
