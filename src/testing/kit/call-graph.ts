import type { AnyStateMachine } from 'xstate';
import { explore } from '../explore.js';
import type { Graph } from '../graph.js';

const known = new WeakMap<AnyStateMachine, Map<string, Graph>>();

/** What calls of these names can lead to in a chart; several suites in one process share graphs. */
export function callGraph(chart: AnyStateMachine, calls: readonly string[]): Graph {
  const byCalls = known.get(chart) ?? new Map<string, Graph>();
  known.set(chart, byCalls);
  const key = calls.join(' ');
  const graph = byCalls.get(key) ?? explore(chart, { events: calls.map((type) => ({ type })) });
  byCalls.set(key, graph);
  return graph;
}
