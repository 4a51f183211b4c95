import type { ReadResult } from '../callers.js';
import type { Facts } from '../facts.js';
import type { JournalEvent } from '../journal.js';
import { Rule } from './rule.js';

/** A reader of the log is given each operation once, in order, and none before it is safe and applied. */
export class ReadersRule extends Rule {
  readonly name = 'readers of the log get each operation once, in order, as it was';
  readonly #next = new Map<number, number>();
  readonly #markOf: (data: Uint8Array) => string;

  constructor(markOf: (data: Uint8Array) => string) {
    super();
    this.#markOf = markOf;
  }

  override hear(event: JournalEvent, facts: Facts): void {
    if (event.type !== 'answered' || event.kind !== 'read') return;
    const result = event.result as ReadResult;
    if (result === 'end') return;
    const { reader, opNum, declined, mark } = result;
    const next = this.#next.get(reader);
    this.#next.set(reader, opNum + 1);
    this.require(
      next === undefined || opNum === next,
      () => `reader ${reader} got ${opNum} instead of ${next}`,
    );
    this.require(
      opNum <= facts.durable && opNum <= facts.applied,
      () => `reader ${reader} got ${opNum} before it was safe and applied`,
    );
    const data = facts.records.get(opNum);
    if (data === undefined) return;
    this.require(this.#markOf(data) === mark, () => `reader ${reader} got ${mark} as ${opNum}`);
    const truth = facts.declined.has(opNum);
    this.require(
      declined === truth,
      () => `${opNum} is shown as ${declined ? '' : 'not '}declined`,
    );
  }
}
