// The real actors, led along paths over every transition of the graphs, and over every pair of them:
// they go where the graphs say, and wrong nobody whom they serve.
import type { Edge } from 'sluice/testing';
import {
  coverageOf,
  explore,
  nameOf,
  randomWalks,
  run,
  sluiceMachines,
  transitionCoverage,
  transitionPairCoverage,
} from 'sluice/testing';
import { describe, expect, it } from 'vitest';
import { contractOf } from './support/contracts.js';
import { watchedBy } from './worlds/world.js';

/** In the large graphs one edge for each way in which an event can work in each state. */
const LARGE = new Set(['optimizerScheduler', 'updateHandler']);

function effectOf({ source, event, taken, target }: Edge): string {
  const { type, output } = event;
  return JSON.stringify([source.value, type, output, taken.map(nameOf), target.value]);
}

describe('the real actors go where the graphs say', () => {
  for (const [name, made] of Object.entries(sluiceMachines)) {
    const graph = explore(made.machine, made.how);
    const { worlds } = contractOf(name, made);
    const driver = () => ({ compareActions: true, ...watchedBy(worlds()) });
    const lengthMax = 60;

    it(`${name}, over every pair of transitions`, { timeout: 60_000 }, async () => {
      const paths = transitionPairCoverage(graph, { lengthMax });
      for (const path of paths) await run(path, driver());
      const { states, transitions, pairs } = coverageOf(graph, paths);
      expect([...states.missing, ...transitions.missing, ...pairs.missing]).toEqual([]);
      expect(pairs.of).toBeGreaterThan(50);
    });

    it(`${name}, over every edge`, { timeout: 60_000 }, async () => {
      const each = LARGE.has(name) ? effectOf : 'edges';
      const paths = transitionCoverage(graph, { each, lengthMax });
      for (const path of paths) await run(path, driver());
      const { edges, transitions } = coverageOf(graph, paths);
      expect(transitions.missing).toEqual([]);
      if (each === 'edges') expect(edges.missing).toEqual([]);
      else expect(edges.covered).toBeGreaterThan(100);
    });

    it(`${name}, where it ignores what it is told, and on walks`, { timeout: 60_000 }, async () => {
      const ignored = new Map(graph.ignored.map((edge) => [effectOf(edge), edge]));
      const short = [...ignored.values()].map((edge) => graph.pathOver(edge));
      const walks = randomWalks(graph, { seed: 1, count: 10 });
      for (const path of [...short, ...walks]) await run(path, driver());
    });
  }

  it('would notice a machine that forgets something', async () => {
    const { machine, how } = sluiceMachines.flushWorker;
    const mutant = machine.provide({ actions: { markAgain: () => {} } });
    const paths = transitionCoverage(explore(machine, how));
    const runs = paths.map((path) => run(path, { machine: mutant }));
    const failed = (await Promise.allSettled(runs)).filter(({ status }) => status === 'rejected');
    expect(failed.length).toBeGreaterThan(0);
    expect(failed[0]).toMatchObject({ reason: { code: 'SLUICE_MISMATCH' } });
  });
});
