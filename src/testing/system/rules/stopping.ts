import type { Facts } from '../facts.js';
import type { JournalEvent, Site } from '../journal.js';
import { Rule, type Watched } from './rule.js';

/** After this long a stage of stopping goes on without what it waits for. */
const LIMIT_MS = 5000;

/** Workers end in order, then the store is closed, and nothing at all is left. */
export class StoppingRule extends Rule {
  readonly name = 'stopping ends in order and leaves nothing behind';
  #now: () => number = () => 0;
  /** When stopping began, or closing after a failure. */
  #askedAt: number | undefined;
  readonly #closed = new Set<Site>();
  /** A round has failed since the last good one, so that a last flush may fail too. */
  #flushFails = false;

  override hear(event: JournalEvent, facts: Facts): void {
    if (event.type === 'life') this.#opened();
    if (event.type === 'asked' && event.kind === 'stop') this.#askedAt ??= this.#now();
    if (event.type === 'failed')
      this.#flushFails ||= /^(wal|capture)\.|^segments\.capture$/.test(event.site);
    if (event.type === 'ended' && event.site === 'capture.commit') this.#flushFails = false;
    if (event.type !== 'begun') return;
    if (event.site === 'wal.open') this.#opened();
    const port = event.site.startsWith('wal.') ? 'wal.close' : 'segments.close';
    // Closing twice is safe, anything else is not.
    const isLate = this.#closed.has(port) && event.site !== port;
    this.require(!isLate, () => `${event.site} after ${port}`);
    if (event.site === 'wal.close') {
      this.require(this.#closed.has('segments.close'), () => 'the log was closed first');
      this.#closed.add('wal.close');
    }
    if (event.site !== 'segments.close') return;
    this.#askedAt ??= this.#now();
    this.#closed.add('segments.close');
    if (this.#isOverdue || !facts.open) return;
    const { runs, captures, applied, committed, broken } = facts;
    this.require(runs.size === 0, () => `closed while ${[...runs.keys()]} were running`);
    this.require(captures.size === 0, () => 'closed with a capture that was not released');
    const left = leftBy(facts);
    this.require(left.length === 0, () => `closed beside ${left.join(', ')}`);
    // Before everything in the log has been applied once, nothing has been flushed.
    const isRecovering = [...facts.requests.values()].some(
      ({ kind }) => kind === 'ready' || kind === 'reopen',
    );
    if (broken !== undefined || this.#flushFails || isRecovering) return;
    this.require(
      committed === applied,
      () => `closed with ${applied} applied and ${committed} committed`,
    );
  }

  override look({ handler, clock, gates }: Watched, facts: Facts): void {
    this.#now = () => clock.now();
    if (handler.state !== 'stopped' || this.#isOverdue) return;
    this.require(clock.pending === 0, () => `${clock.pending} timers are left after the stop`);
    const left = leftBy(facts);
    this.require(left.length === 0, () => `stopped beside ${left.join(', ')}`);
    this.require(gates.atWork === 0, () => 'a call is at work after the stop');
    const { children } = handler.actor.getSnapshot();
    const alive = Object.values(children).filter(
      (child) => child?.getSnapshot().status === 'active',
    );
    this.require(alive.length === 0, () => `${alive.map((child) => child?.id)} live on`);
  }

  #opened(): void {
    this.#askedAt = undefined;
    this.#closed.clear();
    this.#flushFails = false;
  }

  /** A stage may have gone on without what hangs: then it is still there. */
  get #isOverdue(): boolean {
    return this.#askedAt !== undefined && this.#now() - this.#askedAt >= LIMIT_MS;
  }
}

/** Calls that have not come back, but for those that a log ends itself when it is closed. */
function leftBy({ underway, broken }: Facts): Site[] {
  const calls = [...underway.values()].map(({ event }) => event.site);
  return calls.filter(
    (site) => site !== 'wal.read' && !(site === 'wal.append' && broken !== undefined),
  );
}
