import { errorText } from '../../errors.js';
import { begin, outcomeOf } from './patience.js';

/** A clause of a contract that was not kept. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly clause: string;

  constructor(clause: string, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.clause = clause;
  }
}

/** Keeps count of how often each clause was looked at, and stops at the first that is not kept. */
export class Ledger<Clause extends string> {
  readonly #looked = new Map<string, number>();

  /** How often a clause was looked at. */
  count(clause: string): number {
    return this.#looked.get(clause) ?? 0;
  }

  /** Throws a `Violation` unless it holds. */
  check(clause: Clause, holds: boolean, detail: string | (() => string)): void {
    this.#looked.set(clause, this.count(clause) + 1);
    if (holds) return;
    throw new Violation(clause, typeof detail === 'string' ? detail : detail());
  }

  /** Both must be the same as JSON. */
  same(clause: Clause, what: string, expected: unknown, actual: unknown): void {
    const [wanted, found] = [JSON.stringify(expected), JSON.stringify(actual)];
    this.check(clause, wanted === found, () => `${what}: expected ${wanted}, found ${found}`);
  }

  /** The result of a call that must succeed, and must end within a limit. */
  async sure<T>(clause: Clause, what: string, call: () => T | Promise<T>): Promise<T> {
    const outcome = await outcomeOf(begin(call));
    this.check(clause, outcome.ended === 'well', () => {
      return outcome.ended === 'badly'
        ? `${what} failed: ${errorText(outcome.error)}`
        : `${what} does not come to an end`;
    });
    if (outcome.ended !== 'well') throw new TypeError('a check that failed has thrown');
    return outcome.value;
  }
}
