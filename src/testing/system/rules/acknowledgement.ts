import type { Facts } from '../facts.js';
import type { JournalEvent } from '../journal.js';
import { Rule } from './rule.js';

/** The log forgets only what the last commit holds and nobody keeps, and never less than before. */
export class AcknowledgementRule extends Rule {
  readonly name = 'the log forgets only what is committed and kept by nobody';

  override hear(event: JournalEvent, facts: Facts): void {
    if (event.type === 'begun' && event.site === 'wal.acknowledge') {
      const { upTo } = event.given;
      const { committed, keepFrom, ackAsked } = facts;
      this.require(upTo <= committed, () => `${upTo} is forgotten, ${committed} committed`);
      this.require(upTo < keepFrom, () => `${upTo} is forgotten, kept from ${keepFrom} on`);
      this.require(upTo >= ackAsked, () => `${upTo} is forgotten after ${ackAsked}`);
    }
    if (event.type === 'ended' && event.site === 'wal.open') {
      const { acked } = event.got;
      const isKnown = acked >= facts.acked && acked <= facts.ackAsked;
      const told = () => `the log has forgotten ${acked}, not ${facts.acked} to ${facts.ackAsked}`;
      this.require(isKnown, told);
    }
    if (event.type === 'ended' && event.site === 'segments.open') {
      const { applied } = event.got;
      const { acked, last } = facts;
      this.require(
        applied >= acked && applied <= last,
        () => `the segments hold ${applied} of a log from ${acked + 1} to ${last}`,
      );
    }
  }
}
