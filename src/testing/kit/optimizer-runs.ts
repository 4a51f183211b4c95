import { errorText, isCancelled, SluiceError } from '../../errors.js';
import type { Optimization, SegmentOptimizer } from '../../services/ports.js';
import { ABORT_LIMIT_MS, begin, outcomeOf } from './patience.js';
import type { RunCall } from './segments-chart.js';
import type { SegmentsStage } from './segments-stage.js';

/** After so many operations some optimizer must have found something to do. */
const FILL_MAX = 1000;
/** After so many runs the optimizers are taken to go on for ever. */
const RUNS_MAX = 100;

interface Choice {
  optimizer: SegmentOptimizer;
  ids: readonly number[];
}

interface Run extends Choice {
  run: Optimization;
  controller: AbortController;
  call: Promise<void> | undefined;
}

/** The optimizations of a path, one at a time: makes their calls and compares. */
export class OptimizerRuns<Op> {
  readonly #stage: SegmentsStage<Op>;
  #run: Run | undefined;

  constructor(stage: SegmentsStage<Op>) {
    this.#stage = stage;
  }

  readonly calls: Record<RunCall, () => Promise<void> | void> = {
    Begin: async () => this.#begin(await this.#fill()),
    Copy: () => this.#phase(({ run, controller }) => run.copy(this.#context(controller, 1))),
    CopyEnds: () => this.#ends('copy()'),
    Index: () => {
      const { cpus } = this.#now.run;
      if (cpus === 0) return;
      this.#phase(({ run, controller }) => run.index(this.#context(controller, cpus)));
    },
    IndexEnds: () => this.#ends('index()'),
    CatchUp: () => this.#phase(({ run, controller }) => run.catchUp(this.#context(controller, 1))),
    CatchUpEnds: () => this.#ends('catchUp()'),
    Swap: () => this.#swap(),
    Cancel: () => this.#cancel(),
    DiscardEnds: async () => {
      await this.#ends('discard()', 'rollback');
      this.#run = undefined;
    },
  };

  /** Undoes the run that is under way, as the core does before it closes a store. */
  async end(): Promise<void> {
    if (this.#run === undefined) return;
    if (this.#stage.busy.size > 0) await this.#cancel();
    await this.calls.DiscardEnds();
  }

  /** The process has ended. */
  drop(): void {
    void this.#run?.call?.catch(() => {});
    this.#run = undefined;
    this.#stage.busy = new Set();
  }

  /** Runs optimizations until nothing is left to do. */
  async converge(): Promise<void> {
    const { Copy, CopyEnds, Index, IndexEnds, CatchUp, CatchUpEnds, Swap } = this.calls;
    for (let runs = 0; ; runs += 1) {
      this.#stage.ledger.check('converges', runs < RUNS_MAX, () => {
        return `after ${RUNS_MAX} runs without an operation there is still something to do`;
      });
      const choice = this.#choose();
      if (choice === undefined) return;
      await this.#begin(choice);
      for (const call of [Copy, CopyEnds, Index, IndexEnds, CatchUp, CatchUpEnds, Swap]) {
        await call();
      }
    }
  }

