import { systemClock } from '../../services/clock.js';
import type { UpdateHandler } from '../../update-handler.js';
import { stateName } from '../names.js';
import type { HandlerCall } from './handler-chart.js';
import type { HandlerClause } from './handler-clauses.js';
import type { Ledger } from './ledger.js';
import { outcomeOf } from './patience.js';
import type { StoreAdapters } from './place.js';
import { promised } from './promised.js';
import type { Player } from './protocol.js';
import { Recorder } from './recorder.js';
import { difference, type Entries, type Intent } from './segments-model.js';
import { optimize, type StoreTestOptions, storeOn } from './store-on.js';
import { Submissions, type Submitted } from './submissions.js';

const MANY = 5;

/** Does what callers do with a store on the core, and compares with a map. */
export class HandlerPlayer<Op> implements Player {
  readonly #options: StoreTestOptions<Op, HandlerClause>;
  readonly #ledger: Ledger<HandlerClause>;
  #adapters: StoreAdapters<Op> | undefined;
  #handler: UpdateHandler<Op> | undefined;
  #recorder = new Recorder();
  readonly #submissions: Submissions<Op>;
  #end: HandlerClause = 'stopped';
  #isBroken = false;
  /** Sees a store as soon as it is made. */
  #watch: (handler: UpdateHandler<Op>) => void = () => {};
  #pending: Promise<unknown>[] = [];

  constructor(options: StoreTestOptions<Op, HandlerClause>) {
    this.#options = options;
    this.#ledger = options.ledger;
    this.#submissions = new Submissions(options.operations, options.random);
  }

  async take(call: string): Promise<void> {
    await this.#calls[call as HandlerCall]();
  }

  async finish(): Promise<void> {
    if (this.#isBroken) await this.#reopen();
    if (this.#handler === undefined) await this.#open();
    await this.#plunge();
    await this.#stop();
    await this.#open();
    await this.#stop();
  }

  async destroy(): Promise<void> {
    if (this.#handler !== undefined) await outcomeOf(this.#handler.stop());
    await Promise.all(this.#pending.map((one) => outcomeOf(one)));
    await this.#options.place.destroy?.();
  }

  readonly #calls: Record<HandlerCall, () => Promise<void> | void> = {
    Open: () => this.#open(),
    Put: () => this.#one(this.#submissions.put(), true),
    PutUnsynced: () => this.#one(this.#submissions.put(), false),
    PutMany: () => {
      for (let count = 0; count < MANY; count += 1)
        this.#submit(this.#submissions.put(), count % 2 === 0);
    },
    Delete: () => this.#one(this.#submissions.delete(), true),
    Refuse: () => this.#refuse(),
    Plunge: () => this.#plunge(),
    Flush: () => this.#flush(),
    BeginFlush: () => this.#beside(this.#running.flush()),
    FailApply: () => this.#failApply(),
    Trigger: () => this.#running.trigger(),
    Optimize: () => this.#optimize(),
    Reconfigure: () => this.#ledger.sure('allowed', 'reconfigure()', () => this.#reconfigure()),
    Stop: () => this.#stop(),
    StopOpening: () => this.#stopOpening(),
    StopInOpening: () => this.#stopIn('opening', () => this.#start()),
    StopInRecovering: () => this.#stopIn('live.recovering', () => this.#start()),
    StopInPausing: () => this.#stopIn('live.reconfiguring.pausing', () => this.#reconfigure()),
    StopInApplying: () => this.#stopIn('live.reconfiguring.applying', () => this.#reconfigure()),
    StopInUpdates: () => this.#stopIn('stopping.updateWorker', () => this.#running.stop()),
    StopInOptimizing: () => this.#stopIn('stopping.optimizerScheduler', () => this.#running.stop()),
    StopInFlushing: () => this.#stopIn('stopping.flushWorker', () => this.#running.stop()),
    StopInClosing: () => this.#stopIn('closing', () => this.#running.stop()),
    StopInBreaking: () => this.#stopIn('broken.breaking', () => this.#break()),
    StopInReopening: () => this.#stopIn('opening', () => this.#running.reopen()),
    Kill: () => this.#crash('kill'),
    CutPower: () => this.#crash('powerCut'),
    FailWrite: () => this.#failWrite(false),
    FailWriteStored: () => this.#failWrite(true),
    Reopen: () => this.#reopen(),
  };

  async #make(): Promise<UpdateHandler<Op>> {
    const { place, supports } = this.#options;
    const mayRenew = supports.permanence !== false;
    if (this.#adapters === undefined || mayRenew) this.#adapters = await place.adapters();
    const { wal, segments } = this.#adapters;
    const recorder = new Recorder();
    this.#recorder = recorder;
    const recorded = { wal: recorder.wal(wal), segments: recorder.segments(segments) };
    const handler = storeOn({ ...this.#adapters, ...recorded });
    this.#watch(handler);
    return handler;
  }

  async #open(): Promise<void> {
    const handler = await this.#make();
    this.#handler = handler;
    await this.#ledger.sure(this.#end, 'ready()', () => handler.ready());
    await this.#ledger.sure('allowed', 'plunge() after opening', () => handler.plunge());
    await this.#settle();
  }

  async #reopen(): Promise<void> {
    await this.#ledger.sure('broken', 'reopen()', () => this.#running.reopen());
    await this.#ledger.sure('allowed', 'plunge() after reopening', () => this.#running.plunge());
    this.#isBroken = false;
    await this.#settle();
  }

  /** What is there now is a beginning of what was handed in, and has everything that is sure. */
  async #settle(): Promise<void> {
    const wrong = this.#submissions.settle(await this.#content());
    this.#ledger.check(this.#end, wrong === undefined, `${wrong}`);
    this.#end = 'stopped';
  }

  async #one(intent: Intent, wait: boolean): Promise<void> {
    const submitted = this.#submit(intent, wait);
    await this.#ledger.sure('allowed', 'an operation', () => submitted.done);
    this.#ledger.check('allowed', submitted.ended === 'well', 'an operation was refused');
    if (wait) await this.#compare('effect');
  }

  #submit(intent: Intent, wait: boolean): Submitted {
    const one = this.#submissions.submit(this.#running, intent, wait);
    this.#pending.push(one.done);
    return one;
  }

