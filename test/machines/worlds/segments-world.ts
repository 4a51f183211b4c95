import { isDeepStrictEqual } from 'node:util';
import type { View } from 'sluice/testing';
import type { AnyEventObject } from 'xstate';
import { type End, type Given, must, World } from './world.js';

/** What `copy` finds out. */
interface Copied {
  started: boolean;
  indexing: boolean;
}

/** The segments that a task rewrites, and what the task owes those who wait for it. */
export class SegmentsWorld extends World {
  readonly #run: number;
  /** Which effects may begin in this step; the first step begins to copy. */
  #next = 'copy';
  #cancelled: string | undefined;
  #failure: string | undefined;
  /** The output has to be this once the task has ended. */
  #outcome: Given | undefined;
  /** The phase in flight has to be aborted in this step. */
  #abort = false;

  constructor(run: number) {
    super();
    this.#run = run;
  }

  protected override asked({ why }: AnyEventObject): void {
    const canBeUndone = !this.running.has('swap') && !this.running.has('rollback');
    if (!canBeUndone) return;
    this.#cancelled = why;
    this.#abort = true;
  }

  protected override ended(end: End): void {
    const { id, failed, output, error } = end;
    const isSettled = id === 'swap' && !failed;
    if (id === 'rollback') this.#undone(failed, error);
    else if (isSettled) this.#outcome = { outcome: 'done', points: output };
    else if (failed || this.#cancelled !== undefined) {
      if (failed) this.#failure = error;
      this.#next = 'rollback';
    } else this.#goOn(id, output as Copied | undefined);
  }

  #undone(failed: boolean, error: string): void {
    if (failed) this.#outcome = { outcome: 'failed', error };
    else if (this.#cancelled !== undefined) {
      this.#outcome = { outcome: 'cancelled', why: this.#cancelled };
    } else this.#outcome = { outcome: 'failed', error: this.#failure };
  }

  #goOn(id: string, copied: Copied | undefined): void {
    if (id === 'copy' && copied?.started === false) this.#outcome = { outcome: 'done', points: 0 };
    else if (id === 'copy') this.#next = copied?.indexing ? 'acquireCpu' : 'catchUp';
    else this.#next = { acquireCpu: 'index', index: 'catchUp', catchUp: 'swap' }[id] ?? '';
  }

  protected override began(id: string, { run }: Given): void {
    must(this.running.size === 0, `${id} begins before the phase in flight has settled`);
    must(run === this.#run, `${id} is told another run`);
    must(id === this.#next, `${id} begins where ${this.#next || 'nothing'} has to`);
    this.#next = '';
  }

  protected override did(_: string, { run, why }: Given): void {
    const known = run === this.#run && why === this.#cancelled;
    must(known, 'a phase is aborted for another reason, or that of another run');
  }

  protected override atRest({ snapshot, step }: View): void {
    if (step === undefined) this.once('began copy', true, 'a task begins at once');
    this.once('did abortPhase', this.#abort, 'a Stop aborts the phase, if it can be undone');
    this.#abort = false;
    must(this.isOver === (this.#outcome !== undefined), 'a task ends when it is all over');
    if (!this.isOver) must(this.running.size === 1, 'the task stands still');
    else {
      const isTold = isDeepStrictEqual(snapshot.output, this.#outcome);
      must(isTold, `a task tells how it ended: ${JSON.stringify(this.#outcome)}`);
    }
  }
}
