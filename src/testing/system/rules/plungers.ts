import type { Facts } from '../facts.js';
import type { JournalEvent } from '../journal.js';
import { Rule } from './rule.js';

/** A plunger is answered when everything that was submitted before it has been applied or refused. */
export class PlungersRule extends Rule {
  readonly name = 'a plunger is answered after everything before it, and not before';
  /** Submitted operations that are neither applied nor refused: number of the request by mark. */
  readonly #open = new Map<string, number>();
  readonly #markOfOperation: (operation: unknown) => string;

  constructor(markOfOperation: (operation: unknown) => string) {
    super();
    this.#markOfOperation = markOfOperation;
  }

  override hear(event: JournalEvent, facts: Facts): void {
    if (event.type === 'asked' && event.kind === 'submit') {
      this.#open.set((event.facts as { mark: string }).mark, event.request);
    }
    const isApplied =
      (event.type === 'ended' || event.type === 'failed') && event.site === 'segments.apply';
    if (isApplied && !(event.type === 'failed' && isForNow(event.error))) {
      this.#open.delete(this.#markOfOperation(event.given.operation));
    }
    if (event.type === 'refused' && event.kind === 'submit') {
      const asked = facts.requests.get(event.request);
      if (asked !== undefined) this.#open.delete((asked.facts as { mark: string }).mark);
    }
    if (event.type === 'life') this.#open.clear();
    if (event.type !== 'answered' || event.kind !== 'plunge') return;
    const early = [...this.#open.values()].filter((request) => request < event.request);
    const whose = () => `answered before the operations of ${early.join(', ')} were applied`;
    this.require(early.length === 0, whose);
  }
}

const isForNow = (error: unknown) =>
  typeof error === 'object' && error !== null && 'kind' in error && error.kind !== 'declined';
