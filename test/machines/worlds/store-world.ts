import type { View } from 'sluice/testing';
import type { AnyEventObject } from 'xstate';
import { type Phase, StoreLife, WORKERS, workerOf } from './store-life.js';
import { type End, type Given, must } from './world.js';

/** How long the workers themselves take at most to give up what does not end. */
const OWN_LIMITS_MS = [30_000, 10_000, 0];
const EFFECTS: [string, Phase][] = [
  ['open', 'opening'],
  ['close', 'closing'],
  ['breakDown', 'breaking'],
];

/** Log and segments, opened and closed by the root, and those who wait to be let in. */
export class StoreWorld extends StoreLife {
  /** Whether submissions are taken; those before the first opening wait. */
  #admits = true;
  /** The worker that has to be told to stop. */
  #toldTo: number | undefined;
  #failed = '';
  #error = '';
  #isOverdue = false;
  #abortsOpening = false;

  protected override asked(event: AnyEventObject): void {
    this.#abortsOpening = event.type === 'Stop' && this.phase === 'opening';
    super.asked(event);
  }

  protected override elapsed(event: AnyEventObject): void {
    this.#isOverdue = event.type !== 'Restart';
    super.elapsed(event);
  }

  protected override ended(end: End): void {
    const isKnown = end.id === 'open' && this.isStopAsked;
    this.#failed = end.failed && !isKnown ? end.id : '';
    this.#error = end.error;
    super.ended(end);
  }

  protected override began(id: string): void {
    const [, due] = EFFECTS.find(([effect]) => effect === id) ?? [];
    must(due === undefined || this.entered(due), `${id} begins while the store is ${this.phase}`);
  }

  protected override left(id: string): void {
    const isGone = ['closing', 'resting', 'opening', 'ended'].includes(this.phase);
    const isSudden = id === 'reconfigure' && ['stopping', 'breaking'].includes(this.phase);
    if (isSudden || (isGone && id !== 'open')) return;
    super.left(id);
  }

  protected override did(action: string, { error, stage }: Given): void {
    if (action === 'admit') this.#admits = true;
    if (action === 'closeAdmission') {
      must(['stopping', 'closing'].includes(this.phase), 'admission is closed without a Stop');
      this.#admits = false;
    }
    if (action === 'abortRunning') {
      const mayAbort = (['breaking', 'resting', 'closing'] as const).some((one) =>
        this.entered(one),
      );
      must(mayAbort, 'what runs is aborted although the store works');
    }
    if (action === 'recordOpenFailure' || action === 'recordCloseFailure') {
      must((error as { error?: string })?.error === this.#error, 'another failure is recorded');
    }
    if (action === 'recordOverdue') must(Boolean(stage), 'what is overdue has no name');
  }

  protected override sent(to: string, { type }: AnyEventObject): void {
    if (type !== 'Stop') return;
    const isBreaking = this.entered('breaking') && to === 'optimizerScheduler';
    const isNext = this.phase === 'stopping' && WORKERS[this.stage] === to;
    must(isBreaking || isNext, `${to} is told to stop out of its turn`);
  }

  protected override atRest({ step }: View): void {
    if (step === undefined) this.before = undefined;
    for (const [effect, phase] of EFFECTS) {
      this.once(`began ${effect}`, this.entered(phase), `the store is ${phase}`);
    }
    this.once('did admit', this.entered('live'), 'submissions are let in when the store is open');
    const isClosed = ['stopping', 'closing', 'ended'].includes(this.phase);
    must(!isClosed || !this.#admits, 'nothing is let in while stopping or closing');
    this.once('did abortOpening', this.#abortsOpening, 'a Stop does not wait for an opening');
    if (this.entered('breaking') || this.entered('closing')) {
      this.once('did abortRunning', true, 'effects are aborted before the store is closed');
    }
    this.once('did recordOpenFailure', this.#failed === 'open', 'a failed opening is recorded');
    this.once('did recordCloseFailure', this.#failed === 'close', 'a failed closing is recorded');
    this.once('did recordOverdue', this.#isOverdue, 'what is overdue is recorded');
    this.#checkStops();
    this.#checkLimits();
    const hasWorkers = [...this.running.keys()].some((id) => workerOf(id) ?? /^settle/.test(id));
    const mayHave = ['live', 'stopping', 'breaking'].includes(this.phase);
    must(mayHave || !hasWorkers, `a worker is still there although the store is ${this.phase}`);
    must(this.isOver === (this.phase === 'ended'), 'the handler ends when the store is closed');
    this.before = this.phase;
    this.#failed = '';
    this.#isOverdue = false;
    this.#abortsOpening = false;
  }

  #checkStops(): void {
    const stage = this.phase === 'stopping' ? this.stage : undefined;
    if (stage !== undefined && stage !== this.#toldTo) {
      this.once(`sent Stop to ${WORKERS[stage]}`, true, 'the workers are stopped one by one');
    }
    this.#toldTo = stage;
    if (this.entered('breaking') && this.running.has('optimizerScheduler')) {
      this.once('sent Stop to optimizerScheduler', true, 'nothing new is optimized');
    }
  }

  #checkLimits(): void {
    if (!['stopping', 'closing', 'breaking'].includes(this.phase)) return;
    const limits = this.timers.filter(({ event }) => event.type !== 'Restart');
    must(limits.length === 1, `the store is ${this.phase} without a limit`);
    const ownMs = this.phase === 'stopping' ? (OWN_LIMITS_MS[this.stage] ?? 0) : 0;
    must((limits[0]?.delayMs ?? 0) > ownMs, 'a worker has no time to give up what does not end');
  }
}
