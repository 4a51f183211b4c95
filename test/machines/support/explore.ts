// The only file that knows `@xstate/graph`, so that a move to `xstate/graph` is a change of one line.
import { getAdjacencyMap } from '@xstate/graph';
import type {
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  AnyTransitionDefinition,
} from 'xstate';
import { type Edge, Graph } from './graph.js';

export type Inputs = Record<string, unknown>;

/** How a machine is explored. */
export interface Exploration {
  input?: Inputs;
  /** What the world outside may send in any state. */
  external: readonly AnyEventObject[];
  /** What a child may end with; by its actor id, without the part after a dot. @default undefined */
  outputs?: Record<string, (context: Inputs) => readonly unknown[]>;
  /** Children that never fail, by actor id without the part after a dot. @default none */
  neverFails?: readonly string[];
  /** Events that come by themselves, but from no child and no timer that a snapshot shows. */
  promised?: (snapshot: AnyMachineSnapshot) => readonly AnyEventObject[];
  /** The part of the context that decides anything; run numbers and actors are left out. */
  project: (context: Inputs) => unknown;
  /** The exploration fails above this many transitions. @default 60,000 */
  limit?: number;
}

/** What tells one state of an exploration from another. */
export function keyOf(snapshot: AnyMachineSnapshot, project: Exploration['project']): string {
  const children = Object.keys(snapshot.children).sort();
  const context: Inputs = snapshot.context;
  return JSON.stringify([snapshot.status, snapshot.value, project(context), children]);
}

/** The events that will come without anybody asking: from children and from timers. */
export function armedEvents(snapshot: AnyMachineSnapshot, how: Exploration): AnyEventObject[] {
  if (snapshot.status !== 'active') return [];
  const events: AnyEventObject[] = [];
  for (const actorId of Object.keys(snapshot.children)) {
    const [name = actorId] = actorId.split('.');
    const outputs = how.outputs?.[name]?.(snapshot.context) ?? [undefined];
    for (const output of outputs) {
      events.push({ type: `xstate.done.actor.${actorId}`, actorId, output });
    }
    if (how.neverFails?.includes(name)) continue;
    events.push({ type: `xstate.error.actor.${actorId}`, actorId, error: 'it failed' });
  }
  for (const node of snapshot._nodes) {
    for (const { eventType } of node.after) events.push({ type: eventType });
  }
  return [...events, ...(how.promised?.(snapshot) ?? [])];
}

/** Walks through every state that the events can lead to. Nothing runs: no effect, no timer. */
export function explore(machine: AnyStateMachine, how: Exploration): Graph {
  const edges: Edge[] = [];
  const passed = new Set<string>();
  const keys = new WeakMap<AnyMachineSnapshot, string>();
  const key = (snapshot: AnyMachineSnapshot) => {
    const known = keys.get(snapshot) ?? keyOf(snapshot, how.project);
    keys.set(snapshot, known);
    return known;
  };
  let armed = new Set<AnyEventObject>();
  let initial: AnyMachineSnapshot | undefined;

  const transition: AnyStateMachine['transition'] = (snapshot, event, scope) => {
    const taken: AnyTransitionDefinition[] = [];
    const inspection = scope.system.inspect((step) => {
      if (step.type !== '@xstate.microstep') return;
      taken.push(...step._transitions);
      for (const { id } of (step.snapshot as AnyMachineSnapshot)._nodes) passed.add(id);
    });
    try {
      const target: AnyMachineSnapshot = machine.transition(snapshot, event, scope);
      const fields = { source: snapshot, event, target, taken, armed: armed.has(event) };
      edges.push({ from: key(snapshot), to: key(target), ...fields });
      return target;
    } catch (cause) {
      const where = JSON.stringify(snapshot.value);
      throw new Error(`${machine.id} died in ${where} of ${event.type}: ${cause}`, { cause });
    } finally {
      inspection.unsubscribe();
    }
  };
  const logic = {
    transition,
    getInitialSnapshot: (scope: Parameters<AnyStateMachine['getInitialSnapshot']>[0]) => {
      const snapshot: AnyMachineSnapshot = machine.getInitialSnapshot(scope, how.input);
      initial = snapshot;
      for (const { id } of snapshot._nodes) passed.add(id);
      return snapshot;
    },
    getPersistedSnapshot: machine.getPersistedSnapshot.bind(machine),
  };
  getAdjacencyMap(logic, {
    limit: how.limit ?? 160_000,
    serializeState: key,
    events: (snapshot) => {
      if (snapshot.status !== 'active') return [];
      const own = armedEvents(snapshot, how);
      armed = new Set(own);
      return [...own, ...how.external];
    },
  });
  if (initial === undefined) throw new Error(`${machine.id} was not explored`);
  return new Graph({ machine, initial, initialKey: key(initial), edges, passed });
}
