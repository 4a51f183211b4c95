import type { Facts } from '../facts.js';
import type { CallEvent, JournalEvent, Site } from '../journal.js';
import { Rule, type Watched } from './rule.js';

const LIVE = ['running', 'reconfiguring'];

/** The calls of a flush round. */
const ROUND: readonly Site[] = [
  'segments.capture',
  'wal.sync',
  'capture.writeBlocks',
  'capture.commit',
  'wal.acknowledge',
  'capture.release',
];

/** The status shows what has failed until it succeeds, and is green only when there is nothing to do. */
export class StatusRule extends Rule {
  readonly name = 'the status tells the truth';
  /** Whether the last flush round has failed. */
  #flushFailed = false;
  #roundFails = false;

  override hear(event: JournalEvent, facts: Facts): void {
    if (event.type === 'life') this.#flushFailed = this.#roundFails = false;
    if (!('site' in event)) return;
    const { type, site } = event;
    if (type === 'begun' && site === 'wal.open') this.#flushFailed = this.#roundFails = false;
    if (site === 'segments.capture') this.#roundFails = type === 'failed';
    // What hangs since before the log was opened anew belongs to no round any more.
    if (!ROUND.includes(site) || isLate(event, facts)) return;
    if (type === 'failed') this.#roundFails = true;
    if (site === 'capture.release' || this.#roundFails) this.#flushFailed = this.#roundFails;
  }

  override look({ handler, gates }: Watched, facts: Facts): void {
    const { color, reasons } = handler.status();
    const errors = reasons.flatMap((one) => (one.reason === 'error' ? [one.what] : []));
    const { state } = handler;
    if (errors.length > 0) this.demand(color === 'red', () => `${errors}, and ${color}`);
    if (state === 'broken') this.demand(color === 'red', () => `broken, and ${color}`);
    if (!LIVE.includes(state)) return;
    if (facts.retrying !== undefined) {
      const shown = errors.includes('apply');
      this.demand(shown, () => `${facts.retrying} fails again and again, and nobody is told`);
    } else if (gates.waiting.length === 0) {
      this.demand(!errors.includes('apply'), () => 'what had failed for now is through');
    }
    if (facts.captures.size === 0) {
      const failed = this.#flushFailed;
      // A worker that has died is shown itself, until what it has left behind is settled.
      const shown = errors.includes('flush') || (failed && errors.includes('flushWorker'));
      this.demand(shown === failed, () => `flush: ${failed ? 'failed' : 'good'}, said otherwise`);
    }
    if (color !== 'green') return;
    const { applied, last, runs } = facts;
    this.demand(applied === last, () => `green with ${last - applied} operations to apply`);
    this.demand(runs.size === 0, () => 'green while an optimization is running');
  }
}

function isLate(event: CallEvent, facts: Facts): boolean {
  if (event.type === 'begun' || event.site === 'segments.capture') return false;
  if (event.site === 'capture.release') return !facts.captures.has(event.given.capture);
  return !facts.underway.has(event.call);
}
