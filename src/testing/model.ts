import type {
  AnyActorRef,
  AnyActorScope,
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  AnyTransitionDefinition,
} from 'xstate';
import { createActor, createEmptyActor, fromCallback, fromPromise } from 'xstate';
import { nameOf } from '../charts/definition.js';
import { errorText, SluiceError } from '../errors.js';
import { type ExecutedAction, executedAction } from './executed.js';
import type { ChildEnds, Exploration, Offer } from './exploration.js';
import { hold } from './hold.js';
import { eventText, stateName } from './names.js';
import { type Plain, plain } from './plain.js';

/** A timer that has been set; `id` is what cancels it. */
export interface Timer {
  event: AnyEventObject;
  delayMs: number;
  id: string | undefined;
}

/** A machine at rest, with what its snapshot doesn't show. */
export interface ModelState {
  snapshot: AnyMachineSnapshot;
  timers: readonly Timer[];
  /** Children that have ended but were not stopped: they stay among the snapshot's children. */
  ended: ReadonlySet<string>;
  /** Its picture as JSON. */
  key: string;
}

/** What an event has led to. */
export interface Move {
  state: ModelState;
  /** The transitions of the definition that were taken, the eventless ones that followed included. */
  taken: readonly AnyTransitionDefinition[];
  /** The actions that were executed, in order. */
  executed: readonly ExecutedAction[];
  /** Ids of the state nodes that were active on the way. */
  passed: ReadonlySet<string>;
}

/** What tells one state from another, as it is compared and shown. */
export interface Picture {
  status: string;
  value: Plain;
  context: Plain;
  /** Ids of the children, sorted; one that has ended with a mark. */
  children: readonly string[];
  /** Events that pending timers bring, sorted; each once, or timers that pile up had no end. */
  timers: readonly string[];
  history: Plain;
}

/** More of them in answer to one event are taken for a circle without end. */
const MICROSTEPS_MAX = 5000;
const noChild = fromPromise<never>(() => new Promise<never>(() => {}));
const itself = fromCallback(() => {});
const FAILURE: readonly unknown[] = [new Error('it failed')];
const NOTHING: readonly unknown[] = [undefined];

/** A machine as a function from state and event to state. Nothing runs: no effect, no child, no timer. */
export class Model {
  readonly machine: AnyStateMachine;
  readonly options: Exploration;
  readonly #contexts = new WeakMap<object, Plain>();
  #scope: AnyActorScope | undefined;
  /** Where the step that is being taken leaves its traces. */
  #watch: Watch = { taken: [], executed: [], passed: new Set(), timers: [], microsteps: 0 };

  constructor(machine: AnyStateMachine, options: Exploration) {
    this.machine = hold(machine, noChild);
    this.options = options;
  }

  initial(): Move {
    const start = (scope: AnyActorScope): AnyMachineSnapshot =>
      this.machine.getInitialSnapshot(scope, this.options.input);
    return this.#move(undefined, undefined, start);
  }

