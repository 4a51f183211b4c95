// The only file that knows `@xstate/graph`, so that a move to `xstate/graph` is a change of one line.
import { getAdjacencyMap } from '@xstate/graph';
import type { AnyEventObject, AnyStateMachine, Snapshot } from 'xstate';
import { checkExploration, type Exploration } from './exploration.js';
import { type Edge, Graph } from './graph.js';
import { whatGrows } from './growth.js';
import { Model, type ModelState, notExplorable } from './model.js';

const STATES_MAX = 20_000;
const TRANSITIONS_MAX = 400_000;

/** A state as the package walks over it: any actor logic has snapshots with a status. */
type Place = Snapshot<undefined> & { state: ModelState };
/** An event that the package sends to get to a state that is known already. */
type Step = AnyEventObject & { place: Place };

const placeOf = (state: ModelState): Place => ({
  status: 'active',
  output: undefined,
  error: undefined,
  state,
});

/**
 * Walks through every state that the events can lead to, with the ends of children and the delays as
 * events. Nothing runs: no effect, no child, no timer. Works for any machine whose (projected) context
 * is plain and bounded; for others, and for one that throws, `SLUICE_NOT_EXPLORABLE` says why.
 */
export function explore<Machine extends AnyStateMachine>(
  machine: Machine,
  options: Exploration<Machine>,
): Graph {
  checkExploration(machine, options);
  const model = new Model(machine, options);
  const { statesMax = STATES_MAX, transitionsMax = TRANSITIONS_MAX } = options;
  const start = model.initial();
  const passed = new Set(start.passed);
  const states = new Map([[start.state.key, start.state]]);
  const edges: Edge[] = [];

  const leave = (source: ModelState): Step[] => {
    const steps: Step[] = [];
    for (const offer of model.offers(source)) {
      const { event, by } = offer;
      const { state: target, taken, executed, passed: on } = model.next(source, offer);
      for (const id of on) passed.add(id);
      edges.push({
        ...{ from: source.key, to: target.key, source: source.snapshot, target: target.snapshot },
        ...{ event, by, armed: by !== 'outside', taken, executed },
      });
      if (!states.has(target.key)) {
        states.set(target.key, target);
        steps.push({ type: event.type, place: placeOf(target) });
      }
    }
    for (const [count, max, what] of [
      [states.size, statesMax, 'states'],
      [edges.length, transitionsMax, 'transitions'],
    ] as const) {
      if (count <= max) continue;
      const growing = whatGrows(model, states.values());
      throw notExplorable(machine, `has more than ${max} ${what}: ${growing}`);
    }
    return steps;
  };

  getAdjacencyMap(
    {
      transition: (_: Place, event: Step) => event.place,
      getInitialSnapshot: () => placeOf(start.state),
      getPersistedSnapshot: (place: Place) => place,
    },
    {
      serializeState: ({ state }: Place) => state.key,
      serializeEvent: ({ place }: Step) => place.state.key,
      events: ({ state }: Place) => leave(state),
    },
  );
  return new Graph({ model, start, states, edges, passed });
}
