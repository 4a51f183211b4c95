import { systemClock } from '../../services/clock.js';
import type { UpdateHandler } from '../../update-handler.js';
import { eventLine } from '../system/journal.js';
import { type RecordedPorts, recordPorts } from '../system/recorded-ports.js';
import type { DeathCall, DeathClause } from './death-chart.js';
import { HastenedClock } from './hastened-clock.js';
import type { Ledger } from './ledger.js';
import { begin, outcomeOf } from './patience.js';
import type { StoreAdapters } from './place.js';
import { promised } from './promised.js';
import { difference } from './segments-model.js';
import { HASTE, optimize, type StoreTestOptions, storeOn } from './store-on.js';
import { Submissions, type Submitted } from './submissions.js';

/** Operations before a flush, and beside a call that waits. */
const FEW = 4;
/** After so many operations some optimizer must have found something to do. */
const FILL_MAX = 1000;
/** Turns of the event loop that operations beside a call that waits are given. */
const TURNS = 20;

/** One store whose process dies at one call of its adapters, and what the next process finds. */
export class DeathRound<Op> {
  readonly #options: StoreTestOptions<Op, DeathClause>;
  readonly #ledger: Ledger<DeathClause>;
  readonly #submissions: Submissions<Op>;
  #handler: UpdateHandler<Op> | undefined;
  /** What the process did that was to die: nobody kills it any more. */
  #isOver = false;
  #where = 'before anything';

  constructor(options: StoreTestOptions<Op, DeathClause>) {
    this.#options = options;
    this.#ledger = options.ledger;
    this.#submissions = new Submissions(options.operations, options.random);
  }

  /**
   * Kills the store where the journal gets its line number `at` while it flushes or optimizes: before
   * the work of a call, which waits a while, or after it. False when it was done before.
   */
  async play(call: DeathCall, at: number): Promise<boolean> {
    const { place, ledger } = this.#options;
    const adapters = await place.adapters();
    const clock = new HastenedClock(HASTE);
    const recorded = recordPorts(adapters);
    const { codec } = adapters;
    const handler = storeOn<Op>(
      { ...recorded.ports, ...(codec === undefined ? {} : { codec }) },
      { clock, maxOptimizationThreads: 0 },
    );
    this.#handler = handler;
    await ledger.sure('rest', 'ready()', () => handler.ready());
    if (call === 'DieFlushing') await this.#prepareFlush();
    else await this.#prepareOptimization(adapters);
    const death = this.#deathAt(recorded, at);
    const work = call === 'DieFlushing' ? this.#flush() : this.#optimize();
    const sure = await ledger.sure('rest', call, () => Promise.race([work, death]));
    this.#isOver = true;
    if (sure === undefined) return false;
    clock.stop();
    this.#handler = undefined;
    await ledger.sure('rest', `what was at work ${this.#where}`, () => recorded.gates.idle());
    await promised(place, 'crash')('kill');
    this.#submissions.sure = sure;
    await release(adapters);
    await this.#next(call === 'DieFlushing' ? 'flush' : 'optimization');
    return true;
  }

  async destroy(): Promise<void> {
    const handler = this.#handler;
    if (handler !== undefined) await outcomeOf(handler.stop());
    await this.#options.place.destroy?.();
  }

  /** Resolves when the process is dead, with the number of operations that are sure. */
  #deathAt({ journal, gates, drop }: RecordedPorts<Op>, at: number): Promise<number> {
    let lines = 0;
    return new Promise((resolve) => {
      const die = () => {
        drop();
        resolve(this.#submissions.sure);
      };
      journal.listen((event) => {
        lines += 1;
        if (lines !== at || this.#isOver) return;
        this.#where = `at call ${at}: ${eventLine(event)}`;
        if (event.type === 'begun') {
          gates.decide = ({ call }) => (call === event.call ? 'deaf' : 'pass');
          void this.#beside().then(die);
        } else die();
      });
    });
  }

  /** What callers hand in while a call waits; it counts as far as it is answered before the death. */
  async #beside(): Promise<void> {
    // Not within the call.
    await systemClock.yield();
    this.#submit(false);
    this.#submit(true);
    for (let turn = 0; turn < TURNS; turn += 1) await systemClock.yield();
  }

