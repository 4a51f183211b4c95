import type {
  AnyMachineSnapshot,
  AnyStateNode,
  AnyTransitionDefinition,
  InspectionEvent,
} from 'xstate';
import { nameOf, nodesBelow, transitions } from '../../charts/definition.js';
import { flushWorkerMachine } from '../../machines/flush-worker.js';
import { optimizationTaskMachine } from '../../machines/optimization-task.js';
import { optimizerSchedulerMachine } from '../../machines/optimizer-scheduler.js';
import { updateHandlerMachine } from '../../machines/update-handler.js';
import { updateWorkerMachine } from '../../machines/update-worker.js';

/** The five charts of the core. */
const MACHINES = [
  updateHandlerMachine,
  updateWorkerMachine,
  optimizerSchedulerMachine,
  optimizationTaskMachine,
  flushWorkerMachine,
];
const NODES = MACHINES.flatMap((machine) => nodesBelow(machine.root));
/** Names by definition, for all systems: their actors run the same machines. */
const NAMES = new WeakMap<AnyTransitionDefinition, string>();

/** Which transitions of the charts a system has taken; made of what XState tells an inspector. */
export class TransitionsTaken {
  readonly #names = new Set<string>();
  readonly #known: ReadonlySet<string>;

  /** `known`: names of those that nobody wants taken any more. */
  constructor(known: Iterable<string> = []) {
    this.#known = new Set(known);
  }

  /** Give this to the update handler as its option `inspect`. */
  readonly inspect = (event: InspectionEvent): void => {
    if (event.type !== '@xstate.microstep') return;
    for (const transition of event._transitions) this.#names.add(nameIn(transition));
  };

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** True when others have been here before, who have told what they took. */
  get isLate(): boolean {
    return this.#known.size > 0;
  }

  /** Types of events of which a snapshot's active states have transitions that were never taken. */
  wanted(snapshot: AnyMachineSnapshot): Set<string> {
    return this.#untaken(snapshot._nodes);
  }

  /** As `wanted`, of all states of the charts: some last for less than a turn, and are in no snapshot. */
  wantedAnywhere(): Set<string> {
    return this.#untaken(NODES);
  }

  /** Types of events that may lead a snapshot to states that have such transitions. */
  leading(snapshot: AnyMachineSnapshot): Set<string> {
    const leads = ({ target = [] }: AnyTransitionDefinition) =>
      target.some((node: AnyStateNode) => this.#untaken(nodesBelow(node)).size > 0);
    return typesOf(snapshot._nodes, leads);
  }

  #untaken(nodes: readonly AnyStateNode[]): Set<string> {
    return typesOf(nodes, (one) => this.#isUntaken(one));
  }

  #isUntaken(transition: AnyTransitionDefinition): boolean {
    const name = nameIn(transition);
    return !this.#names.has(name) && !this.#known.has(name);
  }
}

/** The name of a transition, found out once. */
function nameIn(transition: AnyTransitionDefinition): string {
  const known = NAMES.get(transition);
  if (known !== undefined) return known;
  const name = nameOf(transition);
  NAMES.set(transition, name);
  return name;
}

function typesOf(
  nodes: readonly AnyStateNode[],
  isMeant: (transition: AnyTransitionDefinition) => boolean,
): Set<string> {
  const offered = nodes.flatMap((node) => [...node.transitions]);
  return new Set(offered.flatMap(([type, all]) => (all.some(isMeant) ? [type] : [])));
}

/** The names of all transitions of the five charts. */
export function chartTransitions(): string[] {
  return [...new Set(MACHINES.flatMap((machine) => transitions(machine)).map(nameOf))].sort();
}
