import type { Facts } from '../facts.js';
import type { JournalEvent } from '../journal.js';
import { Rule } from './rule.js';

/** Operations are applied in the order of the log, each once in an opening, or tried again in its place. */
export class OrderRule extends Rule {
  readonly name = 'operations are applied in the order of the log, each once';
  readonly #markOf: (data: Uint8Array) => string;
  readonly #markOfOperation: (operation: unknown) => string;

  constructor(
    markOf: (data: Uint8Array) => string,
    markOfOperation: (operation: unknown) => string,
  ) {
    super();
    this.#markOf = markOf;
    this.#markOfOperation = markOfOperation;
  }

  override hear(event: JournalEvent, facts: Facts): void {
    if (event.type !== 'ended' && event.type !== 'failed') return;
    if (event.site !== 'segments.apply') return;
    const { opNum, operation } = event.given;
    this.require(
      facts.open && opNum === facts.applied + 1,
      () => `${opNum} was applied after ${facts.applied}`,
    );
    this.require(opNum <= facts.last, () => `${opNum} was applied before it was in the log`);
    const data = facts.records.get(opNum);
    if (data === undefined) return;
    const [logged, applied] = [this.#markOf(data), this.#markOfOperation(operation)];
    this.require(logged === applied, () => `${opNum} is ${logged} in the log, ${applied} applied`);
  }
}
