import { errorText, isCancelled, SluiceError } from '../../errors.js';
import type { FlushCapture, LogNotes } from '../../services/ports.js';
import { ABORT_LIMIT_MS, begin, outcomeOf } from './patience.js';
import type { FlushCall } from './segments-chart.js';
import type { SegmentsClause } from './segments-clauses.js';
import type { SegmentsStage } from './segments-stage.js';

/** What a commit has to hold, and what happened around it: that says which clause was broken. */
export interface Commit {
  applied: number;
  notes: LogNotes;
  clause: SegmentsClause;
}

interface Round extends Commit {
  capture: FlushCapture;
  controller: AbortController;
  call: Promise<void> | undefined;
  isAborted: boolean;
  phase: 'captured' | 'writing' | 'written' | 'committing' | 'ended';
  /** How much had happened when it was captured. */
  at: { activity: number; last: number; swaps: number; rollbacks: number; released: number };
}

/** The flushes of a path: makes their calls, and knows which commit is in force. */
export class FlushRounds<Op> {
  readonly #stage: SegmentsStage<Op>;
  #round: Round | undefined;
  /** What happened last that the commit in force holds; undefined after a failure. */
  #clean: Round['at'] | undefined;
  #swaps = 0;
  #rollbacks = 0;
  /** Rounds that were released without a commit. */
  #released = 0;
  /** The same as `clean` of the commit before the last one. */
  #before: Round['at'] | undefined;
  committed: Commit | undefined;
  /** The clause that is broken when an opening after a close gives something else. */
  clause: SegmentsClause = 'loaded';
  /** A commit that was given up before it was answered. */
  maybe: Commit | undefined;

  constructor(stage: SegmentsStage<Op>) {
    this.#stage = stage;
  }

  readonly calls: Record<FlushCall, () => Promise<void> | void> = {
    Capture: () => this.capture(),
    WriteBlocks: () => {
      const round = this.#now;
      round.phase = 'writing';
      round.call = begin(() => round.capture.writeBlocks(round.controller.signal));
    },
    WriteEnds: () => this.#ends('writeBlocks()', 'written'),
    AbortWrite: () => this.#abort(),
    Commit: () => {
      const round = this.#now;
      this.maybe = this.#besides(round);
      round.phase = 'committing';
      round.call = begin(() => round.capture.commit());
    },
    CommitEnds: () => this.#commitEnds(),
    Release: () => this.#release(),
  };

