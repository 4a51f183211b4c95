import { SluiceError } from '../../errors.js';
import { systemClock } from '../../services/clock.js';
import type { SegmentInfo } from '../../services/ports.js';
import { type Permit, ResourceBudget } from '../../services/resource-budget.js';
import { createUpdateHandler } from '../../update-handler.js';
import { Callers } from './callers.js';
import { Journal } from './journal.js';
import {
  type GatedCall,
  type HeldCall,
  type Holding,
  type Opening,
  PortGates,
} from './port-gates.js';
import { type RecordedPorts, recordPorts } from './recorded-ports.js';
import type { Watched } from './rules/rule.js';
import { StepClock } from './step-clock.js';
import type { HowOpened, Step } from './steps.js';
import type { OpenedStore, SystemStore } from './system-store.js';
import { TransitionsTaken } from './transitions-taken.js';

/** Units of each budget; small, so that optimizations have to wait for each other. */
const BUDGET = 2;
const QUEUE_LENGTH = 6;
export const SLOTS_AT_FIRST = 2;
const FLUSH_INTERVAL_MS = 3000;
/** One life of so many begins with optimizers that wait for a trigger. */
const TRIGGERED = 4;
/** Records are read back from the log beyond this: a few of them. */
const WINDOW_BYTES = 160;

/** What becomes of a call that comes to its gate: `auto` ones are opened when everything is quiet. */
export type HoldingPlan = 'auto' | 'hold' | 'deaf';

/** One process with the store: an update handler with everything around it. */
interface Life<Op, Info extends SegmentInfo> {
  opened: OpenedStore<Op, Info>;
  recorded: RecordedPorts<Op, Info>;
  callers: Callers<Op, Info>;
  clock: StepClock;
  budgets: { io: ResourceBudget; cpu: ResourceBudget };
  foreign: { io: Permit[]; cpu: Permit[] };
}

/**
 * The core with all its workers on a store, in the hands of a test: time stands still, every call of
 * a port comes to a gate, calls at the storage never run beside each other. So a run depends on
 * nothing but the steps and on what `plan` says of each call.
 */
export class System<Op, Info extends SegmentInfo> {
  readonly journal = new Journal();
  readonly taken: TransitionsTaken;
  readonly #store: SystemStore<Op, Info>;
  readonly #plan: (call: GatedCall) => HoldingPlan;
  readonly #numbers = { request: 0, hold: 0, reader: 0 };
  readonly #auto = new Set<number>();
  /** The call that opened the log last. */
  #openedAt = 0;
  #lives = 0;
  #life: Life<Op, Info> | undefined;

  /** `known`: transitions that nobody wants taken any more. */
  constructor(
    store: SystemStore<Op, Info>,
    plan: (call: GatedCall) => HoldingPlan,
    known: Iterable<string> = [],
  ) {
    this.#store = store;
    this.#plan = plan;
    this.taken = new TransitionsTaken(known);
  }

  get callers(): Callers<Op, Info> {
    return this.#current.callers;
  }

  get state(): string {
    return this.callers.handler.state;
  }

  get clock(): StepClock {
    return this.#current.clock;
  }

  /** The calls that wait for a step. */
  get waiting(): readonly HeldCall[] {
    return this.#current.recorded.gates.waiting;
  }

  /** What others hold of the budgets. */
  get foreign(): { io: number; cpu: number } {
    const { io, cpu } = this.#current.foreign;
    return { io: unitsOf(io), cpu: unitsOf(cpu) };
  }

  /** Has somebody look at the system, who meets nothing that is meant for it. */
  look(how: (watched: Watched) => void): void {
    const { gates } = this.#current.recorded;
    gates.isAside = true;
    how(this.#watched);
    gates.isAside = false;
  }

  get #watched(): Watched {
    const { callers, clock, recorded, opened } = this.#current;
    return {
      handler: callers.handler,
      clock,
      gates: recorded.gates,
      foreignPermits: this.foreign,
      limits: { queueLength: QUEUE_LENGTH },
      content: () => opened.content(),
      segments: () => opened.ports.segments.segments(),
      frozen: () => opened.frozen(),
    };
  }

