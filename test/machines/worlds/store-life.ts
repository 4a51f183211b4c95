import type { AnyEventObject } from 'xstate';
import { type End, World } from './world.js';

export const WORKERS = ['updateWorker', 'optimizerScheduler', 'flushWorker'] as const;
export type Worker = (typeof WORKERS)[number];

export const workerOf = (id: string) => WORKERS.find((worker) => worker === id);

/** What a store is doing, by the contract: what was asked of it and how its effects ended. */
export type Phase = 'opening' | 'live' | 'stopping' | 'closing' | 'breaking' | 'resting' | 'ended';

/** What the worlds of the root have in common: they know in which part of its life the store is. */
export abstract class StoreLife extends World {
  protected phase: Phase = 'opening';
  /** The phase before the present step; undefined at the start. */
  protected before: Phase | undefined;
  protected isStopAsked = false;
  /** While stopping: the worker that is being waited for, as an index. */
  protected stage = 0;
  #isReopenAsked = false;
  #wasOpened = false;

  /** The step has led to this phase. */
  protected entered(phase: Phase): boolean {
    return this.phase === phase && this.before !== phase;
  }

  protected override asked({ type }: AnyEventObject): void {
    const { phase } = this;
    if (type === 'Broken' && (phase === 'live' || phase === 'stopping')) {
      this.isStopAsked ||= phase === 'stopping';
      this.phase = 'breaking';
    } else if (type === 'Stop' && phase === 'live') this.#stop(0);
    else if (type === 'Stop' && (phase === 'opening' || phase === 'breaking')) {
      this.isStopAsked = true;
    } else if (type === 'Stop' && phase === 'resting') this.phase = 'closing';
    else if (type === 'Reopen' && phase === 'breaking') this.#isReopenAsked = true;
    else if (type === 'Reopen' && phase === 'resting') this.#open();
  }

  protected override elapsed({ type }: AnyEventObject): void {
    if (type === 'Restart') return;
    if (this.phase === 'stopping') this.#stop(this.stage + 1);
    else if (this.phase === 'breaking') this.#rest();
    else this.phase = 'ended';
  }

  protected override ended({ id, failed }: End): void {
    if (id === 'open') this.#opened(failed);
    else if (id === 'close') this.phase = 'ended';
    else if (id === 'breakDown') this.#rest();
    else if (this.phase === 'stopping') this.#stop(this.stage);
  }

  #opened(failed: boolean): void {
    if (this.isStopAsked) this.phase = 'closing';
    else if (failed) this.phase = this.#wasOpened ? 'resting' : 'closing';
    else {
      this.phase = 'live';
      this.#wasOpened = true;
    }
  }

  /** Waits for the first worker from this stage on that is there. */
  #stop(from: number): void {
    const at = WORKERS.findIndex((worker, index) => index >= from && this.running.has(worker));
    this.phase = at < 0 ? 'closing' : 'stopping';
    this.stage = at;
    this.isStopAsked = true;
  }

  #rest(): void {
    if (this.isStopAsked) this.phase = 'closing';
    else if (this.#isReopenAsked) this.#open();
    else this.phase = 'resting';
  }

  #open(): void {
    this.phase = 'opening';
    this.#isReopenAsked = false;
  }
}
