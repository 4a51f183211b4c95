// The real actors, led along paths over every transition of the graphs.
import { describe, expect, it } from 'vitest';
import { CASES, flushWorkerCase } from './support/cases.js';
import { nameOf, transitions } from './support/definition.js';
import { explore } from './support/explore.js';
import { type Edge, lineOf } from './support/graph.js';
import { pathsOver, replay } from './support/replay.js';

/** In the large graphs one path for each way in which an event can work in each state. */
const LARGE = new Set(['optimizerScheduler', 'updateHandler']);

function effectOf({ source, event, taken, target }: Edge): string {
  const { type, output } = event;
  return JSON.stringify([source.value, type, output, taken.map(nameOf), target.value]);
}

describe('the real actors go where the graphs say', () => {
  for (const [name, make] of Object.entries(CASES)) {
    it(name, async () => {
      const testCase = make();
      const graph = explore(testCase.machine, testCase.how);
      const paths = pathsOver(graph, LARGE.has(name) ? effectOf : lineOf);
      await replay(testCase, paths);

      const taken = new Set(paths.flat().flatMap((edge) => edge.taken));
      const missing = transitions(testCase.machine).filter((transition) => !taken.has(transition));
      expect(missing.map(nameOf)).toEqual([]);
    });
  }

  it('would notice a machine that forgets something', async () => {
    const testCase = flushWorkerCase();
    const paths = pathsOver(explore(testCase.machine, testCase.how), lineOf);
    const machine = testCase.machine.provide({ actions: { markAgain: () => {} } });
    await expect(replay({ ...testCase, machine }, paths)).rejects.toThrow('the actor went to');
  });
});
