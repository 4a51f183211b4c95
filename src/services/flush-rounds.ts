import { assert, SluiceError } from '../errors.js';
import type { Clock } from './clock.js';
import type { ErrorLog } from './error-log.js';
import type { KeepFrom } from './keep-from.js';
import type { LogNotebook } from './log-notes.js';
import type { FlushCapture, SegmentHolder, Wal } from './ports.js';
import type { WalTail } from './wal-tail.js';

interface Request {
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** A picture on its way to disk. */
interface Round {
  picture: FlushCapture;
  applied: number;
  /** Bytes on their way to disk, about, as far as they still count as dirty. */
  bytes: number;
  /** It is being written. */
  isWriting: boolean;
  /** Nobody waits for it any more: it is given back when the writing has ended. */
  isAbandoned: boolean;
}

/** One round of the flush worker: capture, sync the log, write blocks, commit, acknowledge. */
export class FlushRounds {
  readonly #wal: Wal;
  readonly #segments: SegmentHolder<never>;
  readonly #tail: WalTail;
  readonly #clock: Clock;
  readonly #keepFrom: KeepFrom;
  readonly #notes: LogNotebook;
  readonly #errors: ErrorLog;
  /** Asked since the last round began; the next round answers them. */
  #requests: Request[] = [];
  /** Answered by the round that runs now. */
  #answering: Request[] = [];
  #capture: Round | undefined;
  #committed = 0;
  #acked = 0;
  /** Undefined until the log has been opened. */
  #forgotten: number | undefined;
  #startedAt = 0;
  readonly #counts = { rounds: 0, commits: 0, failures: 0, lastMs: 0 };

  constructor(options: {
    wal: Wal;
    segments: SegmentHolder<never>;
    tail: WalTail;
    clock: Clock;
    keepFrom: KeepFrom;
    notes: LogNotebook;
    errors: ErrorLog;
  }) {
    this.#wal = options.wal;
    this.#segments = options.segments;
    this.#tail = options.tail;
    this.#clock = options.clock;
    this.#keepFrom = options.keepFrom;
    this.#notes = options.notes;
    this.#errors = options.errors;
  }

  /** Records at or below this number are forgotten by the log. */
  get acked(): number {
    return this.#acked;
  }