  /** Operations until some optimizer finds something to do. */
  async #fill(): Promise<Choice> {
    const stage = this.#stage;
    for (let count = 0; count < FILL_MAX; count += 1) {
      const choice = this.#choose();
      if (choice !== undefined) return choice;
      await stage.apply(stage.random(4) === 0 ? stage.delete() : stage.put(stage.random(2) === 0));
    }
    stage.ledger.check('select', false, () => {
      return `after ${FILL_MAX} operations nothing is to be optimized: use smaller limits`;
    });
    throw new TypeError('a check that failed has thrown');
  }

  #choose(): Choice | undefined {
    const { adapters, ledger } = this.#stage;
    adapters.segments.ensureCapacity();
    this.#stage.activity += 1;
    const infos = this.#stage.infos();
    const known = new Set(infos.map(({ id }) => id));
    const check = ({ name }: SegmentOptimizer, ids: readonly number[], busy: Set<number>) => {
      ledger.check(
        'select',
        ids.every((id) => known.has(id) && !busy.has(id)),
        () => {
          const choice = `${name} chooses ${ids.join(', ')} of ${[...known].join(', ')}`;
          return `${choice}, busy are ${[...busy].join(', ') || 'none'}`;
        },
      );
    };
    for (const optimizer of adapters.optimizers ?? []) {
      const ids = [...optimizer.select(infos, new Set())];
      ledger.same('select', 'a second choice', ids, [...optimizer.select(infos, new Set())]);
      check(optimizer, ids, new Set());
      if (ids.length === 0) continue;
      const busy = new Set(ids.slice(0, 1));
      check(optimizer, optimizer.select(infos, busy), busy);
      return { optimizer, ids };
    }
    return undefined;
  }

  async #begin({ optimizer, ids }: Choice): Promise<void> {
    const stage = this.#stage;
    const { ledger } = stage;
    const points = this.#sources(ids).reduce((sum, info) => sum + info.points, 0);
    const run = optimizer.begin(ids);
    stage.activity += 1;
    ledger.check('begin', run !== undefined, `segments ${ids.join(', ')} can't be frozen`);
    if (run === undefined) return;
    this.#run = { optimizer, ids, run, controller: new AbortController(), call: undefined };
    stage.busy = new Set(ids);
    ledger.same('begin', '`points` of the run', points, run.points);
    const sources = this.#sources(ids);
    ledger.same('begin', 'frozen segments', ids.length, sources.length);
    const open = sources.filter(({ appendable }) => appendable);
    ledger.check('begin', open.length === 0, 'a frozen segment says that it is appendable');
    const isOpen = stage.infos().some(({ appendable }) => appendable);
    ledger.check('begin', isOpen, 'no segment takes new entries after freezing');
    ledger.check('frozen', optimizer.begin(ids) === undefined, () => {
      return `segments ${ids.join(', ')} are frozen, and were frozen again`;
    });
    await stage.compare('begin');
  }

  #phase(call: (run: Run) => Promise<void>): void {
    const run = this.#now;
    run.call = begin(() => call(run));
  }

  async #ends(what: string, clause: 'unseen' | 'rollback' = 'unseen'): Promise<void> {
    const run = this.#now;
    const { call } = run;
    run.call = undefined;
    if (call !== undefined) await this.#stage.ledger.sure('allowed', what, () => call);
    await this.#stage.compare(clause);
  }

  async #swap(): Promise<void> {
    const stage = this.#stage;
    const { ledger } = stage;
    const { optimizer, ids, run } = this.#now;
    this.#run = undefined;
    stage.busy = new Set();
    const points = run.swap();
    stage.swaps += 1;
    stage.activity += 1;
    const seen = stage.compare('swap');
    const left = this.#sources(ids).length;
    await seen;
    ledger.check('swap', left === 0, 'a source is there after the swap');
    const output = stage.infos().filter(({ id }) => run.output?.includes(id));
    if (run.output !== undefined) {
      ledger.same('swap', 'segments of the output', run.output.length, output.length);
      const there = output.reduce((sum, info) => sum + info.points, 0);
      ledger.same('swap', 'points of the output', points, there);
    }
    ledger.check('frozen', optimizer.begin(ids) === undefined, 'segments that are gone are frozen');
    // Whoever does a part of it later is found out here.
    await Promise.resolve();
    await stage.compare('swap');
  }

  async #cancel(): Promise<void> {
    const stage = this.#stage;
    const { ledger } = stage;
    const current = this.#now;
    const { optimizer, ids, run, controller, call } = current;
    controller.abort(new SluiceError('SLUICE_CANCELLED', 'cancelled by a test'));
    if (call !== undefined) {
      const outcome = await outcomeOf(call, ABORT_LIMIT_MS);
      ledger.check('cancelled', outcome.ended !== 'not', 'the phase goes on after its signal');
      if (outcome.ended === 'badly') {
        ledger.check('cancelled', isCancelled(outcome.error), () => {
          return `the phase rejects with: ${errorText(outcome.error)}`;
        });
      }
    }
    const points = this.#sources(ids).reduce((sum, info) => sum + info.points, 0);
    run.rollback();
    stage.rollbacks += 1;
    stage.activity += 1;
    stage.busy = new Set();
    const seen = stage.compare('rollback');
    const left = this.#sources(ids);
    await seen;
    ledger.same('rollback', 'sources that are there', ids.length, left.length);
    ledger.same(
      'rollback',
      'their entries',
      points,
      left.reduce((sum, info) => sum + info.points, 0),
    );
    // Sources that are free can be frozen again.
    const probe = optimizer.begin(ids);
    ledger.check('rollback', probe !== undefined, 'a source can not be frozen again');
    probe?.rollback();
    current.call = begin(async () => {
      await run.discard();
      await probe?.discard();
    });
  }

  #sources(ids: readonly number[]) {
    return this.#stage.infos().filter(({ id }) => ids.includes(id));
  }

  #context({ signal }: AbortController, permits: number) {
    return { signal, permits, onProgress: () => {} };
  }

  get #now(): Run {
    if (this.#run === undefined) throw new TypeError('no optimization is under way');
    return this.#run;
  }
}
