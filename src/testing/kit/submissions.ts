import type { UpdateHandler } from '../../update-handler.js';
import type { Dice } from '../dice.js';
import { begin } from './patience.js';
import type { Operations } from './place.js';
import { difference, type Entries, type Intent, SegmentsModel } from './segments-model.js';

const KEYS = 24;

/** An operation that was handed in. */
export interface Submitted {
  intent: Intent;
  ended: 'not' | 'well' | 'badly';
  opNum: number;
  done: Promise<void>;
}

/** What callers have handed in, in their order, and what they were told. */
export class Submissions<Op> {
  readonly #operations: Operations<Op>;
  readonly #random: Dice;
  #all: Submitted[] = [];
  #values = 0;
  /** So many of them must be there after the end of the process. */
  sure = 0;
  /** So many of them must be there after a power cut. */
  synced = 0;

  constructor(operations: Operations<Op>, random: Dice) {
    this.#operations = operations;
    this.#random = random;
  }

  get all(): readonly Submitted[] {
    return this.#all;
  }

  /** What they come to. */
  get entries(): Entries {
    return fold(this.#all);
  }

  /** Hands an operation in; its answer is noted when it comes. */
  submit(handler: UpdateHandler<Op>, intent: Intent, wait: boolean): Submitted {
    const one: Submitted = { intent, ended: 'not', opNum: 0, done: Promise.resolve() };
    this.#all.push(one);
    const place = this.#all.length;
    const operation = this.#operation(intent);
    one.done = begin(() => handler.submit(operation, { wait })).then(
      ({ opNum }) => {
        Object.assign(one, { ended: 'well', opNum });
        this.sure = Math.max(this.sure, place);
        if (wait) this.synced = Math.max(this.synced, place);
      },
      () => {
        one.ended = 'badly';
      },
    );
    return one;
  }

  /**
   * What is there now must be a beginning of what was handed in, and have everything that is sure.
   * Says what is wrong; if nothing, that beginning is all that was ever handed in from now on.
   */
  settle(content: Entries): string | undefined {
    let count = this.#all.length;
    const wrong = () => difference(fold(this.#all.slice(0, count)), content);
    while (count > this.sure && wrong() !== undefined) count -= 1;
    const found = wrong();
    if (found !== undefined) {
      return `${this.sure} of ${this.#all.length} operations must be there, but ${found}`;
    }
    this.#all = this.#all.slice(0, count).map((one) => ({ ...one, ended: 'well' }));
    this.sure = this.synced = count;
    return undefined;
  }

  put(): Intent {
    this.#values += 1;
    return { kind: 'put', key: this.#key(), value: `${this.#values}` };
  }

  delete(): Intent {
    return { kind: 'delete', key: this.#key() };
  }

  #key(): string {
    return `key ${this.#random(KEYS)}`;
  }

  #operation(intent: Intent): Op {
    const operations = this.#operations;
    if (intent.kind === 'put') return operations.put(intent.key, intent.value);
    if (intent.kind === 'delete') return operations.delete(intent.key);
    if (operations.refused === undefined) throw new TypeError('supports.refused needs `refused`');
    return operations.refused(intent);
  }
}

function fold(submitted: readonly Submitted[]): Entries {
  const model = new SegmentsModel();
  for (const { intent } of submitted) model.add(intent);
  return model.entries;
}
