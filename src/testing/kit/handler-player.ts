import { errorText } from '../../errors.js';
import { systemClock } from '../../services/clock.js';
import { createUpdateHandler, type UpdateHandler } from '../../update-handler.js';
import type { Dice } from '../dice.js';
import { stateName } from '../names.js';
import type { HandlerCall } from './handler-chart.js';
import type { HandlerClause } from './handler-clauses.js';
import { hastenedClock } from './hastened-clock.js';
import type { Ledger } from './ledger.js';
import { begin, outcomeOf } from './patience.js';
import type { Operations, Place, StoreAdapters, Supports } from './place.js';
import { promised } from './promised.js';
import type { Player } from './protocol.js';
import { Recorder } from './recorder.js';
import { difference, type Entries, type Intent, SegmentsModel } from './segments-model.js';

const MANY = 5;
const KEYS = 24;
/** Flushes come when a path asks for them. */
const NEVER_MS = 100_000_000;
const HASTE = 50;

/** What a player of whole stores is made of. */
export interface HandlerPlayerOptions<Op> {
  place: Place<StoreAdapters<Op>>;
  operations: Operations<Op>;
  supports: Supports;
  ledger: Ledger<HandlerClause>;
  random: Dice;
}

/** An operation that was handed in. */
interface Submitted {
  intent: Intent;
  ended: 'not' | 'well' | 'badly';
  opNum: number;
  done: Promise<void>;
}

/** Does what callers do with a store on the core, and compares with a map. */
export class HandlerPlayer<Op> implements Player {
  readonly #options: HandlerPlayerOptions<Op>;
  readonly #ledger: Ledger<HandlerClause>;
  #adapters: StoreAdapters<Op> | undefined;
  #handler: UpdateHandler<Op> | undefined;
  #recorder = new Recorder();
  #submitted: Submitted[] = [];
  /** So many of them must be there after the last end of the store. */
  #sure = 0;
  #synced = 0;
  #end: HandlerClause = 'stopped';
  #isBroken = false;
  #values = 0;
  /** Sees a store as soon as it is made. */
  #watch: (handler: UpdateHandler<Op>) => void = () => {};
  #pending: Promise<unknown>[] = [];

  constructor(options: HandlerPlayerOptions<Op>) {
    this.#options = options;
    this.#ledger = options.ledger;
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
    Put: () => this.#one(this.#put(), true),
    PutUnsynced: () => this.#one(this.#put(), false),
    PutMany: () => {
      for (let count = 0; count < MANY; count += 1) this.#submit(this.#put(), count % 2 === 0);
    },
    Delete: () => this.#one({ kind: 'delete', key: this.#key() }, true),
    Refuse: () => this.#refuse(),
    Plunge: () => this.#plunge(),
    Flush: () => this.#flush(),
    BeginFlush: () => this.#beside(this.#running.flush()),
    FailApply: () => this.#failApply(),
    Trigger: () => this.#running.trigger(),
    Optimize: () => this.#optimize(),
    Reconfigure: () => this.#must('allowed', 'reconfigure()', () => this.#reconfigure()),
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
    const { wal, segments, optimizers = [], codec } = this.#adapters;
    this.#recorder = new Recorder();
    const handler = createUpdateHandler<Op>({
      ...{ wal: this.#recorder.wal(wal), segments: this.#recorder.segments(segments), optimizers },
      ...(codec === undefined ? {} : { codec }),
      ...{ flushIntervalMs: NEVER_MS, clock: hastenedClock(HASTE) },
    });
    this.#watch(handler);
    return handler;
  }

  async #open(): Promise<void> {
    const handler = await this.#make();
    this.#handler = handler;
    await this.#must(this.#end, 'ready()', () => handler.ready());
    await this.#must('allowed', 'plunge() after opening', () => handler.plunge());
    this.#settle();
  }