  /** A process begins: it opens the store. */
  async begin(): Promise<void> {
    const opened = await this.#store.attach();
    this.#lives += 1;
    const gates = new PortGates();
    gates.decide = (call) => this.#decide(call);
    gates.oneAtATime = true;
    this.#auto.clear();
    this.#openedAt = 0;
    const recorded = recordPorts(opened.ports, { journal: this.journal, gates });
    // A turn that is yielded has its place in the order of what the storage does, too.
    const turn = () => gates.work(() => systemClock.yield());
    const clock = new StepClock(this.#life?.clock.now(), turn);
    const budgets = { io: new ResourceBudget(BUDGET), cpu: new ResourceBudget(BUDGET) };
    this.journal.record({ type: 'life', what: 'began' });
    const handler = createUpdateHandler<Op, Info>({
      ...{ flushIntervalMs: FLUSH_INTERVAL_MS, maxOptimizationThreads: SLOTS_AT_FIRST },
      ...{ updateQueueLengthMax: QUEUE_LENGTH, windowBytesMax: WINDOW_BYTES },
      optimizersStart: this.#lives % TRIGGERED === 0 ? 'onTrigger' : 'automatic',
      ...opened.options,
      ...recorded.ports,
      ...{ clock, budgets, inspect: this.taken.inspect },
    });
    const markOf = (operation: Op) => this.#store.markOf(operation);
    const callers = new Callers(handler, this.journal, markOf, this.#numbers);
    this.#life = { opened, recorded, callers, clock, budgets, foreign: { io: [], cpu: [] } };
    callers.ready();
  }

  /** The process dies: nothing it has begun goes on. */
  kill(): void {
    const { callers, recorded } = this.#current;
    callers.drop();
    recorded.drop();
    this.journal.record({ type: 'life', what: 'killed' });
  }

  /** Waits until nothing can go on any more but by a step. */
  async settle(): Promise<void> {
    const { gates } = this.#current.recorded;
    let quietAt = -1;
    while (quietAt !== this.journal.length) {
      quietAt = this.journal.length;
      await systemClock.yield();
      if (gates.atWork > 0) {
        await gates.idle();
        quietAt = -1;
        continue;
      }
      const next = gates.waiting.find(({ call }) => this.#auto.has(call.call));
      if (next === undefined) continue;
      this.#auto.delete(next.call.call);
      this.#go(next);
      quietAt = -1;
    }
  }

  /** Nothing is held or failed any more, nobody keeps anything; a broken store is opened again. */
  async heal(): Promise<void> {
    const { callers, recorded, foreign } = this.#current;
    const { gates } = recorded;
    gates.clear();
    for (const { call } of gates.waiting) this.#auto.add(call.call);
    for (const permit of [...foreign.io.splice(0), ...foreign.cpu.splice(0)]) permit.release();
    callers.letGo();
    await this.settle();
    if (this.state === 'broken') callers.reopen();
    await this.settle();
  }

  /** Does a step; nothing, if it isn't possible now. */
  async perform(step: Step): Promise<void> {
    const { callers, clock, recorded } = this.#current;
    switch (step.step) {
      case 'submit':
        this.#submit(step);
        break;
      case 'submitBad':
        callers.submitBad(this.#store.badOperation());
        break;
      case 'abort':
        callers.abort(step.request);
        break;
      case 'reconfigure': {
        const { slots, flushIntervalMs } = step;
        callers.reconfigure({ maxOptimizationThreads: slots, flushIntervalMs });
        break;
      }
      case 'keep':
        callers.keep(Math.max(callers.handler.telemetry().log.last - step.back, 0));
        break;
      case 'giveUp':
        callers.giveUp(step.hold);
        break;
      case 'openReader':
        callers.openReader(step.follow);
        break;
      case 'read':
        callers.read(step.reader);
        break;
      case 'closeReader':
        callers.closeReader(step.reader);
        break;
      case 'open':
        this.#open(step.site, step.how);
        break;
      case 'fail':
        recorded.gates.fail(step.site, {
          error: failure(step.how, step.site),
          worked: step.how === 'transientAfter',
        });
        break;
      case 'takePermits':
        this.#takePermit(step.budget);
        break;
      case 'givePermits':
        for (const permit of this.#current.foreign[step.budget].splice(0)) permit.release();
        break;
      case 'timer':
        clock.fireNext();
        break;
      case 'kill':
        this.kill();
        await this.begin();
        break;
      case 'restart':
        await this.begin();
        break;
      default:
        callers[step.step]();
    }
    await this.settle();
  }

  #submit({ wait, patience, mark }: Extract<Step, { step: 'submit' }>): void {
    const operation = this.#store.operation(mark);
    const options = { wait, abortable: patience === 'abortable' };
    this.callers.submit(operation, patience === 'short' ? { ...options, timeoutMs: 20 } : options);
  }

  #open(site: string, how: HowOpened): void {
    const held = this.waiting.find(({ call }) => call.site === site);
    if (held === undefined) return;
    if (how === 'well') this.#go(held);
    else this.#go(held, { error: failure(how, site), worked: how === 'stickyAfter' });
  }

  /** A call that hangs while its port is opened anew must not write what nobody knows of any more. */
  #go(held: HeldCall, how: Opening = {}): void {
    const isLate = held.call.call < this.#openedAt;
    const late = new SluiceError('SLUICE_NOT_OPEN', 'opened anew meanwhile', { kind: 'transient' });
    held.open(isLate ? { error: late } : how);
  }

  #takePermit(budget: 'io' | 'cpu'): void {
    const { budgets, foreign } = this.#current;
    const permit = budgets[budget].tryAcquire(BUDGET);
    if (permit !== undefined) foreign[budget].push(permit);
  }

  #decide(call: GatedCall): Holding {
    if (call.site === 'wal.open') this.#openedAt = call.call;
    const plan = this.#plan(call);
    if (plan === 'auto') this.#auto.add(call.call);
    return plan === 'deaf' ? 'deaf' : 'hold';
  }

  get #current(): Life<Op, Info> {
    if (this.#life === undefined) throw new TypeError('the system has not begun');
    return this.#life;
  }
}

function unitsOf(permits: readonly Permit[]): number {
  return permits.reduce((sum, { count }) => sum + count, 0);
}

function failure(how: string, site: string): SluiceError {
  const isSticky = how.startsWith('sticky');
  const code = isSticky ? 'SLUICE_IO' : 'SLUICE_CRASHED';
  return new SluiceError(code, `${site} fails as it was told to`, {
    kind: isSticky ? 'sticky' : 'transient',
  });
}
