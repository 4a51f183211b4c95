import { isDeepStrictEqual } from 'node:util';
import type { View } from 'sluice/testing';
import type { AnyEventObject } from 'xstate';
import { type End, type Given, must, World } from './world.js';

const CLEANUP_MS = 5000;
/** The root gives the scheduler up after this. */
const OWNER_LIMIT_MS = 15_000;

interface Planned {
  launches: { run: number }[];
  short: boolean;
  backOffMs: number;
}

const isTask = (id: string) => id.startsWith('optimization.');
const textOf = (error: unknown) => (error as { error?: string } | undefined)?.error;

/** The optimizers, the budget and the tasks, as the scheduler has to treat them. */
export class OptimizersWorld extends World {
  #slots: number;
  #held: boolean;
  /** The strongest reason for a pass since the last one began; a scheduler begins with one. */
  #reason: 'none' | 'operation' | 'nop' = 'nop';
  /** The reason of the present pass. */
  #pass: 'none' | 'operation' | 'nop' = 'none';
  #leaving: 'no' | 'pause' | 'stop' = 'no';
  /** `Paused` has been told, and no Resume has come. */
  #paused = false;
  /** What the step has to do, as deeds. */
  #due: string[] = [];
  #mustPlan: boolean | undefined;
  #pausedDue = 0;
  /** Until the next pass; undefined before the first has ended. */
  #backOff = { ms: 0, failures: 0 };
  /** The runs of the tasks, by actor id. */
  readonly #runs = new Map<string, unknown>();
  /** Tasks that have been told to stop. */
  readonly #told = new Set<string>();
  #pastLimit = false;
  #crash: { run: unknown; error: string } | undefined;
  #failure: string | undefined;
  #discarded: Planned | undefined;

  constructor(slots: number, held: boolean) {
    super();
    this.#slots = slots;
    this.#held = held;
  }

