import { setup } from 'xstate';
import type { Graph } from '../graph.js';
import { callGraph } from './call-graph.js';
import type { Supports } from './place.js';
import type { Clause } from './protocol.js';

/** What a store does while its process dies, once at each call of its adapters. */
export type DeathCall = 'DieFlushing' | 'DieOptimizing';

/** What a store promises that was killed in the middle of something. */
export const deathClauses = {
  flush: {
    text: 'what was answered survives a death at each call of a flush',
    needs: ['kill'],
  },
  optimization: {
    text: 'what was answered survives a death at each call of an optimization',
    needs: ['kill', 'optimizers'],
  },
  rest: {
    text: 'after such a death the store takes operations, and comes to rest',
    needs: ['kill'],
  },
  blocks: {
    text: 'at rest after such a death the blocks that count are stored, and no others',
    needs: ['kill', 'blocks'],
  },
} as const satisfies Record<string, Clause>;

export type DeathClause = keyof typeof deathClauses;

const ends = { target: 'ended' } as const;

/** Each of them once: all of its deaths are in one path. */
const deathChart = setup({
  types: { events: {} as { type: DeathCall } },
}).createMachine({
  id: 'deaths',
  initial: 'new',
  states: {
    new: { on: { DieFlushing: ends, DieOptimizing: ends } },
    ended: { type: 'final' },
  },
});

/** The deaths of a store which supports so much. */
export function deathGraph({ kill, optimizers }: Supports): Graph {
  return callGraph(deathChart, [
    ...(kill ? (['DieFlushing'] as const) : []),
    ...(kill && optimizers ? (['DieOptimizing'] as const) : []),
  ]);
}
