// What must hold for each of the five machines, over every state that it can come to.
import { describe, expect, it } from 'vitest';
import { CASES } from './support/cases.js';
import { nameOf, stateNodes, transitions } from './support/definition.js';
import { explore } from './support/explore.js';
import { type Edge, type Graph, lineOf } from './support/graph.js';

/** Events of which an actor dies on purpose: its parent restarts it. */
const INTENDED_CRASHES: Record<string, string[]> = {
  updateWorker: ['xstate.error.actor.applier', 'xstate.error.actor.drain'],
};

const ended = (edge: Edge) => edge.target.status !== 'active';

/** States in which a machine has not ended but a Stop, if it has any effect, has been sent. */
function afterStop(graph: Graph): Set<string> {
  const stops = graph.edges.filter((edge) => edge.event.type === 'Stop');
  const ignored = graph.ignored.filter((edge) => edge.event.type === 'Stop');
  const targets = [...stops, ...ignored].filter((edge) => !ended(edge)).map((edge) => edge.to);
  return new Set(targets);
}

for (const [name, make] of Object.entries(CASES)) {
  describe(`the graph of ${name}`, () => {
    const { machine, how } = make();
    const graph = explore(machine, how);

    it('enters every state', () => {
      const missing = stateNodes(machine).filter(({ id }) => !graph.passed.has(id));
      expect(missing.map(({ id }) => id)).toEqual([]);
    });

    it('takes every transition', () => {
      const taken = new Set(graph.edges.flatMap((edge) => edge.taken));
      const missing = transitions(machine).filter((transition) => !taken.has(transition));
      expect(missing.map(nameOf)).toEqual([]);
    });

    it('has no dead end: every state can still come to an end', () => {
      const ends = graph.reaching(ended);
      const stuck = [...graph.snapshots]
        .filter(([key, { status }]) => status === 'active' && !ends.has(key))
        .map(([key]) => key);
      expect(stuck).toEqual([]);
    });

    it('ends after one Stop in any state, by what comes of itself', () => {
      const sure = graph.surely(ended);
      const stopped = [...afterStop(graph)];
      expect(stopped.length).toBeGreaterThan(0);
      expect(stopped.filter((key) => !sure.has(key))).toEqual([]);
    });

    it('crashes only where it is meant to', () => {
      const intended = INTENDED_CRASHES[name] ?? [];
      const crashes = graph.edges.filter((edge) => edge.target.status === 'error');
      const others = crashes.filter((edge) => !intended.includes(edge.event.type));
      expect(others.map(lineOf)).toEqual([]);
      expect(new Set(crashes.map((edge) => edge.event.type))).toEqual(new Set(intended));
    });

    it('ignores no end of a child', () => {
      const ignored = graph.ignored.filter(({ event }) => /^xstate\.(done|error)/.test(event.type));
      expect(ignored.map(lineOf)).toEqual([]);
    });
  });
}
