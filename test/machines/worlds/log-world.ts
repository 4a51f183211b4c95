import { isDeepStrictEqual } from 'node:util';
import type { AnyEventObject } from 'xstate';
import { type End, type Given, must, World } from './world.js';

/** The root gives the update worker up after this. */
const OWNER_LIMIT_MS = 35_000;
const RETRY_MAX_MS = 10_000;

/** The log, its readers and writers, as the update worker's services see them. */
export class LogWorld extends World {
  /** There may be something in the log that no applier has looked at; at first there is. */
  #unseen = true;
  /** The first back-off, and the last one since there was progress. */
  #firstMs: number | undefined;
  #lastMs: number | undefined;
  /** An operation failed for now. */
  #mustRetry = false;
  /** The back-off is over. */
  #mayRetry = false;
  #stop = false;
  #drained = false;
  #pastLimit = false;
  #isAbandoned = false;
  /** What the present step is about. */
  #event: AnyEventObject | undefined;
  #closed = false;

  protected override asked(event: AnyEventObject): void {
    this.#event = event;
    if (event.type === 'Operation' && !this.#stop) this.#unseen = true;
    if (event.type === 'Applied') this.#lastMs = undefined;
    if (event.type === 'Stop') this.#stop = true;
  }

  protected override elapsed(): void {
    this.#event = undefined;
    this.#mayRetry = this.#mustRetry;
    if (this.running.has('drain')) this.#pastLimit = true;
  }

  protected override ended({ id, output, failed }: End): void {
    this.#event = undefined;
    const isRetry = !failed && (output as { outcome: string }).outcome === 'retry';
    if (id === 'drain') this.#drained = !failed;
    else if (isRetry) this.#mustRetry = true;
  }

  protected override began(id: string, input: Given): void {
    must(this.running.size === 0, `${id} begins while another reads the log`);
    must('owner' in input, `${id} knows nobody whom it could tell of its progress`);
    if (id === 'drain') {
      must(this.#closed, 'the rest of the log is applied before admission is closed');
      must(!this.#drained, 'the rest of the log is applied twice');
      return;
    }
    must(!this.#stop, 'an applier begins after a Stop, where only the rest is to be applied');
    must(this.#unseen || this.#mustRetry, 'an applier begins for nothing');
    must(!this.#mustRetry || this.#mayRetry, 'what failed for now is tried again too early');
    this.#mayRetry = false;
    this.#unseen = false;
    this.#mustRetry = false;
  }

  protected override did(action: string, { id }: Given): void {
    if (action === 'closeAdmission') this.#closed = true;
    if (action === 'answerPlunger') {
      must(id === this.#event?.id, 'somebody else is answered than the one who asked');
    }
  }

  protected override told(event: AnyEventObject): void {
    must(
      isDeepStrictEqual({ ...event }, { ...this.#event }),
      `the owner is told ${event.type}, which has not happened`,
    );
  }

  protected override atRest(): void {
    const { type } = this.#event ?? {};
    this.once('did answerPlunger', type === 'Plunger', 'a Plunger is answered in its place');
    this.once('told Nop', type === 'Nop', 'a Nop is passed on in its place');
    this.once('told Applied', type === 'Applied', 'progress is reported');
    must(this.#closed === this.#stop, 'admission is closed at once by a Stop, and by nothing else');
    must(this.isOver === this.#drained, 'the worker ends when the rest has been applied');
    this.once('did abandonDrain', this.#limitHasPassed(), 'the rest has a limit');
    this.#event = undefined;
    if (this.isOver) return;
    if (this.#stop) this.#checkStopping();
    else this.#checkWorking();
  }

  #limitHasPassed(): boolean {
    const now = this.#pastLimit && !this.#isAbandoned;
    this.#isAbandoned ||= this.#pastLimit;
    return now;
  }

  #checkStopping(): void {
    must(
      this.running.size === 1,
      'after a Stop what is in the log is being applied, up to the end',
    );
    if (!this.running.has('drain') || this.#pastLimit) return;
    const [limit = Number.POSITIVE_INFINITY] = this.delays();
    must(limit < OWNER_LIMIT_MS, 'the rest is given up before the worker is given up');
  }

  #checkWorking(): void {
    if (this.running.size > 0) return;
    must(!this.#unseen || this.#mustRetry, 'there are operations, and nobody applies them');
    const [delayMs] = this.delays();
    if (!this.#mustRetry) return;
    if (delayMs === undefined) throw new Error('what failed for now is not tried again');
    if (this.times('ended applier') === 1) this.#checkBackOff(delayMs);
  }

  #checkBackOff(delayMs: number): void {
    const lastMs = this.#lastMs;
    this.#firstMs ??= delayMs;
    const isLonger = lastMs === undefined || delayMs > lastMs || delayMs === RETRY_MAX_MS;
    must(isLonger, 'a back-off grows with each failed try');
    must(lastMs !== undefined || delayMs === this.#firstMs, 'it begins anew after progress');
    must(delayMs <= RETRY_MAX_MS, 'a back-off has a limit');
    this.#lastMs = delayMs;
  }
}
