// Whoever writes to the log and wakes the worker can be sure that an applier will look at it.
import {
  type Edge,
  type EdgeTest,
  edgeText,
  explore,
  type Graph,
  sluiceMachines,
} from 'sluice/testing';
import { describe, expect, it } from 'vitest';
import { mutate } from './support/mutate.js';

/** An applier starts, or the worker crashes: its successor begins with one. */
const applies: EdgeTest = ({ source, event, target }) => {
  if (target.status === 'error') return true;
  const again = source.value !== 'applying' || event.type.startsWith('xstate.');
  return target.value === 'applying' && again;
};

function lostOperations(graph: Graph): Edge[] {
  const sure = graph.surely(applies);
  // An ignored Operation counts too: `retrying` knows without it that an applier will start.
  return [...graph.edges, ...graph.ignored].filter((edge) => {
    const { event, target, to } = edge;
    if (event.type !== 'Operation' || target.context.stopping) return false;
    return !applies(edge) && !sure.has(to);
  });
}

describe('the update worker', () => {
  const { machine, how } = sluiceMachines.updateWorker;
  const graph = explore(machine, how);

  it('loses no wake-up: an Operation in any state but a stopping one starts an applier', () => {
    expect(graph.edges.filter(({ event }) => event.type === 'Operation').length).toBeGreaterThan(5);
    expect(lostOperations(graph).map(edgeText)).toEqual([]);
  });

  it('would show that an Operation is forgotten while an applier is ending', () => {
    const mutant = machine.provide({ actions: { markWoken: () => {} } });
    expect(lostOperations(explore(mutant, how)).length).toBeGreaterThan(0);
  });

  it('would show that a failed operation is not tried again', () => {
    const mutant = mutate(machine, ['states', 'retrying', 'after'], () => ({}));
    expect(lostOperations(explore(mutant, how)).length).toBeGreaterThan(0);
  });

  it('runs one applier or one drain at a time, and none at rest', () => {
    for (const [key, { status, value, children }] of graph.snapshots) {
      if (status !== 'active') continue;
      const running = { applying: ['applier'], stopping: ['drain'] }[value as string] ?? [];
      expect(Object.keys(children), key).toEqual(running);
    }
  });

  it('never applies again once it is stopping', () => {
    const stopping = graph.edges.filter(({ source }) => source.value === 'stopping');
    const values = new Set(stopping.map(({ target }) => target.value));
    expect(values).toEqual(new Set(['stopping', 'stopped']));
  });
});
