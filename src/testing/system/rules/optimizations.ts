import type { Facts } from '../facts.js';
import type { JournalEvent, Site } from '../journal.js';
import { Rule, type Watched } from './rule.js';

const ORDER: readonly Site[] = ['run.copy', 'run.index', 'run.catchUp'];

/** No segment is in two runs; each run goes its way once; nothing stays frozen when none is running. */
export class RunsRule extends Rule {
  readonly name = 'no segment is in two runs, and none stays frozen';
  /** Whether room may have been used up since it was made. */
  #applied = true;

  override hear(event: JournalEvent, facts: Facts): void {
    if (event.type === 'begun' && event.site === 'wal.open') this.#applied = true;
    if (event.type === 'begun' && ORDER.includes(event.site) && 'run' in event.given) {
      const { run } = event.given;
      const phases = facts.runs.get(run)?.phases;
      const isEarlier = (phase: Site) => ORDER.indexOf(phase) < ORDER.indexOf(event.site);
      const goesOn = phases?.every(isEarlier) ?? false;
      this.require(goesOn, () => `run ${run} comes to ${event.site} after ${phases ?? 'its end'}`);
    }
    if (event.type !== 'ended') return;
    switch (event.site) {
      case 'segments.apply':
        this.#applied = true;
        break;
      case 'segments.ensureCapacity':
        this.#applied = false;
        break;
      case 'optimizer.begin': {
        if (!event.got.begun) break;
        const taken = new Set([...facts.runs.values()].flatMap(({ ids }) => ids));
        const twice = event.given.ids.filter((id) => taken.has(id));
        this.require(twice.length === 0, () => `segment ${twice} is in two runs`);
        break;
      }
      case 'run.swap':
      case 'run.rollback': {
        const { run } = event.given;
        this.require(facts.runs.has(run), () => `run ${run} has ended before`);
        break;
      }
      default:
    }
  }

  override look(system: Watched, facts: Facts): void {
    if (!facts.open) return;
    const frozen = system.frozen();
    const running = facts.runs.size;
    if (running === 0) this.require(frozen === 0, () => `${frozen} segments are frozen for nobody`);
    if (this.#applied) return;
    const room = system.segments().some(({ appendable }) => appendable);
    this.require(room, () => 'no segment takes new entries');
  }
}

/** As many runs as the settings allow, and as many permits in use as runs need. */
export class PermitsRule extends Rule {
  readonly name = 'permits are given back, and the limit of runs is kept';
  readonly #slotsAtFirst: number;
  #slots: number;
  readonly #wanted = new Map<number, number>();

  /** `slots`: runs at once by the options that each life begins with. */
  constructor(slots: number) {
    super();
    this.#slotsAtFirst = this.#slots = slots;
  }

  override hear(event: JournalEvent, facts: Facts): void {
    if (event.type === 'life') {
      this.#slots = this.#slotsAtFirst;
      this.#wanted.clear();
    }
    if (event.type === 'asked' && event.kind === 'reconfigure') {
      const { maxOptimizationThreads: slots } = event.facts as { maxOptimizationThreads?: number };
      if (slots !== undefined) this.#wanted.set(event.request, slots);
    }
    if (event.type === 'answered' || event.type === 'refused') {
      // All that were asked are answered together, in their order: the last one is in force.
      if (event.type === 'answered') this.#slots = this.#wanted.get(event.request) ?? this.#slots;
      this.#wanted.delete(event.request);
    }
    if (event.type !== 'ended' || event.site !== 'optimizer.begin' || !event.got.begun) return;
    const most = Math.max(this.#slots, ...this.#wanted.values());
    this.require(facts.runs.size < most, () => `run ${facts.runs.size + 1} of at most ${most}`);
  }

  override look({ handler, foreignPermits }: Watched, facts: Facts): void {
    const { budgets, optimizations } = handler.telemetry();
    const used = {
      io: budgets.io.used - foreignPermits.io,
      cpu: budgets.cpu.used - foreignPermits.cpu,
    };
    this.require(
      facts.runs.size <= optimizations.running,
      () => `${facts.runs.size} runs have frozen segments, ${optimizations.running} are known`,
    );
    // A store that breaks waits for what hangs before it puts everything away.
    const isBreaking = facts.broken !== undefined && facts.underway.size > 0;
    if (optimizations.running > 0 || isBreaking) return;
    this.require(
      used.io === 0 && used.cpu === 0,
      () => `nothing is optimized with ${used.io} I/O and ${used.cpu} CPU permits`,
    );
  }
}
