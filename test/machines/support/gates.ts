import { type AnyStateMachine, fromPromise } from 'xstate';

interface Gate {
  resolve: (output: unknown) => void;
  reject: (error: unknown) => void;
}

/** Effects that end when the test says so, by actor id. */
export class Gates {
  readonly #open = new Map<string, Gate>();

  /** The machine with a gate in the place of each actor that it names. */
  guard(machine: AnyStateMachine): AnyStateMachine {
    const names = Object.keys(machine.implementations.actors);
    const gate = fromPromise<unknown, unknown>(
      ({ self }) => new Promise((resolve, reject) => this.#open.set(self.id, { resolve, reject })),
    );
    return machine.provide({ actors: Object.fromEntries(names.map((name) => [name, gate])) });
  }

  resolve(actorId: string, output: unknown): void {
    this.#take(actorId).resolve(output);
  }

  reject(actorId: string, error: unknown): void {
    this.#take(actorId).reject(error);
  }

  /** What is still open belongs to an actor that is gone. */
  forget(): void {
    this.#open.clear();
  }

  #take(actorId: string): Gate {
    const gate = this.#open.get(actorId);
    if (gate === undefined) throw new Error(`${actorId} is not running`);
    this.#open.delete(actorId);
    return gate;
  }
}
