import type { AnyMachineSnapshot, AnyTransitionDefinition, InspectionEvent } from 'xstate';
import { nameOf, transitions } from '../../charts/definition.js';
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

/** Which transitions of the charts a system has taken; made of what XState tells an inspector. */
export class TransitionsTaken {
  readonly #names = new Set<string>();
  /** Names by definition: an actor's machine is made anew with each handler, its names are not. */
  readonly #known = new WeakMap<AnyTransitionDefinition, string>();

  /** Give this to the update handler as its option `inspect`. */
  readonly inspect = (event: InspectionEvent): void => {
    if (event.type !== '@xstate.microstep') return;
    for (const transition of event._transitions) this.#names.add(this.#nameOf(transition));
  };

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** Types of events of which a snapshot's active states have transitions that were never taken. */
  wanted(snapshot: AnyMachineSnapshot): Set<string> {
    const types = new Set<string>();
    for (const node of snapshot._nodes) {
      for (const [type, offered] of node.transitions) {
        if (offered.some((one) => !this.#names.has(this.#nameOf(one)))) types.add(type);
      }
    }
    return types;
  }

  #nameOf(transition: AnyTransitionDefinition): string {
    const name = this.#known.get(transition) ?? nameOf(transition);
    this.#known.set(transition, name);
    return name;
  }
}

/** The names of all transitions of the five charts. */
export function chartTransitions(): string[] {
  return [...new Set(MACHINES.flatMap((machine) => transitions(machine)).map(nameOf))].sort();
}
