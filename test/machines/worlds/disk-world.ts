import { isDeepStrictEqual } from 'node:util';
import type { AnyEventObject } from 'xstate';
import type { CaptureResult } from '#sluice/machines/flush-worker.js';
import { type End, must, World } from './world.js';

const STEPS = ['capture', 'writeBlocks', 'commit', 'acknowledge'];

/** What a step that went well leads to; nothing when the round has ended. */
function nextOf(id: string, output: unknown): string | undefined {
  if (id !== 'capture') return STEPS[STEPS.indexOf(id) + 1];
  const { changed, forgets } = output as CaptureResult;
  if (changed) return 'writeBlocks';
  return forgets ? 'acknowledge' : undefined;
}

/** The disk and those who want to be sure that it holds something: what the flush worker serves. */
export class DiskWorld extends World {
  #intervalMs: number;
  /** Somebody asked for a flush, and no round has begun since. */
  #wanted = false;
  #stop: 'no' | 'asked' | 'lastRound' | 'end' = 'no';
  /** A pause between rounds has ended. */
  #isDue = false;
  /** What has to begin in this step, if anything. */
  #next: string | undefined;
  #outcome: 'done' | 'failed' | undefined;
  #error = '';

  constructor(intervalMs: number) {
    super();
    this.#intervalMs = intervalMs;
  }

  protected override asked(event: AnyEventObject): void {
    if (event.type === 'Flush') this.#wanted = this.#stop !== 'lastRound';
    if (event.type === 'Reconfigured') this.#intervalMs = event.flushIntervalMs;
    if (event.type === 'Stop' && this.#stop === 'no') this.#stop = 'asked';
  }

  protected override elapsed(): void {
    this.#isDue = true;
  }

  protected override ended({ id, output, failed, error }: End): void {
    this.#next = failed ? undefined : nextOf(id, output);
    this.#error = error;
    if (this.#next === undefined) this.#outcome = failed ? 'failed' : 'done';
    if (this.#outcome !== undefined && this.#stop === 'lastRound') this.#stop = 'end';
  }

  protected override began(id: string): void {
    must(this.running.size === 0, `${id} begins while another step writes`);
    if (id !== 'capture') {
      must(id === this.#next, `${id} begins where it must not`);
      return;
    }
    must(this.#next === undefined, 'a round begins in the middle of another');
    must(this.#stop !== 'end' && this.#stop !== 'lastRound', 'a round follows the last one');
    const why = this.#wanted || this.#isDue || this.#stop === 'asked';
    must(why, 'a round begins for nothing');
    if (this.#stop === 'asked') this.#stop = 'lastRound';
    this.#wanted = false;
  }

  protected override did(action: string, { error }: Record<string, unknown>): void {
    if (action !== 'roundFailed') return;
    const text = (error as { error: string } | undefined)?.error;
    must(text === this.#error, 'a round is said to have failed of something else');
  }

  protected override atRest(): void {
    const [next, outcome] = [this.#next, this.#outcome];
    if (next !== undefined) this.once(`began ${next}`, true, 'a round goes on');
    if (this.#isDue) this.once('began capture', true, 'the interval is over');
    this.once('did roundDone', outcome === 'done', 'a round that went well is said to have');
    this.once('did roundFailed', outcome === 'failed', 'a round that failed is said to have');
    this.#next = undefined;
    this.#outcome = undefined;
    this.#isDue = false;
    must(this.isOver === (this.#stop === 'end'), 'the worker ends after the last round');
    if (this.isOver || this.running.size > 0) return;
    must(!this.#wanted, 'a flush was asked for, and no round begins');
    must(this.#stop === 'no', 'after a Stop the last round begins at once');
    const isSleeping = isDeepStrictEqual(this.delays(), [this.#intervalMs]);
    must(isSleeping, 'the next round comes after the interval in force');
  }
}