  async #prepareFlush(): Promise<void> {
    await this.#few();
    await this.#running.flush();
    await this.#few();
  }

  async #prepareOptimization({ segments, optimizers = [] }: StoreAdapters<Op>): Promise<void> {
    const isAnythingToDo = () =>
      optimizers.some((one) => one.select(segments.segments(), new Set()).length > 0);
    for (let count = 0; !isAnythingToDo(); count += FEW) {
      this.#ledger.check('optimization', count < FILL_MAX, () => {
        return `after ${FILL_MAX} operations nothing is to be optimized: use smaller limits`;
      });
      await this.#few();
    }
    await this.#running.flush();
  }

  async #flush(): Promise<undefined> {
    await this.#running.flush();
    await this.#running.plunge();
  }

  /** Until what it has made is committed. */
  async #optimize(): Promise<undefined> {
    const handler = this.#running;
    await handler.reconfigure({ maxOptimizationThreads: 1 });
    await optimize(handler);
    await handler.flush();
  }

  /** The next process: what was answered is there, and it goes on as if nothing had been. */
  async #next(clause: 'flush' | 'optimization'): Promise<void> {
    const ledger = this.#ledger;
    const { place, supports } = this.#options;
    const adapters = await place.adapters();
    const handler = storeOn(adapters);
    this.#handler = handler;
    await ledger.sure(clause, `ready() after a death ${this.#where}`, () => handler.ready());
    await ledger.sure(clause, 'plunge()', () => handler.plunge());
    const wrong = this.#submissions.settle(new Map(await adapters.content()));
    ledger.check(clause, wrong === undefined, `${wrong}, after a death ${this.#where}`);
    await ledger.sure('rest', `going on after a death ${this.#where}`, async () => {
      await this.#few();
      if (supports.optimizers) await optimize(handler);
      await handler.reconfigure({ maxOptimizationThreads: 0 });
      await this.#settleBlocks();
    });
    const found = difference(this.#submissions.entries, new Map(await adapters.content()));
    ledger.check('rest', found === undefined, `${found}, after a death ${this.#where}`);
    await ledger.sure('rest', 'stop()', () => handler.stop());
    this.#handler = undefined;
    if (supports.blocks) await this.#checkBlocks();
  }

  async #checkBlocks(): Promise<void> {
    const { stored, named } = await promised(this.#options.place, 'blocks')();
    const [found, counted] = [[...stored].sort(), [...named].sort()];
    this.#ledger.same('blocks', `blocks after a death ${this.#where}`, counted, found);
  }

  /** The second flush gives up what the first one has replaced. */
  async #settleBlocks(): Promise<void> {
    for (let count = 0; count < 2; count += 1) {
      await this.#submit(true).done;
      await this.#running.flush();
    }
  }

  async #few(): Promise<void> {
    for (let count = 0; count < FEW; count += 1) this.#submit(count % 2 === 0);
    await this.#running.plunge();
    // Answers come a turn later than that of the plunger.
    await systemClock.yield();
    const refused = this.#submissions.all.filter(({ ended }) => ended !== 'well').length;
    this.#ledger.same('rest', 'operations that were not answered well', 0, refused);
  }

  #submit(wait: boolean): Submitted {
    const { random } = this.#options;
    const intent = random(4) === 0 ? this.#submissions.delete() : this.#submissions.put();
    return this.#submissions.submit(this.#running, intent, wait);
  }

  get #running(): UpdateHandler<Op> {
    if (this.#handler === undefined) throw new TypeError('the store is not open');
    return this.#handler;
  }
}

/** What the dead process held is given back, as the system does it. */
async function release<Op>({ wal, segments }: StoreAdapters<Op>): Promise<void> {
  await outcomeOf(begin(() => wal.close()));
  await outcomeOf(begin(() => segments.close()));
}
