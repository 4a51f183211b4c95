import type { AnyEventObject } from 'xstate';
import { StoreLife, WORKERS, type Worker, workerOf } from './store-life.js';
import { type End, type Given, must } from './world.js';

const DELAY_MAX_MS = 50 * 2 ** 8;

/** What is to become of a worker that has crashed. */
interface Crash {
  /** What it left behind has settled. */
  settled: boolean;
  /** Its back-off is over. */
  due: boolean;
}

/** The workers, as they have to be started, spoken to and started again. */
export class WorkersWorld extends StoreLife {
  /** Everything in the log had been applied once. */
  #isRecovered = false;
  #held = false;
  #flush = false;
  #slots = 0;
  #intervalMs = 0;
  readonly #crashes = new Map<Worker, Crash>();
  #firstMs: number | undefined;
  /** The last back-off of each since the opening. */
  readonly #delays = new Map<Worker, number>();
  /** What the present step has to send, as deeds. */
  #due: string[] = [];
  #crashed: string | undefined;

  protected override asked(event: AnyEventObject): void {
    const { type } = event;
    const isLive = this.phase === 'live';
    if (isLive && type === 'Operation') this.#send('Operation', 'updateWorker');
    if (isLive && type === 'Nop') {
      this.#held = false;
      this.#send('Nop', 'optimizerScheduler');
    }
    if (isLive && type === 'Applied' && (this.#isRecovered || !event.caughtUp)) {
      this.#send('Operation', 'optimizerScheduler');
    }
    if (isLive && type === 'Applied' && event.caughtUp) this.#isRecovered = true;
    const isKept = isLive || this.phase === 'opening';
    if (type === 'Flush' && isKept && !this.#send('Flush', 'flushWorker')) this.#flush = true;
    super.asked(event);
  }

  /** The step has to send this, if there is somebody to hear it. */
  #send(type: string, worker: Worker): boolean {
    const isThere = this.running.has(worker);
    if (isThere) this.#due.push(`sent ${type} to ${worker}`);
    return isThere;
  }

  protected override elapsed(event: AnyEventObject): void {
    const worker = workerOf(event.worker);
    const crash = worker && this.#crashes.get(worker);
    if (event.type === 'Restart') {
      if (crash === undefined) throw new Error(`${worker} is to be restarted but did not crash`);
      crash.due = true;
    }
    super.elapsed(event);
  }

  protected override ended(end: End): void {
    const { id, output, failed } = end;
    const worker = workerOf(id);
    if (id === 'open' && !failed) this.#opened(output as Given);
    if (id === 'reconfigure' && !failed) this.#setTo(output as Given);
    const isUnasked = this.phase === 'live';
    if (worker !== undefined) this.#due.push(`stopped ${worker}`);
    if (worker !== undefined && isUnasked) {
      this.#crashes.set(worker, { settled: false, due: false });
      this.#due.push(`began settle.${worker}`);
      this.#crashed = id;
    }
    if (id.startsWith('settle.')) {
      this.#due.push(`stopped ${id}`);
      const crash = this.#crashes.get(id.slice('settle.'.length) as Worker);
      if (crash !== undefined) crash.settled = true;
    }
    super.ended(end);
  }

  #opened(output: Given): void {
    this.#held = Boolean(output.held);
    this.#setTo(output);
    this.#crashes.clear();
    this.#delays.clear();
    this.#isRecovered = false;
  }

  #setTo({ slots, flushIntervalMs }: Given): void {
    this.#slots = Number(slots);
    this.#intervalMs = Number(flushIntervalMs);
  }

  protected override began(id: string, input: Given): void {
    const worker = workerOf(id);
    if (id.startsWith('settle.')) {
      must(this.#due.includes(`began ${id}`), `${id} begins although nobody crashed`);
      must(`settle.${input.worker}` === id, 'what another worker left behind is settled');
    }
    if (worker === undefined) return;
    must(this.phase === 'live', `${worker} begins while the store is ${this.phase}`);
    const crash = this.#crashes.get(worker);
    must(crash?.settled !== false, `${worker} begins before what it left behind has settled`);
    must(crash?.due !== false, `${worker} begins before its back-off is over`);
    this.#crashes.delete(worker);
    if (worker === 'updateWorker') {
      must('parent' in input, 'a worker knows nobody to report to');
      return;
    }
    must(this.#isRecovered, `${worker} begins before everything in the log has been applied`);
    if (worker === 'flushWorker') {
      must(input.flushIntervalMs === this.#intervalMs, 'rounds come after another interval');
      if (this.#flush) this.#due.push('sent Flush to flushWorker');
      this.#flush = false;
    } else {
      must('parent' in input, 'a worker knows nobody to report to');
      const isRight = input.slots === this.#slots && input.held === this.#held;
      must(isRight, 'a scheduler begins on another configuration, or is held wrongly');
      must(!this.running.has('reconfigure'), 'a scheduler begins on an old configuration');
    }
  }

  protected override left(): void {}

  protected override did(action: string, { actorId }: Given): void {
    if (action === 'recordCrash') must(actorId === this.#crashed, 'another crash is recorded');
  }

  protected override sent(to: string, { type }: AnyEventObject): void {
    const isForwarded = ['Operation', 'Nop', 'Flush'].includes(type);
    const isDue = this.#due.includes(`sent ${type} to ${to}`);
    must(!isForwarded || isDue, `${to} is sent ${type}, for which nobody asked`);
  }

  protected override atRest(): void {
    for (const deed of this.#due) this.once(deed, true, 'has to be done');
    const isCrash = this.#crashed !== undefined;
    this.once('did recordCrash', isCrash, 'a worker that ends unasked is recorded');
    this.#due = [];
    this.#crashed = undefined;
    if (this.phase === 'live') this.#checkThere();
    this.before = this.phase;
  }

  /** Each worker is there, or will be without anybody's help. */
  #checkThere(): void {
    for (const worker of WORKERS) {
      const isExpected = worker === 'updateWorker' || this.#isRecovered;
      if (!isExpected || this.running.has(worker)) continue;
      const isSettling = this.running.has(`settle.${worker}`);
      const restart = this.timers.find(({ event }) => event.worker === worker);
      must(isSettling || restart !== undefined, `${worker} is gone, and nobody restarts it`);
      if (restart !== undefined && this.times(`ended settle.${worker}`) > 0) {
        this.#checkDelay(worker, restart.delayMs);
      }
    }
  }

  #checkDelay(worker: Worker, delayMs: number): void {
    const lastMs = this.#delays.get(worker);
    const isLonger = lastMs === undefined || delayMs > lastMs || delayMs === DELAY_MAX_MS;
    must(isLonger, 'a worker that crashes again is restarted later');
    this.#firstMs ??= delayMs;
    must(lastMs !== undefined || delayMs === this.#firstMs, 'an opening forgets the crashes');
    must(delayMs <= DELAY_MAX_MS, 'a back-off has a limit');
    this.#delays.set(worker, delayMs);
  }
}
