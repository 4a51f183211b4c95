import type { InspectMessage } from '../src/inspect/messages.js';
import { apply, emptyModel, type Model } from './model.js';

/** Messages between two moments that are kept whole, so that going back is quick. */
const STEP = 2000;

/** A recording that can be looked at as it was at any moment. */
export class Recording {
  readonly #messages: InspectMessage[] = [];
  /** How things stood before message 0, STEP, 2 · STEP, …; of those that were asked for. */
  readonly #marks: Model[] = [];
  #model = emptyModel();
  #next = 0;

  add(messages: readonly InspectMessage[]): void {
    this.#messages.push(...messages);
  }

  get startsAt(): number {
    return this.#messages[0]?.at ?? 0;
  }

  get endsAt(): number {
    return this.#messages.at(-1)?.at ?? 0;
  }

  /** How things stood at this moment. */
  moment(at: number): Model {
    const end = this.#firstAfter(at);
    if (end < this.#next) {
      const mark = Math.floor(end / STEP);
      this.#model = structuredClone(this.#marks[mark] ?? emptyModel());
      this.#next = mark * STEP;
    }
    for (; this.#next < end; this.#next++) {
      if (this.#next % STEP === 0) this.#marks[this.#next / STEP] ??= structuredClone(this.#model);
      const message = this.#messages[this.#next];
      if (message !== undefined) apply(this.#model, message);
    }
    return this.#model;
  }

  /** The number of messages up to this moment; messages are in the order of their times. */
  #firstAfter(at: number): number {
    let [low, high] = [0, this.#messages.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#messages[middle]?.at ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