  async #refuse(): Promise<void> {
    const [present] = this.#submissions.entries.keys();
    if (present === undefined) return;
    await this.#plunge();
    const one = this.#submit({ kind: 'refused', present, absent: 'nobody' }, true);
    await this.#ledger.sure('refused', 'an operation that must be refused', () => one.done);
    this.#ledger.check('refused', one.ended === 'badly', 'a refused operation is answered well');
    await this.#compare('refused');
  }

  async #plunge(): Promise<void> {
    const before = [...this.#submissions.all];
    await this.#ledger.sure('plunger', 'plunge()', () => this.#running.plunge());
    await systemClock.yield();
    const left = before.filter(({ ended }) => ended === 'not').length;
    this.#ledger.same('plunger', 'operations without an answer', 0, left);
    const opNums = before.map(({ opNum }) => opNum).filter((opNum) => opNum > 0);
    this.#ledger.check('order', isRising(opNums), () => `numbers in order: ${opNums.join(', ')}`);
    const { applied } = this.#recorder;
    this.#ledger.check('order', isRising(applied), () => `applied: ${applied.join(', ')}`);
    await this.#compare('effect');
  }

  async #flush(): Promise<void> {
    await this.#plunge();
    const last = this.#recorder.applied.at(-1) ?? 0;
    await this.#ledger.sure('flushed', 'flush()', () => this.#running.flush());
    this.#ledger.check('flushed', this.#recorder.committed >= last, () => {
      return `operation ${last} was applied, ${this.#recorder.committed} is committed`;
    });
    this.#submissions.synced = this.#submissions.all.length;
  }

  async #failApply(): Promise<void> {
    await this.#plunge();
    const before = this.#recorder.applied.length;
    this.#recorder.failsNext = true;
    for (let count = 0; count < MANY; count += 1)
      this.#submit(this.#submissions.put(), count % 2 === 0);
    await this.#plunge();
    this.#ledger.check('transient', !this.#recorder.failsNext, 'nothing was applied');
    const applied = this.#recorder.applied.slice(before);
    this.#ledger.same('transient', 'operations applied after a failure', MANY, applied.length);
  }

  async #optimize(): Promise<void> {
    await this.#plunge();
    await this.#ledger.sure('permits', 'the optimizations', () => optimize(this.#running));
    await this.#compare('permits');
    const { io, cpu } = this.#running.telemetry().budgets;
    this.#ledger.same('permits', 'permits in use', [0, 0], [io.used, cpu.used]);
  }

  #reconfigure(): Promise<void> {
    return this.#running.reconfigure({ maxOptimizationThreads: 1 + this.#options.random(2) });
  }

  /** As `Open`, without waiting for it. */
  async #start(): Promise<void> {
    this.#handler = await this.#make();
    await this.#handler.ready();
  }

  /** As `FailWrite`, without waiting for what comes of it. */
  async #break(): Promise<void> {
    this.#end = 'broken';
    await promised(this.#options.place, 'failWrite')({ stored: false });
    await this.#submit(this.#submissions.put(), true).done;
  }

  /** Sets the store on a way, and stops it as soon as its root comes to a state there. */
  async #stopIn(state: string, setOut: () => Promise<unknown>): Promise<void> {
    let stopped: Promise<void> | undefined;
    this.#watch = (handler) => {
      const look = () => {
        if (stateName(handler.actor.getSnapshot().value) !== state) return;
        stopped ??= handler.stop();
        this.#beside(stopped);
      };
      handler.actor.subscribe(look);
      look();
    };
    if (this.#handler !== undefined) this.#watch(this.#handler);
    this.#beside(setOut());
    await this.#ledger.sure('everywhere', `the way to ${state}`, async () => {
      while (stopped === undefined) await systemClock.yield();
    });
    this.#watch = () => {};
    await this.#ledger.sure('everywhere', `stop() in ${state}`, () => stopped);
    await this.#stop();
  }

  async #stop(): Promise<void> {
    await this.#ledger.sure('stopped', 'stop()', () => this.#running.stop());
    this.#handler = undefined;
    this.#isBroken = false;
    await this.#ledger.sure('stopped', 'an answer to each operation', () =>
      Promise.all(this.#pending),
    );
    this.#pending = [];
    const { forgottenTooEarly, acknowledged } = this.#recorder;
    if (acknowledged > 0) this.#ledger.same('acknowledge', 'too early', [], forgottenTooEarly);
  }

  async #stopOpening(): Promise<void> {
    const handler = await this.#make();
    this.#handler = handler;
    handler.ready().catch(() => {});
    for (let turns = this.#options.random(4); turns > 0; turns -= 1) await systemClock.yield();
    await this.#ledger.sure('stopped', 'stop() beside an opening', () => handler.stop());
    this.#handler = undefined;
  }

  async #crash(how: 'kill' | 'powerCut'): Promise<void> {
    const handler = this.#running;
    const { place } = this.#options;
    // Both are taken in one step: what is answered later is not promised any more.
    const { sure, synced } = this.#submissions;
    await promised(place, 'crash')(how);
    this.#handler = undefined;
    this.#adapters = undefined;
    await outcomeOf(handler.stop());
    this.#submissions.sure = how === 'kill' ? sure : synced;
    this.#end = how === 'kill' ? 'killed' : 'power';
    this.#isBroken = false;
  }

  async #failWrite(stored: boolean): Promise<void> {
    await this.#plunge();
    await promised(this.#options.place, 'failWrite')({ stored });
    const one = this.#submit(this.#submissions.put(), true);
    await this.#ledger.sure('broken', 'an operation that cannot be written', () => one.done);
    this.#ledger.check('broken', one.ended === 'badly', 'a failed write is answered well');
    await this.#ledger.sure('broken', 'the state of the store', async () => {
      while (this.#running.state !== 'broken') await systemClock.yield();
    });
    this.#isBroken = true;
    this.#end = 'broken';
  }

  #beside(work: Promise<unknown>): void {
    this.#pending.push(work.catch(() => {}));
  }

  async #compare(clause: HandlerClause): Promise<void> {
    const found = difference(this.#submissions.entries, await this.#content());
    this.#ledger.check(clause, found === undefined, () => `${found}`);
  }

  async #content(): Promise<Entries> {
    return new Map(await this.#adapters?.content());
  }

  get #running(): UpdateHandler<Op> {
    if (this.#handler === undefined) throw new TypeError('the store is not open');
    return this.#handler;
  }
}

function isRising(numbers: readonly number[]): boolean {
  return numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0));
}
