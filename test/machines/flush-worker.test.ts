// Whoever asks for a flush is answered by a round that begins after the question.
import {
  type Edge,
  type EdgeTest,
  edgeText,
  explore,
  type Graph,
  sluiceMachines,
} from 'sluice/testing';
import { describe, expect, it } from 'vitest';
import type { FlushWorkerContext } from '#sluice/machines/flush-worker.js';
import { mutate } from './support/mutate.js';

const begins: EdgeTest = ({ source, event, target }) => {
  const again = source.value !== 'capturing' || event.type.startsWith('xstate.');
  return target.value === 'capturing' && again;
};

/** What comes of itself without the interval, which would hide a lost question for seconds. */
const withoutInterval: EdgeTest = ({ armed, event }) =>
  armed && !event.type.startsWith('xstate.after.flushInterval');

function lostFlushes(graph: Graph): Edge[] {
  const sure = graph.surely(begins, withoutInterval);
  return graph.edges.filter((edge) => {
    const { stop }: FlushWorkerContext = edge.target.context;
    // In the last round no other can follow: who asks then is refused, as after the end.
    if (edge.event.type !== 'Flush' || stop === 'lastRound') return false;
    return !begins(edge) && !sure.has(edge.to);
  });
}

describe('the flush worker', () => {
  const { machine, how } = sluiceMachines.flushWorker;
  const graph = explore(machine, how);

  it('begins a round after each Flush, without waiting for the interval', () => {
    expect(graph.edges.filter(({ event }) => event.type === 'Flush').length).toBeGreaterThan(10);
    expect(lostFlushes(graph).map(edgeText)).toEqual([]);
  });

  it('would show that a Flush during a round is forgotten', () => {
    const mutant = machine.provide({ actions: { markAgain: () => {} } });
    expect(lostFlushes(explore(mutant, how)).length).toBeGreaterThan(0);
  });

  it('would show that a failed round forgets who asked during it', () => {
    const mutant = mutate(machine, ['states', 'committing', 'invoke'], (invoke) => ({
      ...(invoke as object),
      onError: { target: 'sleeping' },
    }));
    expect(lostFlushes(explore(mutant, how)).length).toBeGreaterThan(0);
  });

  it('begins one more round after a Stop, and exactly one', () => {
    const stops = graph.edges.filter(
      ({ event, source }) => event.type === 'Stop' && source.context.stop === 'no',
    );
    const sure = graph.surely(begins);
    const lost = stops.filter((edge) => !begins(edge) && !sure.has(edge.to));
    expect(lost.map(edgeText)).toEqual([]);
    const extra = graph.edges.filter(
      (edge) => begins(edge) && edge.source.context.stop === 'lastRound',
    );
    expect(extra.map(edgeText)).toEqual([]);
  });

  it('acknowledges the log only after a commit, or when there was nothing to commit, and something to forget', () => {
    const entering = graph.edges.filter(
      ({ source, target }) => target.value === 'acknowledging' && source.value !== 'acknowledging',
    );
    for (const { event } of entering) {
      const { changed, forgets } = event.output ?? {};
      const unchanged = event.type === 'xstate.done.actor.capture' && !changed && forgets;
      expect(unchanged || event.type === 'xstate.done.actor.commit', event.type).toBe(true);
    }
    expect(entering.length).toBeGreaterThan(0);
  });
});
