import type { Facts } from '../facts.js';
import type { JournalEvent } from '../journal.js';
import { Rule } from './rule.js';

/** Op numbers grow by one, are never used twice, and belong to the operation they were given for. */
export class NumbersRule extends Rule {
  readonly name = 'op numbers grow by one and are never reused';
  readonly #answered = new Set<number>();
  readonly #markOf: (data: Uint8Array) => string;

  constructor(markOf: (data: Uint8Array) => string) {
    super();
    this.#markOf = markOf;
  }

  override hear(event: JournalEvent, facts: Facts): void {
    if (event.type === 'ended' && event.site === 'wal.append') {
      const { opNums } = event.got;
      const dense = opNums.every((opNum, at) => opNum === facts.last + 1 + at);
      this.require(dense, () => `the log gave ${opNums.join(', ')} after ${facts.last}`);
    }
    if (event.type === 'ended' && event.site === 'wal.open') {
      const { last } = event.got;
      const most = facts.last + facts.uncertain;
      this.require(
        last >= facts.last && last <= most,
        () => `the log ends at ${last}; it was told ${facts.last} records, at most ${most}`,
      );
    }
    if (event.type !== 'answered' || event.kind !== 'submit') return;
    const { opNum } = event.result as { opNum: number };
    this.require(!this.#answered.has(opNum), () => `two callers were told number ${opNum}`);
    this.#answered.add(opNum);
    const data = facts.records.get(opNum);
    // A record that is forgotten by now can't be compared any more.
    if (data === undefined) return;
    const asked = facts.requests.get(event.request)?.facts as { mark: string } | undefined;
    this.require(
      this.#markOf(data) === asked?.mark,
      () => `caller ${event.request} was told ${opNum}, the number of another's operation`,
    );
  }
}
