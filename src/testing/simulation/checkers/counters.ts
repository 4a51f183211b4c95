import type { Session } from '../session.js';
import type { World } from '../world.js';

/** States in which everything can be looked at. */
const LIVE: ReadonlySet<string> = new Set(['running', 'reconfiguring', 'stopping']);

/** What must hold at every moment, by what the collection says of itself. */
export class Counters {
  readonly #world: World;
  readonly #session: Session;

  constructor(world: World, session: Session) {
    this.#world = world;
    this.#session = session;
  }

  /** Called between events, when nothing is half done. */
  look(): void {
    const { collection } = this.#session;
    const { process, oracle, violated, settings } = this.#world;
    if (collection === undefined || process?.collection !== collection) return;
    const { state } = collection.handler;
    if (state === 'broken' && process.faultCount === 0) {
      const { errors } = collection.status();
      violated('only faults break a store', JSON.stringify(errors.slice(-2)));
    }
    if (!LIVE.has(state)) return;
    const { log, queue, flush, optimizations, budgets } = collection.telemetry();
    const { wal, segments, points } = collection.info();
    const shown = wal.applied;
    // Only a replay is hidden, and those who stop may have been in the middle of one.
    if (shown !== log.applied && state !== 'stopping') {
      violated('readers are shown what is applied', `${shown}, applied ${log.applied}`);
    }
    oracle.advance(shown);
    this.#session.compareShown();
    if (log.acked > flush.committed) {
      violated('the log forgets what is on disk', `${log.acked} > ${flush.committed}`);
    }
    if (flush.committed > log.applied) {
      violated('what is on disk has been applied', `${flush.committed} > ${log.applied}`);
    }
    if (log.acked >= this.#session.keptFrom) {
      violated('the log keeps what it was asked for', `${log.acked} >= ${this.#session.keptFrom}`);
    }
    const most = settings.opened.updateQueueLengthMax ?? Number.POSITIVE_INFINITY;
    if (queue.entries > most) violated('the queue has a limit', `${queue.entries} > ${most}`);
    for (const [name, { used, total }] of Object.entries(budgets)) {
      if (used > total) violated('budgets are kept', `${name}: ${used} of ${total}`);
      if (used > 1 && optimizations.running === 0) {
        violated('permits are given back', `${name}: ${used} are out, and nothing runs`);
      }
    }
    const live = segments.reduce((sum, segment) => sum + segment.points, 0);
    if (live !== points || points !== oracle.model.points.size) {
      const text = `${points} points, ${live} rows, should be ${oracle.model.points.size}`;
      violated('each point is there once', text);
    }
    if (!segments.some(({ appendable }) => appendable)) {
      violated('there is a segment to write to', JSON.stringify(segments));
    }
    if (optimizations.running === 0 && segments.some(({ frozen }) => frozen)) {
      violated('nothing is frozen without a run', JSON.stringify(segments));
    }
  }
}