  async #reopen(): Promise<void> {
    await this.#must('broken', 'reopen()', () => this.#running.reopen());
    await this.#must('allowed', 'plunge() after reopening', () => this.#running.plunge());
    this.#isBroken = false;
    this.#settle();
  }

  /** What is there now is a beginning of what was handed in, and has everything that is sure. */
  #settle(): void {
    const content = this.#content();
    const all = this.#submitted;
    let count = all.length;
    while (count > this.#sure && difference(fold(all.slice(0, count)), content)) count -= 1;
    const found = difference(fold(all.slice(0, count)), content);
    this.#ledger.check(this.#end, found === undefined, () => {
      return `${this.#sure} of ${all.length} operations must be there, but ${found}`;
    });
    this.#submitted = all.slice(0, count).map((one) => ({ ...one, ended: 'well' }));
    this.#sure = this.#synced = count;
    this.#end = 'stopped';
  }

  async #one(intent: Intent, wait: boolean): Promise<void> {
    const submitted = this.#submit(intent, wait);
    await this.#must('allowed', 'an operation', () => submitted.done);
    this.#ledger.check('allowed', submitted.ended === 'well', 'an operation was refused');
    if (wait) this.#compare('effect');
  }

  /** Hands an operation in; its answer is noted when it comes. */
  #submit(intent: Intent, wait: boolean): Submitted {
    const one: Submitted = { intent, ended: 'not', opNum: 0, done: Promise.resolve() };
    this.#submitted.push(one);
    const place = this.#submitted.length;
    const { operations } = this.#options;
    const operation =
      intent.kind === 'put'
        ? operations.put(intent.key, intent.value)
        : intent.kind === 'delete'
          ? operations.delete(intent.key)
          : operations.refused?.(intent);
    if (operation === undefined) throw new TypeError('supports.refused needs `refused`');
    one.done = begin(() => this.#running.submit(operation, { wait })).then(
      ({ opNum }) => {
        Object.assign(one, { ended: 'well', opNum });
        this.#sure = Math.max(this.#sure, place);
        if (wait) this.#synced = Math.max(this.#synced, place);
      },
      () => {
        one.ended = 'badly';
      },
    );
    this.#pending.push(one.done);
    return one;
  }

  async #refuse(): Promise<void> {
    const [present] = fold(this.#submitted).keys();
    if (present === undefined) return;
    await this.#plunge();
    const one = this.#submit({ kind: 'refused', present, absent: 'nobody' }, true);
    await this.#must('refused', 'an operation that must be refused', () => one.done);
    this.#ledger.check('refused', one.ended === 'badly', 'a refused operation is answered well');
    this.#compare('refused');
  }

  async #plunge(): Promise<void> {
    const before = [...this.#submitted];
    await this.#must('plunger', 'plunge()', () => this.#running.plunge());
    await systemClock.yield();
    const left = before.filter(({ ended }) => ended === 'not').length;
    this.#ledger.same('plunger', 'operations without an answer', 0, left);
    const opNums = before.map(({ opNum }) => opNum).filter((opNum) => opNum > 0);
    this.#ledger.check('order', isRising(opNums), () => `numbers in order: ${opNums.join(', ')}`);
    const { applied } = this.#recorder;
    this.#ledger.check('order', isRising(applied), () => `applied: ${applied.join(', ')}`);
    this.#compare('effect');
  }

  async #flush(): Promise<void> {
    await this.#plunge();
    const last = this.#recorder.applied.at(-1) ?? 0;
    await this.#must('flushed', 'flush()', () => this.#running.flush());
    this.#ledger.check('flushed', this.#recorder.committed >= last, () => {
      return `operation ${last} was applied, ${this.#recorder.committed} is committed`;
    });
    this.#synced = this.#submitted.length;
  }

  async #failApply(): Promise<void> {
    await this.#plunge();
    const before = this.#recorder.applied.length;
    this.#recorder.failsNext = true;
    for (let count = 0; count < MANY; count += 1) this.#submit(this.#put(), count % 2 === 0);
    await this.#plunge();
    this.#ledger.check('transient', !this.#recorder.failsNext, 'nothing was applied');
    const applied = this.#recorder.applied.slice(before);
    this.#ledger.same('transient', 'operations applied after a failure', MANY, applied.length);
  }

  async #optimize(): Promise<void> {
    await this.#plunge();
    const handler = this.#running;
    handler.trigger();
    await this.#must('permits', 'the optimizations', async () => {
      const { signal } = new AbortController();
      do await handler.nextPass(signal);
      while (handler.telemetry().optimizations.running > 0);
    });
    this.#compare('permits');
    const { io, cpu } = handler.telemetry().budgets;
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
    await this.#submit(this.#put(), true).done;
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
    await this.#must('everywhere', `the way to ${state}`, async () => {
      while (stopped === undefined) await systemClock.yield();
    });
    this.#watch = () => {};
    await this.#must('everywhere', `stop() in ${state}`, () => stopped);
    await this.#stop();
  }

  async #stop(): Promise<void> {
    await this.#must('stopped', 'stop()', () => this.#running.stop());
    this.#handler = undefined;
    this.#isBroken = false;
    await this.#must('stopped', 'an answer to each operation', () => Promise.all(this.#pending));
    this.#pending = [];
    const { forgottenTooEarly, acknowledged } = this.#recorder;
    if (acknowledged > 0) this.#ledger.same('acknowledge', 'too early', [], forgottenTooEarly);
  }

  async #stopOpening(): Promise<void> {
    const handler = await this.#make();
    this.#handler = handler;
    handler.ready().catch(() => {});
    for (let turns = this.#options.random(4); turns > 0; turns -= 1) await systemClock.yield();
    await this.#must('stopped', 'stop() beside an opening', () => handler.stop());
    this.#handler = undefined;
  }

  async #crash(how: 'kill' | 'powerCut'): Promise<void> {
    const handler = this.#running;
    const { place } = this.#options;
    // Both are taken in one step: what is answered later is not promised any more.
    const [sure, synced] = [this.#sure, this.#synced];
    await promised(place, 'crash')(how);
    this.#handler = undefined;
    this.#adapters = undefined;
    await outcomeOf(handler.stop());
    this.#sure = how === 'kill' ? sure : synced;
    this.#end = how === 'kill' ? 'killed' : 'power';
    this.#isBroken = false;
  }

  async #failWrite(stored: boolean): Promise<void> {
    await this.#plunge();
    await promised(this.#options.place, 'failWrite')({ stored });
    const one = this.#submit(this.#put(), true);
    await this.#must('broken', 'an operation that cannot be written', () => one.done);
    this.#ledger.check('broken', one.ended === 'badly', 'a failed write is answered well');
    await this.#must('broken', 'the state of the store', async () => {
      while (this.#running.state !== 'broken') await systemClock.yield();
    });
    this.#isBroken = true;
    this.#end = 'broken';
  }

  #beside(work: Promise<unknown>): void {
    this.#pending.push(work.catch(() => {}));
  }

  #compare(clause: HandlerClause): void {
    const found = difference(fold(this.#submitted), this.#content());
    this.#ledger.check(clause, found === undefined, () => `${found}`);
  }

  #content(): Entries {
    return new Map(this.#adapters?.content());
  }

  #put(): Intent {
    this.#values += 1;
    return { kind: 'put', key: this.#key(), value: `${this.#values}` };
  }

  #key(): string {
    return `key ${this.#options.random(KEYS)}`;
  }

  async #must<T>(clause: HandlerClause, what: string, call: () => T | Promise<T>): Promise<T> {
    const outcome = await outcomeOf(begin(call));
    this.#ledger.check(clause, outcome.ended === 'well', () => {
      return outcome.ended === 'badly'
        ? `${what} failed: ${errorText(outcome.error)}`
        : `${what} does not come to an end`;
    });
    if (outcome.ended !== 'well') throw new TypeError('a check that failed has thrown');
    return outcome.value;
  }

  get #running(): UpdateHandler<Op> {
    if (this.#handler === undefined) throw new TypeError('the store is not open');
    return this.#handler;
  }
}

function fold(submitted: readonly Submitted[]): Entries {
  const model = new SegmentsModel();
  for (const { intent } of submitted) model.add(intent);
  return model.entries;
}

function isRising(numbers: readonly number[]): boolean {
  return numbers.every((number, at) => at === 0 || number > (numbers[at - 1] ?? 0));
}
