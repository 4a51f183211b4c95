import {
  type AnyActorRef,
  type AnyEventObject,
  type AnyMachineSnapshot,
  createActor,
  createMachine,
} from 'xstate';
import { systemClock } from '../services/clock.js';
import type { Driver } from './driver.js';
import { type ExecutedAction, executedAction } from './executed.js';
import { Gates } from './gates.js';
import type { Edge, Graph } from './graph.js';
import { HeldClock } from './held-clock.js';
import type { Model, Picture, Timer } from './model.js';

const NAME = 'actor';

/** A real actor whose children, timers and parent are in the hands of a path. */
export class Stage {
  readonly actor: AnyActorRef;
  /** What the actor has sent to its parent. */
  readonly told: AnyEventObject[] = [];
  /** The actions that the actor has executed in the present step. */
  executed: ExecutedAction[] = [];
  readonly #gates = new Gates();
  readonly #clock = new HeldClock();
  readonly #driver: Driver;
  readonly #model: Model;
  readonly #host: AnyActorRef;

  constructor({ machine, model }: Graph, driver: Driver) {
    this.#driver = driver;
    this.#model = model;
    const { actors: _, ...provided } = driver.provide ?? {};
    const held = this.#gates.hold((driver.machine ?? machine).provide(provided));
    const host = createMachine({
      invoke: { id: model.machine.id, src: NAME, input: () => model.options.input },
      on: { '*': { actions: ({ event }) => this.#hear(event) } },
    }).provide({ actors: { [NAME]: held } });
    this.#host = createActor(host, { clock: this.#clock });
    this.actor = this.#host.getSnapshot().children[model.machine.id];
    // No timer is set before the start.
    this.#clock.watch(this.actor);
    this.actor.system.inspect((step) => {
      if (step.type !== '@xstate.action' || step.actorRef !== this.actor) return;
      const { type, params } = step.action;
      this.executed.push(executedAction(type, params, this.actor));
    });
  }

  async start(): Promise<void> {
    this.#host.start();
    await this.#settle();
  }

  stop(): void {
    this.#host.stop();
  }

  /** Brings the event of an edge about, and waits until it has worked. False: it could not come. */
  async take({ event, by }: Edge): Promise<boolean> {
    this.executed = [];
    const came = await this.#bring(event, by);
    await this.#settle();
    return came;
  }

  get snapshot(): AnyMachineSnapshot {
    return this.actor.getSnapshot();
  }

  picture(): Picture {
    const { snapshot } = this;
    const ended = (id: string) =>
      ['done', 'error'].includes(snapshot.children[id]?.getSnapshot().status ?? '');
    return this.#model.picture(snapshot, ended, this.timers());
  }

  timers(): Timer[] {
    return this.#clock.pending();
  }

  async #bring(event: AnyEventObject, by: Edge['by']): Promise<boolean> {
    if (by === 'child') return this.#end(event);
    if (by === 'timer') return this.#clock.fire(event);
    const bring = this.#driver.events?.[event.type];
    if (bring === undefined) this.actor.send(event);
    else await bring(event, this.actor);
    return true;
  }

  async #end({ type, actorId, output, error }: AnyEventObject): Promise<boolean> {
    const id = String(actorId);
    const gate = this.#gates.take(id);
    if (gate === undefined) return false;
    const isGood = type.startsWith('xstate.done.');
    const [family = id] = id.split('.');
    const effect = this.#driver.effects?.[id] ?? this.#driver.effects?.[family];
    if (effect === undefined) {
      if (isGood) gate.resolve(output);
      else gate.reject(error);
      return true;
    }
    const { input, signal } = gate;
    try {
      gate.resolve(await effect({ id, input, signal, ...(isGood ? { output } : { error }) }));
    } catch (thrown) {
      gate.reject(thrown);
    }
    return true;
  }

  #hear(event: AnyEventObject): void {
    if (!/^xstate\.(done|error|init)/.test(event.type)) this.told.push(event);
  }

  /** Every promise that can go on without time has done so. */
  #settle(): Promise<void> {
    return systemClock.yield();
  }
}