  next(state: ModelState, offer: Offer): Move {
    return this.#move(state, offer, (scope) =>
      this.machine.transition(state.snapshot, offer.event, scope),
    );
  }

  /** What may come in a state: from children, from timers, as replies, and from outside. */
  offers(state: ModelState): Offer[] {
    const { snapshot, timers } = state;
    if (snapshot.status !== 'active') return [];
    const { events, replies } = this.options;
    const outside: readonly AnyEventObject[] =
      typeof events === 'function' ? events(snapshot) : events;
    return [
      ...this.#ends(state),
      ...timers.map(({ event }) => ({ event, by: 'timer' as const })),
      ...(replies?.(snapshot) ?? []).map((event) => ({ event, by: 'reply' as const })),
      ...outside.map((event) => ({ event, by: 'outside' as const })),
    ];
  }

  /** What is compared of a state; children and timers are given, as a real actor has its own. */
  picture(
    snapshot: AnyMachineSnapshot,
    ended: (id: string) => boolean,
    timers: readonly Timer[],
  ): Picture {
    const isActive = snapshot.status === 'active';
    const children = isActive ? Object.keys(snapshot.children).sort() : [];
    const coming = timers.map(({ event }) => JSON.stringify(event));
    const history = Object.entries(snapshot.historyValue as Record<string, { id: string }[]>);
    return {
      status: snapshot.status,
      value: snapshot.value,
      context: this.#contextOf(snapshot),
      children: children.map((id) => (ended(id) ? `${id} (ended)` : id)),
      timers: isActive ? [...new Set(coming)].sort() : [],
      history: Object.fromEntries(history.map(([id, nodes]) => [id, nodes.map((node) => node.id)])),
    };
  }

  pictureOf({ snapshot, ended, timers }: ModelState): Picture {
    return this.picture(snapshot, (id) => ended.has(id), timers);
  }

  #contextOf(snapshot: AnyMachineSnapshot): Plain {
    const context: object = snapshot.context;
    if (this.#contexts.has(context)) return this.#contexts.get(context);
    const { project } = this.options;
    const made = plain(project === undefined ? context : project(context), 'context');
    this.#contexts.set(context, made);
    return made;
  }

  #ends({ snapshot, ended }: ModelState): Offer[] {
    return Object.entries(snapshot.children as Record<string, AnyActorRef>).flatMap(
      ([actorId, child]) => {
        if (ended.has(actorId)) return [];
        const { outputs = NOTHING, errors = FAILURE } = this.#childEnds(actorId, child);
        const all = (of: typeof outputs) =>
          typeof of === 'function' ? of(snapshot.context, snapshot) : of;
        const done = `xstate.done.actor.${actorId}`;
        const failed = `xstate.error.actor.${actorId}`;
        return [
          ...all(outputs).map((output) => ({ type: done, actorId, output })),
          ...all(errors).map((error) => ({ type: failed, actorId, error })),
        ].map((event) => ({ event, by: 'child' as const }));
      },
    );
  }

  #childEnds(actorId: string, { src }: AnyActorRef): ChildEnds<unknown> {
    const { children = {} } = this.options;
    const [family = actorId] = actorId.split('.');
    const named = typeof src === 'string' ? children[src] : undefined;
    return children[actorId] ?? children[family] ?? named ?? {};
  }

  #move(
    before: ModelState | undefined,
    offer: Offer | undefined,
    take: (scope: AnyActorScope) => AnyMachineSnapshot,
  ): Move {
    const taken: AnyTransitionDefinition[] = [];
    const executed: ExecutedAction[] = [];
    const passed = new Set<string>();
    const timers = [...(before?.timers ?? [])];
    const died = (cause: unknown) => {
      const where = before === undefined ? 'its start' : stateName(before.snapshot.value);
      const why = offer === undefined ? '' : ` of ${eventText(offer.event)}`;
      return notExplorable(this.machine, `died in ${where}${why}: ${errorText(cause)}`, cause);
    };
    if (offer?.by === 'timer') fire(timers, offer.event);
    this.#watch = { taken, executed, passed, timers, microsteps: 0 };
    // A system in which an id has been given would refuse it the next time.
    if (this.#scope === undefined || Object.keys(this.#scope.system.getAll()).length > 0) {
      this.#scope = this.#newScope();
    }
    const scope = this.#scope;
    let snapshot: AnyMachineSnapshot;
    try {
      snapshot = take(scope);
    } catch (cause) {
      throw died(cause);
    }
    if (before === undefined && snapshot.status === 'error') throw died(snapshot.error);
    for (const { id } of snapshot._nodes) passed.add(id);
    this.#refuseUnknown(snapshot);
    const ended = endedAfter(before, taken.length > 0 ? offer : undefined, snapshot);
    const state = { snapshot, timers, ended, key: '' };
    state.key = JSON.stringify(this.pictureOf(state));
    return { state, taken, executed, passed };
  }

  /** The surroundings of a step: nothing is executed, but it is seen what would be. */
  #newScope(): AnyActorScope {
    const parent = createEmptyActor();
    const self = createActor(itself, { parent, id: this.machine.id });
    self.system.inspect((step) => {
      if (step.type !== '@xstate.microstep') return;
      this.#watch.taken.push(...step._transitions);
      if (++this.#watch.microsteps > MICROSTEPS_MAX) throw endless(this.#watch.taken);
      for (const { id } of (step.snapshot as AnyMachineSnapshot)._nodes) this.#watch.passed.add(id);
    });
    return {
      self,
      id: self.id,
      sessionId: self.sessionId,
      system: self.system,
      logger: () => {},
      defer: () => {},
      emit: () => {},
      stopChild: () => {},
      actionExecutor: ({ type, params }) => {
        const { timers } = this.#watch;
        this.#watch.executed.push(executedAction(type, params, self));
        if (type === 'xstate.cancel') cancel(timers, (params as Cancelled).sendId);
        if (type !== 'xstate.raise' && type !== 'xstate.sendTo') return;
        const { event, delay, id, to = self } = params as Delayed;
        if (typeof delay === 'number' && to === self) timers.push({ event, delayMs: delay, id });
      },
    };
  }

  #refuseUnknown({ children }: AnyMachineSnapshot): void {
    const unknown = Object.keys(children).find((id) => children[id] === undefined);
    if (unknown !== undefined) {
      throw notExplorable(this.machine, `has no actor for ${unknown}: name its logic in setup`);
    }
    const nameless = Object.keys(children).find((id) => /^x:\d+$/.test(id));
    if (nameless === undefined) return;
    const { src } = children[nameless] as AnyActorRef;
    const what = typeof src === 'string' ? src : 'an actor';
    throw notExplorable(this.machine, `spawns ${what} without an id, so no state comes twice`);
  }
}