  protected override asked(event: AnyEventObject): void {
    switch (event.type) {
      case 'Operation':
        if (this.#leaving === 'no' && this.#reason === 'none') this.#reason = 'operation';
        break;
      case 'Nop':
        this.#held = false;
        this.#wake();
        break;
      case 'Stop':
        this.#leaving = 'stop';
        break;
      case 'Pause':
        if (this.#leaving === 'no') this.#leaving = 'pause';
        break;
      case 'Resume':
        if (!this.#paused) break;
        this.#paused = false;
        this.#leaving = 'no';
        this.#slots = event.slots;
        this.#backOff = { ms: 0, failures: 0 };
        this.#wake();
    }
  }

  protected override elapsed(): void {
    if (this.#leaving === 'no') this.#wake();
    else this.#pastLimit = true;
  }

  #wake(): void {
    if (this.#leaving === 'no') this.#reason = 'nop';
  }

  protected override ended({ id, output, failed, error }: End): void {
    if (isTask(id)) {
      if (failed) this.#crash = { run: this.#runs.get(id), error };
      this.#runs.delete(id);
      this.#told.delete(id);
      this.#due.push(`stopped ${id}`);
      this.#wake();
    } else if (id === 'permitWaiter') {
      this.#due.push('stopped permitWaiter');
      this.#wake();
    } else if (this.#leaving !== 'no') {
      if (id === 'plan' && !failed) this.#discarded = output as Planned;
    } else if (failed) {
      this.#failure = error;
      const { failures } = this.#backOff;
      this.#backOff = { ms: 100 * 2 ** Math.min(failures, 6), failures: failures + 1 };
    } else if (id === 'plan') this.#planned(output as Planned);
    else {
      const isAllowed = this.#pass === 'nop' || this.#runs.size < this.#slots;
      this.#mustPlan = isAllowed && !this.#held;
      if (this.#held) this.#backOff = { ms: 0, failures: 0 };
    }
  }

  #planned({ launches, short, backOffMs }: Planned): void {
    this.#backOff = { ms: backOffMs, failures: 0 };
    for (const { run } of launches) this.#due.push(`launched ${run}`);
    if (short && !this.running.has('permitWaiter')) this.#due.push('began permitWaiter');
  }

  protected override began(id: string, { run, held, free }: Given): void {
    must(this.#leaving === 'no', `${id} begins although the scheduler has to leave`);
    if (isTask(id)) {
      const slot = Number(id.slice('optimization.'.length));
      must(slot < this.#slots, 'more tasks run than may');
      this.deeds.push(`launched ${run}`);
      this.#runs.set(id, run);
      must(this.#due.includes(`launched ${run}`), 'a task begins that is not planned');
    } else if (id === 'permitWaiter') {
      must(this.#due.includes('began permitWaiter'), 'a permit is waited for without need');
    } else {
      must(!this.#inPass(), `${id} begins while another step of a pass works`);
      if (id === 'plan') {
        must(this.#mustPlan === true, 'a planning begins where it must not');
        must(free === this.#slots - this.#runs.size, 'a planning is told another number of slots');
      } else {
        must(held === this.#held, 'the beginning of a pass is told wrongly whether it is held');
        must(this.#reason !== 'none', 'a pass begins for nothing');
        this.#pass = this.#reason;
        this.#reason = 'none';
      }
    }
  }

  #inPass(): boolean {
    return this.running.has('ensureCapacity') || this.running.has('plan');
  }

  protected override left(id: string): void {
    const mayWait = id === 'permitWaiter' && this.#leaving !== 'no';
    const isAbandoned = isTask(id) && this.#pastLimit;
    if (!mayWait && !isAbandoned) super.left(id);
  }

  protected override did(action: string, given: Given): void {
    if (action === 'recordTaskCrash') {
      const isIt = given.run === this.#crash?.run && textOf(given.error) === this.#crash?.error;
      must(isIt, 'another crash of a task is recorded');
    } else if (action === 'recordFailure') {
      must(textOf(given.error) === this.#failure, 'another failure is recorded');
    } else if (action === 'discardLaunches') {
      must(
        isDeepStrictEqual(given, this.#discarded),
        'other runs are discarded than those that were planned',
      );
    } else if (action === 'recordAbandoned') {
      const isThem = isDeepStrictEqual(given.runs, [...this.#runs.values()]);
      must(isThem, 'other tasks are given up than those that run');
    }
  }

  protected override sent(id: string, { type, why }: AnyEventObject): void {
    must(type === 'Stop' && typeof why === 'string', `a task is sent ${type}`);
    must(!this.#told.has(id), 'a task is told twice to stop');
    this.#told.add(id);
  }

  protected override atRest(view: View): void {
    for (const deed of this.#due) this.once(deed, true, 'has to be done');
    this.#due = [];
    const ends = (failed: unknown) => failed !== undefined;
    this.once('did recordTaskCrash', ends(this.#crash), 'a crash of a task is recorded');
    this.once('did recordFailure', ends(this.#failure), 'a failure of a pass is recorded');
    this.once('did discardLaunches', ends(this.#discarded), 'what was planned is given back');
    if (this.#mustPlan !== undefined) {
      this.once('began plan', this.#mustPlan, 'a pass plans when it may');
    }
    this.#crash = undefined;
    this.#failure = undefined;
    this.#discarded = undefined;
    this.#mustPlan = undefined;
    if (this.#leaving === 'no') this.#checkWorking();
    else this.#checkLeaving();
    must(this.isOver === (this.#leaving === 'stop' && this.#isEmpty()), 'it ends after the tasks');
    this.once('told Paused', this.#pausedDue === 1, 'whoever asked for a pause is told');
    this.#pausedDue = 0;
    must(view.step !== undefined || this.#inPass(), 'a scheduler looks at once');
  }

  #isEmpty(): boolean {
    return this.#runs.size === 0 && !this.#inPass();
  }

  #checkWorking(): void {
    this.once('did recordAbandoned', false, 'nothing is given up');
    if (this.#inPass()) return;
    must(this.#reason === 'none', 'there is a reason for a pass, and none begins');
    const delayMs = this.#backOff.ms > 0 ? this.#backOff.ms : CLEANUP_MS;
    const isArmed = isDeepStrictEqual(this.delays(), [delayMs]);
    must(isArmed, 'the next pass comes after the back-off, or after the clean-up interval');
  }

  #checkLeaving(): void {
    this.#reason = 'none';
    if (this.#inPass()) return;
    must(!this.running.has('permitWaiter'), 'a permit is waited for while leaving');
    this.once('did recordAbandoned', this.#pastLimit, 'what does not end is given up at the limit');
    if (this.#pastLimit) {
      for (const id of this.#runs.keys()) this.once(`stopped ${id}`, true, 'is given up');
      this.#runs.clear();
      this.#told.clear();
      this.#pastLimit = false;
    }
    for (const id of this.#runs.keys()) must(this.#told.has(id), `${id} is not told to stop`);
    if (this.#runs.size > 0) {
      const [limit = Number.POSITIVE_INFINITY] = this.delays();
      must(limit < OWNER_LIMIT_MS, 'the tasks are given up before the scheduler is given up');
    } else if (this.#leaving === 'pause' && !this.#paused) {
      this.#paused = true;
      this.#pausedDue = 1;
    }
  }
}
