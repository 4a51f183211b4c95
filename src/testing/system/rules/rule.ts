import type { SegmentInfo } from '../../../services/ports.js';
import type { UpdateHandler } from '../../../update-handler.js';
import type { Facts } from '../facts.js';
import type { JournalEvent } from '../journal.js';
import type { PortGates } from '../port-gates.js';
import type { StepClock } from '../step-clock.js';

/** The system as a rule sees it between two steps, when everything is quiet. */
export interface Watched {
  handler: Pick<UpdateHandler<never>, 'actor' | 'state' | 'status' | 'telemetry'>;
  clock: StepClock;
  gates: PortGates;
  /** Permits of the shared budgets that others hold. */
  foreignPermits: { io: number; cpu: number };
  limits: { queueLength: number };
  /** Every entry that readers see. */
  content(): Iterable<readonly [key: string, value: string]>;
  segments(): readonly SegmentInfo[];
  frozen(): number;
}

/** Something that a rule forbids has happened. */
export interface Violation {
  rule: string;
  problem: string;
}

/**
 * An invariant over what happened at the ports and what callers were told. It knows no machine:
 * whatever the charts do, this has to hold.
 */
export abstract class Rule {
  /** What has to hold, in words. */
  abstract readonly name: string;
  readonly violations: Violation[] = [];
  #checks = 0;

  /** How often the rule had something to say. */
  get checks(): number {
    return this.#checks;
  }

  /** An event of the journal; `facts` are those before it. */
  hear(_event: JournalEvent, _facts: Facts): void {}

  /** Everything is quiet. */
  look(_system: Watched, _facts: Facts): void {}

  protected require(holds: boolean, problem: () => string): void {
    this.#checks += 1;
    if (!holds) this.violations.push({ rule: this.name, problem: problem() });
  }
}
