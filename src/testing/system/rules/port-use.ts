import type { Facts } from '../facts.js';
import type { JournalEvent, Site } from '../journal.js';
import { Rule } from './rule.js';

/** Calls that must not run beside each other, by the promise of the ports. */
const ALONE: readonly (readonly Site[])[] = [
  ['wal.append'],
  ['wal.sync', 'wal.acknowledge'],
  ['wal.open'],
  ['segments.open'],
  ['deaths.write'],
];

/** The core uses its ports as it promises: what excludes each other never runs at once. */
export class PortUseRule extends Rule {
  readonly name = 'calls that exclude each other never run at once';

  override hear(event: JournalEvent, facts: Facts): void {
    if (event.type !== 'begun') return;
    const rivals = ALONE.find((sites) => sites.includes(event.site));
    if (rivals === undefined) return;
    this.require(!facts.isUnderway(...rivals), () => `${event.site} beside ${rivals.join(' or ')}`);
  }
}