  /**
   * True when nothing has happened since the last commit, and nothing but operations between it and the
   * one before: that is when what was replaced or given up must be gone.
   */
  get isSettled(): boolean {
    const [clean, before, now] = [this.#clean, this.#before, this.#at()];
    if (clean === undefined || before === undefined || clean.activity < now.activity) return false;
    return (['swaps', 'rollbacks', 'released'] as const).every(
      (what) => before[what] === now[what],
    );
  }

  /** A whole round. */
  async flush(): Promise<void> {
    const { Capture, WriteBlocks, WriteEnds, Commit, CommitEnds, Release } = this.calls;
    for (const call of [Capture, WriteBlocks, WriteEnds, Commit, CommitEnds, Release]) await call();
  }

  /** A round whose writes fail: the commit may count nevertheless. */
  async fail(): Promise<void> {
    await this.capture();
    const round = this.#now;
    const outcome = await outcomeOf(
      begin(async () => {
        await round.capture.writeBlocks(round.controller.signal);
        this.maybe = { ...round, clause: 'failed' };
        await round.capture.commit();
      }),
    );
    this.#stage.ledger.check('failed', outcome.ended === 'badly', () => {
      return outcome.ended === 'not' ? 'a failed flush hangs' : 'a failed flush is answered well';
    });
    round.capture.release();
    this.#round = undefined;
  }

  /** Carries the round that is under way to its commit. */
  async complete(): Promise<void> {
    const { WriteBlocks, WriteEnds, Commit, CommitEnds, Release } = this.calls;
    const left = {
      captured: [WriteBlocks, WriteEnds, Commit, CommitEnds, Release],
      writing: [WriteEnds, Commit, CommitEnds, Release],
      written: [Commit, CommitEnds, Release],
      committing: [CommitEnds, Release],
      ended: [Release],
      none: [],
    };
    for (const call of left[this.#round?.phase ?? 'none']) await call();
  }

  /** Ends the round that is under way, as the core does before it closes a store. */
  async end(): Promise<void> {
    if (this.#round === undefined) return;
    if (this.#round.phase === 'writing') await this.#abort();
    if (this.#round.phase === 'committing') await this.#commitEnds();
    await this.#release();
  }

  /** The process has ended: nothing more comes of what was under way. */
  drop(): void {
    void this.#round?.call?.catch(() => {});
    this.#before = undefined;
    this.#round = undefined;
    this.#clean = undefined;
  }

  /** The store was opened and holds this commit. */
  opened(commit: Commit | undefined, isNew: boolean): void {
    this.committed = commit;
    this.clause = 'loaded';
    this.maybe = undefined;
    const { swaps, rollbacks } = this.#stage;
    [this.#swaps, this.#rollbacks] = [swaps, rollbacks];
    this.#clean = isNew ? undefined : { ...this.#at(), last: commit?.applied ?? 0 };
  }

  async capture(): Promise<void> {
    const { adapters, model, ledger } = this.#stage;
    const applied = model.last;
    const declined = model.intents.flatMap(({ kind }, at) =>
      kind === 'refused' ? [at + 1, at + 1] : [],
    );
    const notes = { declined, forgotten: [], untagged: applied > 0, changes: [] };
    const capture = adapters.segments.capture(applied, notes);
    const at = this.#at();
    const clean = this.#clean;
    const news = model.intents.slice(clean?.last ?? 0).some(({ kind }) => kind === 'put');
    if (news) ledger.check('changed', capture.changed, '`changed` is false after a put');
    if (clean !== undefined && JSON.stringify(clean) === JSON.stringify(at)) {
      ledger.check('changed', !capture.changed, '`changed` is true, and nothing has happened');
      this.#stage.checkClean();
    }
    const controller = new AbortController();
    const clause = 'loaded';
    const begun = { call: undefined, phase: 'captured', isAborted: false } as const;
    this.#round = { ...begun, capture, applied, notes, controller, at, clause };
    await this.#stage.compare('quiet');
  }

  async #ends(what: string, phase: Round['phase']): Promise<void> {
    const round = this.#now;
    round.phase = phase;
    const call = round.call as Promise<void>;
    round.call = undefined;
    await this.#stage.ledger.sure('allowed', what, () => call);
    await this.#stage.compare('quiet');
  }

  async #commitEnds(): Promise<void> {
    const round = this.#now;
    await this.#ends('commit()', 'ended');
    this.committed = this.#besides(round);
    this.clause = this.committed.clause;
    this.#before = this.#clean;
    this.maybe = undefined;
    this.#clean = round.at;
  }

  async #abort(): Promise<void> {
    const { controller, call } = this.#now;
    const { ledger } = this.#stage;
    controller.abort(new SluiceError('SLUICE_CANCELLED', 'cancelled by a test'));
    const outcome = await outcomeOf(call as Promise<void>, ABORT_LIMIT_MS);
    ledger.check('aborted', outcome.ended !== 'not', 'writeBlocks() goes on after its signal');
    if (outcome.ended === 'badly') {
      ledger.check('aborted', isCancelled(outcome.error), () => {
        return `writeBlocks() rejects with: ${errorText(outcome.error)}`;
      });
    }
    this.#now.call = undefined;
    this.#now.phase = 'ended';
    this.#now.isAborted = true;
    await this.#stage.compare('quiet');
  }

  async #release(): Promise<void> {
    const round = this.#now;
    this.#round = undefined;
    round.capture.release();
    if (round.phase !== 'ended' || round.isAborted) this.#released += 1;
    if ((this.committed?.applied ?? 0) < round.applied) this.clause = 'released';
    await this.#stage.compare('quiet');
  }

  /** The commit, with the clause that a difference would break: what came between comes first. */
  #besides({ applied, notes, at }: Round): Commit {
    const { swaps, rollbacks } = this.#stage;
    let clause: SegmentsClause = 'loaded';
    if (at.swaps > this.#swaps) clause = 'swapped';
    if (at.rollbacks > this.#rollbacks) clause = 'rollback';
    if (this.#at().last > at.last) clause = 'picture';
    if (swaps > at.swaps) clause = 'swapBeside';
    if (rollbacks > at.rollbacks) clause = 'rollback';
    return { applied, notes, clause };
  }

  #at(): Round['at'] {
    const { activity, model, swaps, rollbacks } = this.#stage;
    return { activity, last: model.last, swaps, rollbacks, released: this.#released };
  }

  get #now(): Round {
    if (this.#round === undefined) throw new TypeError('no flush is under way');
    return this.#round;
  }
}