  /**
   * As `acked`, with what the log has been told to forget and may not have forgotten yet.
   * Throws `SLUICE_NOT_OPEN` when the log has never been opened.
   */
  get forgotten(): number {
    if (this.#forgotten !== undefined) return this.#forgotten;
    throw new SluiceError('SLUICE_NOT_OPEN', 'the store is not open');
  }

  /** The number that the last commit holds. */
  get committed(): number {
    return this.#committed;
  }

  get counts() {
    return { ...this.#counts };
  }

  /**
   * True when a round could make the log forget something: now, or when more has been applied or
   * readers are further on.
   */
  get mayFree(): boolean {
    if (this.#errors.standing.some((error) => error.what === 'flush')) return false;
    const isMoreComing = this.#tail.usage.entries > 0 || this.#tail.end > this.#acked;
    const lowest = this.#keepFrom.lowestExplicit;
    return isMoreComing && this.#notes.forgettable(lowest - 1) > this.#acked;
  }

  /** True when a round that begins now would make the log forget something. */
  get wouldFree(): boolean {
    return this.#forgettable(this.#tail.applied) > this.#acked;
  }

  /** True when somebody waits for a round that has not begun. */
  get isAsked(): boolean {
    return this.#requests.length > 0;
  }

  /** Bytes of segments that no round has written or is writing, about. */
  uncapturedBytes(): number {
    const dirty = this.#segments.dirtyBytes();
    const round = this.#capture;
    if (round === undefined) return dirty;
    // An optimization may have replaced some of it: what comes after that counts from there.
    round.bytes = Math.min(round.bytes, dirty);
    return dirty - round.bytes;
  }

  /** Milliseconds since the last round began. */
  get elapsedMs(): number {
    return this.#clock.now() - this.#startedAt;
  }

  /** Begins anew on a store that has just been opened. */
  open(state: { committed: number; acked: number }): void {
    this.#committed = state.committed;
    this.#acked = state.acked;
    this.#forgotten = state.acked;
  }

  /** Resolves when a round that begins after this call has ended well. */
  request(): Promise<void> {
    return new Promise((resolve, reject) => this.#requests.push({ resolve, reject }));
  }

  /**
   * Takes the picture, then syncs the log: whatever the commit will hold must not be ahead of the
   * log after a power cut.
   */
  async capture(): Promise<{ changed: boolean; forgets: boolean }> {
    this.#startedAt = this.#clock.now();
    this.#answering = this.#requests.splice(0);
    const { applied, end } = this.#tail;
    const picture = this.#segments.capture(applied, this.#notes.toJSON());
    const bytes = this.#segments.dirtyBytes();
    this.#capture = { picture, applied, bytes, isWriting: false, isAbandoned: false };
    await this.#wal.sync();
    this.#tail.synced(end);
    // The log must never forget what the last commit doesn't count.
    const changed = picture.changed || applied !== this.#committed;
    return { changed, forgets: this.#forgettable(this.#committed) > this.#acked };
  }

  async writeBlocks(signal: AbortSignal): Promise<void> {
    await this.#write(({ picture }) => picture.writeBlocks(signal));
  }

  async commit(): Promise<void> {
    const round = this.#current;
    await this.#write(({ picture }) => picture.commit());
    round.bytes = 0;
    this.#committed = round.applied;
    this.#counts.commits += 1;
  }

  /** The log forgets what the last commit holds and nobody keeps. */
  async acknowledge(): Promise<void> {
    const upTo = this.#forgettable(this.#committed);
    if (upTo <= this.#acked) return;
    // From here on nobody is promised these records any more.
    this.#forgotten = upTo;
    this.#notes.forget(upTo);
    await this.#wal.acknowledge(upTo);
    this.#acked = upTo;
    this.#tail.acknowledged(upTo);
  }

  roundDone(): void {
    this.#end();
    this.#counts.rounds += 1;
    this.#counts.lastMs = this.elapsedMs;
    this.#errors.recovered('flush');
    for (const request of this.#answering.splice(0)) request.resolve();
    // What waits for room in a full log is declined if this round could not free any.
    this.#tail.recheck();
  }

  roundFailed(error: unknown): void {
    try {
      this.#end();
    } finally {
      this.#counts.failures += 1;
      this.#errors.report('flush', error);
      for (const request of this.#answering.splice(0)) request.reject(error);
      this.#tail.recheck();
    }
  }

  /** Answers everyone who waits, with this error. */
  abandon(error: unknown): void {
    for (const request of [...this.#answering.splice(0), ...this.#requests.splice(0)]) {
      request.reject(error);
    }
    try {
      this.#end();
    } catch (cause) {
      // Whoever refuses everyone has others to refuse.
      this.#errors.report('flush', cause);
    }
  }

  #forgettable(upTo: number): number {
    return this.#notes.forgettable(Math.min(upTo, this.#keepFrom.lowest - 1));
  }

  #end(): void {
    const round = this.#capture;
    this.#capture = undefined;
    if (round?.isWriting === true) round.isAbandoned = true;
    else round?.picture.release();
  }

  async #write(work: (round: Round) => Promise<void>): Promise<void> {
    const round = this.#current;
    round.isWriting = true;
    try {
      await work(round);
    } finally {
      round.isWriting = false;
      if (round.isAbandoned) this.#release(round);
    }
  }

  /** Of a round that nobody waits for any more. */
  #release({ picture }: Round): void {
    try {
      picture.release();
    } catch (error) {
      // What the writing has failed with must be heard.
      this.#errors.report('flush', error);
    }
  }

  get #current() {
    assert(this.#capture !== undefined, 'a flush round has captured before it writes');
    return this.#capture;
  }
}
