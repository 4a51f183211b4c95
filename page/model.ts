// What the page shows, made of messages one after the other: the same for what happens now and for
// a recording at any of its moments.
import type { ChartState } from '../src/charts/chart.js';
import type {
  ActorMessage,
  EventMessage,
  InspectMessage,
  StateMessage,
  StoreMessage,
} from '../src/inspect/messages.js';

/** Events that are held. */
const EVENTS_MAX = 500;
/** Actors that have ended and are still shown. */
const ENDED_MAX = 8;
/** Points of the plot. */
const RATES_MAX = 600;

export interface ActorView {
  id: string;
  name: string;
  parent: string | null;
  chart: number | null;
  state: StateMessage | undefined;
}

/** An event with the names that its actors had: they may be gone when it is shown. */
export interface EventView extends EventMessage {
  number: number;
  to: string;
  source: string;
}

export interface Model {
  title: string;
  /** Of the first and the last message; 0 before there is one. */
  startedAt: number;
  at: number;
  charts: Map<number, ChartState>;
  actors: Map<string, ActorView>;
  /** The newest last. */
  events: EventView[];
  eventCount: number;
  store: StoreMessage | undefined;
  /** Operations applied a second, by the time in seconds. */
  rates: { at: number[]; perSecond: number[] };
}

export function emptyModel(): Model {
  return {
    ...{ title: '', startedAt: 0, at: 0, charts: new Map(), actors: new Map(), events: [] },
    ...{ eventCount: 0, store: undefined, rates: { at: [], perSecond: [] } },
  };
}

/** Changes the model by what a message tells. */
export function apply(model: Model, message: InspectMessage): void {
  if (model.startedAt === 0) model.startedAt = message.at;
  model.at = Math.max(model.at, message.at);
  switch (message.type) {
    case 'start':
      model.title = message.title;
      break;
    case 'chart':
      model.charts.set(message.chart, message.root);
      break;
    case 'actor':
      addActor(model, message);
      break;
    case 'state':
      setState(model, message);
      break;
    case 'event':
      addEvent(model, message);
      break;
    case 'store':
      setStore(model, message);
      break;
    case 'dropped':
      model.eventCount += message.events;
      break;
  }
}

function addActor(model: Model, { actor: id, name, parent, chart }: ActorMessage): void {
  const twins = [...model.actors.values()].filter(
    (one) => one.name === name && one.parent === parent && id !== one.id,
  );
  for (const twin of twins) {
    // A root that comes again is that of another process: the former one was killed.
    if (parent === null || twin.state?.status !== 'active') remove(model, twin.id);
  }
  model.actors.set(id, { id, name, parent, chart, state: undefined });
}

function setState(model: Model, message: StateMessage): void {
  const actor = model.actors.get(message.actor);
  if (actor === undefined) return;
  actor.state = message;
  if (message.status === 'active') return;
  // A promise that has done its work is nothing to look at any more.
  if (message.status !== 'error' && actor.chart === null) remove(model, actor.id);
  const ended = [...model.actors.values()].filter(
    ({ state, parent }) => parent !== null && state !== undefined && state.status !== 'active',
  );
  for (const { id } of ended.slice(0, Math.max(ended.length - ENDED_MAX, 0))) remove(model, id);
}

function remove(model: Model, id: string): void {
  model.actors.delete(id);
  for (const child of childrenOf(model, id)) remove(model, child.id);
}

export function childrenOf(model: Model, parent: string | null): ActorView[] {
  return [...model.actors.values()].filter((actor) => actor.parent === parent);
}

function addEvent(model: Model, message: EventMessage): void {
  model.eventCount += 1;
  const nameOf = (id: string) => model.actors.get(id)?.name ?? id;
  const to = nameOf(message.actor);
  const source = message.from === null ? '' : nameOf(message.from);
  model.events.push({ ...message, number: model.eventCount, to, source });
  if (model.events.length > 2 * EVENTS_MAX) model.events.splice(0, EVENTS_MAX);
}

function setStore(model: Model, message: StoreMessage): void {
  const { store, rates } = model;
  if (store !== undefined && message.at > store.at) {
    const applied = message.operations.applied - store.operations.applied;
    rates.at.push(message.at / 1000);
    // A store that was opened again counts from 0.
    rates.perSecond.push((Math.max(applied, 0) * 1000) / (message.at - store.at));
    if (rates.at.length > 2 * RATES_MAX) {
      rates.at.splice(0, RATES_MAX);
      rates.perSecond.splice(0, RATES_MAX);
    }
  }
  model.store = message;
}

/** The ids of the states that a machine is in, by its state value. */
export function activeStates(root: ChartState, value: unknown): string[] {
  const inner = (state: ChartState, part: unknown): string[] => {
    const parts =
      typeof part === 'string'
        ? { [part]: undefined }
        : typeof part === 'object' && part !== null
          ? (part as Record<string, unknown>)
          : {};
    return Object.entries(parts).flatMap(([name, deeper]) => {
      const child = state.states.find((one) => one.name === name);
      return child === undefined ? [] : [child.id, ...inner(child, deeper)];
    });
  };
  return inner(root, value);
}
