import type { AnyEventObject } from 'xstate';
import { StoreLife } from './store-life.js';
import { type End, type Given, must } from './world.js';

/** Those who asked for another configuration, and the workers to which it comes. */
export class ConfigurationWorld extends StoreLife {
  /** Somebody has asked since the last time that a configuration began to come into force. */
  #isAsked = false;
  #slots: unknown;
  #intervalMs: unknown;
  /** The scheduler runs no task: it was paused and not resumed, or it is not there. */
  #scheduler: 'works' | 'pausing' | 'paused' = 'works';
  #outcome: 'done' | 'failed' | undefined;
  #error = '';
  #isRefused = false;

  protected override asked(event: AnyEventObject): void {
    if (event.type === 'Reconfigure') this.#isAsked = true;
    if (event.type === 'Paused' && this.#scheduler === 'pausing') this.#scheduler = 'paused';
    super.asked(event);
  }

  protected override ended(end: End): void {
    const { id, failed, error, output } = end;
    if (id === 'reconfigure') {
      this.#outcome = failed ? 'failed' : 'done';
      this.#error = error;
    }
    const isRead = (id === 'reconfigure' || id === 'open') && !failed;
    if (isRead) this.#setTo(output as Given);
    super.ended(end);
  }

  #setTo({ slots, flushIntervalMs }: Given): void {
    this.#slots = slots;
    this.#intervalMs = flushIntervalMs;
  }

  protected override began(id: string): void {
    if (id === 'optimizerScheduler') this.#scheduler = 'works';
    if (id !== 'reconfigure') return;
    must(this.phase === 'live', `the configuration changes while the store is ${this.phase}`);
    must(this.#isAsked, 'the configuration changes although nobody asked');
    const isQuiet = !this.running.has('optimizerScheduler') || this.#scheduler === 'paused';
    must(isQuiet, 'the configuration changes while optimizations run');
    this.#isAsked = false;
  }

  protected override left(): void {}

  protected override did(action: string, { error }: Given): void {
    if (action === 'refuseReconfigure') this.#isRefused = true;
    if (action === 'answerReconfigure' && this.running.has('flushWorker')) {
      const isTold = this.times('sent Reconfigured to flushWorker') === 1;
      must(isTold, 'whoever asked is answered before the workers know');
    }
    if (action === 'recordReconfigureFailure') {
      must((error as { error?: string })?.error === this.#error, 'another failure is recorded');
    }
  }

  protected override sent(_to: string, event: AnyEventObject): void {
    if (event.type === 'Pause') {
      must(this.#isAsked, 'optimizations are cancelled for no configuration');
      must(this.#scheduler === 'works', 'the scheduler is paused twice');
      this.#scheduler = 'pausing';
    }
    if (event.type === 'Resume') {
      must(event.slots === this.#slots, 'the scheduler goes on with another number of tasks');
      must(this.#scheduler === 'paused', 'a scheduler that was not paused goes on');
      this.#scheduler = 'works';
    }
    if (event.type === 'Reconfigured') {
      must(event.flushIntervalMs === this.#intervalMs, 'rounds come after another interval');
    }
  }

  protected override atRest(): void {
    const outcome = this.#outcome;
    this.once('did answerReconfigure', outcome === 'done', 'whoever asked is answered');
    this.once('did recordReconfigureFailure', outcome === 'failed', 'a failure is recorded');
    if (outcome !== undefined) {
      const isThere = this.running.has('flushWorker');
      this.once('sent Reconfigured to flushWorker', isThere, 'the interval is told');
      const waits = this.running.has('optimizerScheduler') && this.#scheduler === 'paused';
      must(!waits || this.running.has('reconfigure'), 'a paused scheduler goes on');
    }
    this.#outcome = undefined;
    if (this.#isRefused) {
      must(this.phase !== 'live' && this.phase !== 'opening', 'a configuration is refused in vain');
      this.#isAsked = false;
    }
    this.#isRefused = false;
    const mayWait = this.phase === 'live' || this.phase === 'opening';
    must(mayWait || !this.#isAsked, 'a configuration that cannot come is refused');
    this.before = this.phase;
  }
}
