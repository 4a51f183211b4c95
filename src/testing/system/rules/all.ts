import { Facts } from '../facts.js';
import type { JournalEvent } from '../journal.js';
import type { SystemStore } from '../system-store.js';
import { AcknowledgementRule } from './acknowledgement.js';
import { AnswersRule, RequestsRule } from './answers.js';
import { BrokenRule } from './broken.js';
import { ContentRule } from './content.js';
import { FlushOrderRule } from './flush-order.js';
import { LivenessRule, QueueRule, StrayRule } from './limits.js';
import { NumbersRule } from './numbers.js';
import { PermitsRule, RunsRule } from './optimizations.js';
import { OrderRule } from './order.js';
import { PlungersRule } from './plungers.js';
import { PortUseRule } from './port-use.js';
import { ReadersRule } from './readers.js';
import type { Rule, Violation, Watched } from './rule.js';
import { StatusRule } from './status.js';
import { StoppingRule } from './stopping.js';

/** What rules need to know of a store's operations. */
type Meaning<Op> = Pick<SystemStore<Op>, 'decode' | 'fold' | 'markOf'>;

/** All rules over one journal, with the facts that they share. */
export class Rules<Op> {
  readonly facts = new Facts();
  readonly all: readonly Rule[];

  /** `slots`: optimizations at once by the options that each life begins with. */
  constructor(store: Meaning<Op>, slots: number) {
    const markOf = (data: Uint8Array) => store.markOf(store.decode(data));
    // Operations come back from the journal as what they went in.
    const markOfOperation = (operation: unknown) => store.markOf(operation as Op);
    const fold = (content: Map<string, string>, operation: unknown) =>
      store.fold(content, operation as Op);
    this.all = [
      new NumbersRule(markOf),
      new OrderRule(markOf, markOfOperation),
      new AnswersRule(),
      new RequestsRule(),
      new PlungersRule(markOfOperation),
      new AcknowledgementRule(),
      new FlushOrderRule(),
      new PortUseRule(),
      new RunsRule(),
      new PermitsRule(slots),
      new BrokenRule(),
      new StoppingRule(),
      new ContentRule(fold),
      new StatusRule(),
      new ReadersRule(markOf),
      new QueueRule(),
      new LivenessRule(),
      new StrayRule(),
    ];
  }

  hear(event: JournalEvent): void {
    for (const rule of this.all) rule.hear(event, this.facts);
    this.facts.learn(event);
  }

  look(system: Watched): void {
    for (const rule of this.all) rule.look(system, this.facts);
  }

  get violations(): readonly Violation[] {
    return this.all.flatMap(({ violations }) => violations);
  }
}
