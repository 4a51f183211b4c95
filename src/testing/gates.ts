import { type AnyStateMachine, fromPromise } from 'xstate';
import { hold } from './hold.js';

/** A child that a path ends when it says so. */
export interface Gate {
  input: unknown;
  /** Fires when the machine has stopped the child or left its state. */
  signal: AbortSignal;
  resolve(output: unknown): void;
  reject(error: unknown): void;
}

/** The children that run, by actor id; none of them does anything until its gate is opened. */
export class Gates {
  readonly #waiting = new Map<string, Gate>();

  /** The machine with a gate in the place of each actor that it names. */
  hold(machine: AnyStateMachine): AnyStateMachine {
    const gate = fromPromise<unknown, unknown>(
      ({ self, input, signal }) =>
        new Promise((resolve, reject) => {
          this.#waiting.set(self.id, { input, signal, resolve, reject });
        }),
    );
    return hold(machine, gate);
  }

  /** Takes the gate of a child; undefined when it doesn't run, or has ended. */
  take(actorId: string): Gate | undefined {
    const gate = this.#waiting.get(actorId);
    this.#waiting.delete(actorId);
    return gate === undefined || gate.signal.aborted ? undefined : gate;
  }
}
