import type { Facts } from '../facts.js';
import type { JournalEvent, Site } from '../journal.js';
import { Rule, type Watched } from './rule.js';

const WRITES: readonly Site[] = [
  'wal.append',
  'wal.sync',
  'wal.acknowledge',
  'capture.writeBlocks',
  'capture.commit',
  'run.copy',
  'run.discard',
  'deaths.write',
];

/** What callers can have going only while the store lives. */
const PENDING = ['submit', 'plunge', 'flush', 'reconfigure', 'read'];

/** After an error that stays, nothing is written before the store has been opened again. */
export class BrokenRule extends Rule {
  readonly name = 'a broken store writes nothing and answers everyone';

  override hear(event: JournalEvent, facts: Facts): void {
    if (facts.broken === undefined) return;
    if (event.type === 'begun') {
      const isWrite = WRITES.includes(event.site);
      this.demand(!isWrite, () => `${event.site} after a sticky error`);
    }
    if (event.type === 'ended' && event.site === 'segments.apply') {
      // In memory, what the log has may still be applied; a caller must not hear of it.
      this.demand(facts.open, () => 'an operation was applied to segments that are not open');
    }
  }

  override look({ handler }: Watched, facts: Facts): void {
    if (facts.broken === undefined || !facts.open) return;
    const states = ['broken', 'stopping', 'closing', 'stopped', 'opening'];
    this.demand(states.includes(handler.state), () => `broken, and the state is ${handler.state}`);
    // A record that is being written is answered when that has ended, also after a reopening.
    if (handler.state !== 'broken' || facts.isAppending) return;
    const waiting = [...facts.requests.values()].filter(({ kind }) => PENDING.includes(kind));
    const whom = () => `broken, and still waiting: ${waiting.map(({ request }) => request)}`;
    this.demand(waiting.length === 0, whom);
  }
}
