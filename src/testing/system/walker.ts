import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';
import type { SegmentInfo } from '../../services/ports.js';
import { dice } from '../dice.js';
import { stateName } from '../names.js';
import { type Candidate, candidates } from './candidates.js';
import type { GatedCall } from './port-gates.js';
import { eventsOf, kindOf, type Step } from './steps.js';
import type { HoldingPlan, System } from './system.js';

/** How much likelier a step is that may take a transition nobody has taken where the system stands. */
const NEWS = 16;
/** The same for one that may lead to where there are such transitions. */
const HOPE = 4;

/** Of a hundred calls, those that wait for a step; chosen anew for each life, so that lives differ. */
const HELD_PERCENT = [8, 30, 70];
/** Of those that wait, the part that does so whatever their signal says. */
const DEAF_PERCENT = 15;

/**
 * Chooses steps by chance, the same ones for the same seed: the rarer a step was in a situation (the
 * states of all actors together), and the more untaken transitions it may take, the likelier it is.
 */
export class Walker {
  readonly #below: (limit: number) => number;
  readonly #held: (limit: number) => number;
  readonly #seen = new Map<string, number>();
  #heldPercent = 30;
  #marks = 0;

  constructor(seed: number) {
    this.#below = dice(seed);
    this.#held = dice(seed + 1_000_003);
  }

  /** Different steps in different situations so far. */
  get situations(): number {
    return this.#seen.size;
  }

  /** What becomes of a call. */
  readonly plan = ({ site }: GatedCall): HoldingPlan => {
    if (site === 'wal.open') this.#heldPercent = HELD_PERCENT[this.#held(3)] ?? 30;
    if (this.#held(100) >= this.#heldPercent) return 'auto';
    return this.#held(100) < DEAF_PERCENT ? 'deaf' : 'hold';
  };

  next<Op, Info extends SegmentInfo>(system: System<Op, Info>): Step {
    const actors = snapshots(system.callers.handler.actor.getSnapshot());
    const situation = actors.map(({ value }) => stateName(value)).join(' | ');
    const wanted = actors.flatMap((snapshot) => [...system.taken.wanted(snapshot)]);
    // Little is left where others have been: what is far is then worth more than all the rest.
    const { taken } = system;
    const leading = taken.isLate ? actors.flatMap((one) => [...taken.leading(one)]) : [];
    const anywhere = taken.isLate ? [...taken.wantedAnywhere()] : wanted;
    const mark = `${this.#marks}`;
    const open = candidates(system, () => mark);
    const weights = open.map(({ step, weight }) => {
      const seen = this.#seen.get(`${situation} ${kindOf(step)}`) ?? 0;
      const brings = (types: readonly string[]) =>
        eventsOf(step).some((type) => types.some((one) => one.startsWith(type)));
      // What is scripted strikes later, wherever the system is then.
      const isNews = brings(step.step === 'fail' ? anywhere : wanted);
      const news = isNews ? NEWS : brings(leading) ? HOPE : 1;
      return (weight * news) / (1 + seen / 2);
    });
    const step = this.#pick(open, weights);
    const key = `${situation} ${kindOf(step)}`;
    this.#seen.set(key, (this.#seen.get(key) ?? 0) + 1);
    if (step.step === 'submit') this.#marks += 1;
    return step;
  }

  #pick(open: readonly Candidate[], weights: readonly number[]): Step {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    let left = (this.#below(2 ** 30) / 2 ** 30) * total;
    for (const [at, { step }] of open.entries()) {
      left -= weights[at] ?? 0;
      if (left < 0) return step;
    }
    throw new TypeError('there is always a step');
  }
}

/** The snapshots of the root and of the machines among its descendants. */
function snapshots(root: AnyMachineSnapshot): AnyMachineSnapshot[] {
  const all = [root];
  for (const { children } of all) {
    for (const child of Object.values<AnyActorRef | undefined>(children)) {
      const snapshot: unknown = child?.getSnapshot();
      if (isMachine(snapshot)) all.push(snapshot);
    }
  }
  return all;
}

function isMachine(snapshot: unknown): snapshot is AnyMachineSnapshot {
  return typeof snapshot === 'object' && snapshot !== null && '_nodes' in snapshot;
}
