import type { AnyStateMachine, AnyTransitionDefinition, InspectionEvent } from 'xstate';
import { nameOf, transitions } from '../../charts/definition.js';
import { flushWorkerMachine } from '../../machines/flush-worker.js';
import { optimizationTaskMachine } from '../../machines/optimization-task.js';
import { optimizerSchedulerMachine } from '../../machines/optimizer-scheduler.js';
import { updateHandlerMachine } from '../../machines/update-handler.js';
import { updateWorkerMachine } from '../../machines/update-worker.js';

const MACHINES: readonly AnyStateMachine[] = [
  updateHandlerMachine,
  updateWorkerMachine,
  optimizerSchedulerMachine,
  optimizationTaskMachine,
  flushWorkerMachine,
];

/** Which transitions of the five charts have been taken, over any number of runs. */
export class TransitionsTaken {
  readonly #taken = new Set<string>();
  readonly #all = new Set(MACHINES.flatMap((machine) => transitions(machine).map(nameOf)));

  /** Receives XState's inspection events. */
  readonly inspect = (event: InspectionEvent): void => {
    if (event.type !== '@xstate.microstep') return;
    const { _transitions } = event as { _transitions?: readonly AnyTransitionDefinition[] };
    for (const transition of _transitions ?? []) {
      const name = nameOf(transition);
      if (this.#all.has(name)) this.#taken.add(name);
    }
  };

  get total(): number {
    return this.#all.size;
  }

  /** Names of those that were never taken. */
  get missing(): string[] {
    return [...this.#all].filter((name) => !this.#taken.has(name));
  }
}
