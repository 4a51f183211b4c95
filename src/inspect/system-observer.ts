import type { AnyActorRef, AnyStateMachine, InspectionEvent, Snapshot } from 'xstate';
import { chartOf } from '../charts/chart.js';
import type { Clock } from '../services/clock.js';
import type { InspectMessage } from './messages.js';
import { parentOf, projectEvent, projectSnapshot } from './projection.js';

/** Turns what XState tells of one system, or of several in turn, into messages. */
export class SystemObserver {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #emit: (message: InspectMessage) => void;
  /** Session ids are unique within a system only; these are within all that is observed. */
  readonly #actors = new WeakMap<object, string>();
  readonly #charts = new WeakMap<object, number>();
  #actorCount = 0;
  #chartCount = 0;

  constructor(clock: Pick<Clock, 'now'>, emit: (message: InspectMessage) => void) {
    this.#clock = clock;
    this.#emit = emit;
  }

  /** Give this to `createActor`, or to a store, as the option `inspect`. */
  readonly inspect = (event: InspectionEvent): void => {
    const actor = event.actorRef as AnyActorRef;
    if (event.type === '@xstate.actor') this.#idOf(actor);
    else if (event.type === '@xstate.snapshot') this.#state(actor, event.snapshot);
    else if (event.type === '@xstate.event') {
      this.#event(actor, event.sourceRef as AnyActorRef | undefined, event.event);
    }
  };

  /** Observes a system that runs already, its actors of now first; returns what ends that. */
  attach(root: AnyActorRef): () => void {
    this.#introduce(root);
    const subscription = root.system.inspect(this.inspect);
    return () => subscription.unsubscribe();
  }

  #introduce(actor: AnyActorRef): void {
    const snapshot: Snapshot<unknown> = actor.getSnapshot();
    this.#state(actor, snapshot);
    const { children = {} } = snapshot as { children?: Record<string, AnyActorRef> };
    for (const child of Object.values(children)) this.#introduce(child);
  }

  #state(actor: AnyActorRef, snapshot: Snapshot<unknown>): void {
    const state = { actor: this.#idOf(actor), ...projectSnapshot(snapshot) };
    this.#emit({ type: 'state', at: this.#clock.now(), ...state });
  }

  #event(actor: AnyActorRef, source: AnyActorRef | undefined, event: { type: string }): void {
    const data = projectEvent(event);
    this.#emit({
      type: 'event',
      at: this.#clock.now(),
      actor: this.#idOf(actor),
      from: source === undefined ? null : this.#idOf(source),
      name: event.type,
      ...(data === undefined ? {} : { data }),
    });
  }

  /** The name of an actor in messages; one that is new is announced, after its parent. */
  #idOf(ref: AnyActorRef): string {
    const known = this.#actors.get(ref);
    if (known !== undefined) return known;
    const parentRef = parentOf(ref);
    const parent = parentRef === undefined ? null : this.#idOf(parentRef);
    this.#actorCount += 1;
    const actor = `a${this.#actorCount}`;
    this.#actors.set(ref, actor);
    const chart = this.#chartOf((ref as { logic?: unknown }).logic);
    const at = this.#clock.now();
    this.#emit({ type: 'actor', at, actor, name: nameOf(ref), parent, chart });
    return actor;
  }

  #chartOf(logic: unknown): number | null {
    if (!isMachine(logic)) return null;
    const known = this.#charts.get(logic);
    if (known !== undefined) return known;
    this.#chartCount += 1;
    this.#charts.set(logic, this.#chartCount);
    const chart = this.#chartCount;
    this.#emit({ type: 'chart', at: this.#clock.now(), chart, root: chartOf(logic) });
    return chart;
  }
}

/** XState makes up the id of an actor that was given none; the machine's own says more. */
function nameOf(actor: AnyActorRef): string {
  const { logic } = actor as { logic?: unknown };
  return actor.id === actor.sessionId && isMachine(logic) ? logic.id : actor.id;
}

function isMachine(logic: unknown): logic is AnyStateMachine {
  return typeof logic === 'object' && logic !== null && 'root' in logic && 'config' in logic;
}
