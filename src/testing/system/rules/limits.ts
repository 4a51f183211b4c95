import type { Facts } from '../facts.js';
import type { JournalEvent } from '../journal.js';
import { Rule, type Watched } from './rule.js';

/** The queue holds no more operations than it may. */
export class QueueRule extends Rule {
  readonly name = 'the queue stays within its limit';

  override look({ handler, limits }: Watched, facts: Facts): void {
    // What an opening found in the log had its place before.
    const queued = facts.last - Math.max(facts.applied, facts.opened.last);
    const { queueLength } = limits;
    if (facts.open) {
      this.require(queued <= queueLength, () => `${queued} operations of at most ${queueLength}`);
    }
    const { entries } = handler.telemetry().queue;
    this.require(
      entries >= 0 && entries <= queueLength,
      () => `${entries} places are taken of ${queueLength}`,
    );
  }
}

/** How long something that could be optimized may lie there. */
const PATIENCE_MS = 5000;

/** What the optimizers want begins, within the interval of the scheduler's looking around. */
export class LivenessRule extends Rule {
  readonly name = 'what is planned begins by itself';
  #since: number | undefined;

  override look({ handler, clock, gates, foreignPermits }: Watched, facts: Facts): void {
    const isFree =
      handler.state === 'running' && gates.waiting.length === 0 && foreignPermits.io === 0;
    const status = handler.status();
    const lies =
      isFree &&
      status.color === 'yellow' &&
      facts.runs.size === 0 &&
      status.reasons.some(({ reason }) => reason === 'planned');
    if (!lies) {
      this.#since = undefined;
      return;
    }
    this.#since ??= clock.now();
    const waited = clock.now() - this.#since;
    this.require(waited <= PATIENCE_MS, () => `planned for ${waited} ms, and nothing began`);
  }
}

/** Nothing happens behind everyone's back. */
export class StrayRule extends Rule {
  readonly name = 'no rejection is unhandled, and no warning given';

  override hear(event: JournalEvent): void {
    this.require(event.type !== 'stray', () => (event.type === 'stray' ? event.text : ''));
  }
}
