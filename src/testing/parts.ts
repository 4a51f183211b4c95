import type { AnyStateMachine } from 'xstate';
import { actorName, stateNodes } from '../charts/definition.js';
import type { Exploration } from './exploration.js';
import type { Graph } from './graph.js';

/** What an exploration and a driver speak of: events from outside and children, by their names. */
export interface Parts {
  events: readonly string[];
  children: readonly string[];
}

/** The events that a definition takes from outside, and the children that it invokes. */
export function partsOf(machine: AnyStateMachine): Parts {
  const nodes = stateNodes(machine);
  const types = nodes.flatMap((node) => [...node.transitions.keys()]);
  const children = nodes.flatMap(({ invoke }) =>
    invoke.map((one) => (isMadeUp(one.id) ? actorName(one) : childName(one.id))),
  );
  return {
    events: sorted(types.filter((type) => !type.startsWith('xstate.') && !type.includes('*'))),
    children: sorted(children),
  };
}

/** The events from outside and the children that a graph has met: those that a driver is asked for. */
export function partsMet({ edges, ignored }: Graph): Parts {
  const of = (origin: string) =>
    [...edges, ...ignored].filter(({ by }) => by === origin).map(({ event }) => event);
  return {
    events: sorted(of('outside').map(({ type }) => type)),
    children: sorted(of('child').map(({ actorId }) => childName(String(actorId)))),
  };
}

/** An exploration from names alone: each event without a payload; children end once well, once badly. */
export function plainExploration({ events }: Parts): Exploration {
  return { events: events.map((type) => ({ type })) };
}

/** The name under which a driver knows a child: the part of its id before the first dot. */
function childName(id: string): string {
  return isMadeUp(id) ? id : (id.split('.')[0] ?? id);
}

/** An id made by XState, `0.door.unlocking`, begins with a number that names nothing. */
const isMadeUp = (id: string) => /^\d+\./.test(id);

const sorted = (names: readonly string[]) => [...new Set(names)].sort();