interface Watch {
  taken: AnyTransitionDefinition[];
  executed: ExecutedAction[];
  passed: Set<string>;
  timers: Timer[];
  microsteps: number;
}

interface Cancelled {
  sendId: string;
}

interface Delayed {
  event: AnyEventObject;
  delay?: number;
  id?: string;
  to?: unknown;
}

function cancel(timers: Timer[], id: string): void {
  // As XState does it: of several timers with one id the newest is meant.
  const at = timers.findLastIndex((timer) => timer.id === id);
  if (at >= 0) timers.splice(at, 1);
}

function fire(timers: Timer[], event: AnyEventObject): void {
  const wanted = JSON.stringify(event);
  const at = timers.findIndex((timer) => JSON.stringify(timer.event) === wanted);
  if (at >= 0) timers.splice(at, 1);
}

/** XState itself would go round such a circle for ever. */
function endless(taken: readonly AnyTransitionDefinition[]): Error {
  const circle = new Set(taken.slice(-MICROSTEPS_MAX / 2).map(nameOf));
  return new Error(`it never comes to rest, but goes round by ${[...circle].join('; ')}`);
}

/** A child that has ended stays a child until it is stopped or another takes its id. */
function endedAfter(
  before: ModelState | undefined,
  offer: Offer | undefined,
  { children }: AnyMachineSnapshot,
): ReadonlySet<string> {
  if (before === undefined) return new Set();
  const newly = offer?.by === 'child' ? [String(offer.event.actorId)] : [];
  const candidates = [...before.ended, ...newly];
  return new Set(
    candidates.filter((id) => id in children && children[id] === before.snapshot.children[id]),
  );
}

export function notExplorable(machine: AnyStateMachine, text: string, cause?: unknown) {
  return new SluiceError('SLUICE_NOT_EXPLORABLE', `${machine.id} ${text}`, { cause });
}
