// A task either swaps or leaves everything as if it had never been.
import { type EdgeTest, edgeText, explore, type Graph, sluiceMachines } from 'sluice/testing';
import { describe, expect, it } from 'vitest';
import { mutate } from './support/mutate.js';

const swaps: EdgeTest = ({ target }) => target.value === 'swapping';
const UNSTOPPABLE = ['swapping', 'cancelling'];

function swapsAfterStop(graph: Graph) {
  const swapping = graph.reaching(swaps);
  return graph.edges.filter(
    (edge) =>
      edge.event.type === 'Stop' &&
      !UNSTOPPABLE.includes(edge.source.value) &&
      swapping.has(edge.to),
  );
}

describe('the optimization task', () => {
  const { machine, how } = sluiceMachines.optimizationTask;
  const graph = explore(machine, how);

  it('undoes everything on each way out but a done one', () => {
    const exits = graph.edges.filter(({ target }) => target.status === 'done');
    const undone = exits.filter(({ target }) => target.value !== 'done');
    expect(undone.filter(({ source }) => source.value !== 'cancelling').map(edgeText)).toEqual([]);
    const done = exits.filter(({ target }) => target.value === 'done');
    expect(new Set(done.map(({ source }) => source.value))).toEqual(
      new Set(['copying', 'swapping']),
    );
  });

  it('never swaps after a Stop that came before the swap', () => {
    expect(graph.edges.filter(({ event }) => event.type === 'Stop').length).toBeGreaterThan(5);
    expect(swapsAfterStop(graph).map(edgeText)).toEqual([]);
  });

  it('would show that a phase goes on although a Stop has come', () => {
    const mutant = mutate(machine, ['states', 'catchingUp', 'invoke'], (invoke) => ({
      ...(invoke as object),
      onDone: { target: 'swapping' },
    }));
    expect(swapsAfterStop(explore(mutant, how)).length).toBeGreaterThan(0);
  });

  it('leaves no phase before it has settled', () => {
    const left = graph.edges.filter(
      ({ source, event, target }) =>
        source.value !== target.value && !/^xstate\.(done|error)\.actor\./.test(event.type),
    );
    expect(left.map(edgeText)).toEqual([]);
  });

  it('tells how it ended', () => {
    for (const [key, { status, value, output, context }] of graph.snapshots) {
      if (status !== 'done') continue;
      const outcome = { done: 'done', rolledBack: 'cancelled', failed: 'failed' }[value as string];
      expect(output.outcome, key).toBe(outcome);
      if (outcome === 'failed') expect(context.error, key).not.toBe('');
    }
  });
});
