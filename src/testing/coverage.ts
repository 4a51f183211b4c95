import { nameOf } from '../charts/definition.js';
import { Atlas, labels } from './atlas.js';
import type { Edge, Graph } from './graph.js';
import { Path } from './path.js';

/** How coverage is counted, and how long a path may be. */
export interface CoverageOptions {
  /**
   * What has to be covered once: each edge of the graph, or each transition of the definition (with
   * the eventless ones that follow it), whatever the context was. Or a name for each edge: one edge
   * of each name is enough. @default 'edges', for pairs 'transitions'
   */
  each?: 'edges' | 'transitions' | ((edge: Edge) => string);
  /** Steps of a path; it goes on to what is not covered yet until then. @default 20 */
  lengthMax?: number;
}

const LENGTH_MAX = 20;

/** Paths that together take every edge, or every transition. */
export function transitionCoverage(graph: Graph, options: CoverageOptions = {}): Path[] {
  return cover(graph, new Atlas(graph, labels(options.each ?? 'edges'), false), options);
}

/** Paths that together take every pair of transitions (or edges) of which one can follow the other. */
export function transitionPairCoverage(graph: Graph, options: CoverageOptions = {}): Path[] {
  return cover(graph, new Atlas(graph, labels(options.each ?? 'transitions'), true), options);
}

/** Goes to the nearest that is not covered, again and again; when a path is full, from the start. */
function cover(graph: Graph, atlas: Atlas, { lengthMax = LENGTH_MAX }: CoverageOptions): Path[] {
  if (!(lengthMax > 0)) throw new TypeError(`lengthMax must be positive, not ${lengthMax}`);
  const paths: Path[] = [];
  let steps: Edge[] = [];
  for (;;) {
    const way = atlas.nearest(steps.at(-1));
    if (steps.length > 0 && (way === undefined || steps.length + way.length > lengthMax)) {
      paths.push(new Path(graph, steps));
      steps = [];
      continue;
    }
    // From the start everything can be reached, so nothing is left; else a long way is a path.
    if (way === undefined) return paths;
    for (const edge of way) {
      atlas.cover(steps.at(-1), edge);
      steps.push(edge);
    }
  }
}

/** How much of a machine some paths cover. */
export interface Coverage {
  states: Share;
  transitions: Share;
  /** Pairs of transitions of which one can follow the other in the graph. */
  pairs: Share;
  /** States of the graph, of which a state of the definition can be many. */
  graphStates: Share;
  edges: Share;
}

/** What is covered, of how many, and the names of what is not. */
export interface Share {
  covered: number;
  of: number;
  missing: readonly string[];
}

/** Counts what paths cover of the states, transitions and pairs that the graph has. */
export function coverageOf(graph: Graph, paths: readonly Path[]): Coverage {
  const found = paths.flatMap(({ steps }) => steps);
  const label = labels('transitions');
  const named = new Map(
    graph.edges.map((edge) => [label(edge), edge.taken.map(nameOf).join(', ')]),
  );
  const nameOfLabel = (at: number | string) => named.get(Number(at)) ?? String(at);
  const pair = (a: Edge, b: Edge) => `${label(a)} ${label(b)}`;
  const pairs = graph.edges.flatMap((edge) => graph.out(edge.to).map((next) => pair(edge, next)));
  const taken = paths.flatMap(({ steps }) =>
    steps.slice(1).map((edge, at) => pair(steps[at] as Edge, edge)),
  );
  const ids = (snapshot: Edge['target']) => snapshot._nodes.map(({ id }) => id);
  const start = graph.snapshots.get(graph.initialKey) as Edge['target'];
  const states = [...graph.snapshots.values()].flatMap(ids);
  const targets = found.map(({ target }) => target);
  return {
    states: share(states, [start, ...targets].flatMap(ids)),
    transitions: share(graph.edges.map(label), found.map(label), nameOfLabel),
    pairs: share(pairs, taken, (one) => one.split(' ').map(nameOfLabel).join(' then ')),
    graphStates: share(graph.snapshots.keys(), [graph.initialKey, ...found.map(({ to }) => to)]),
    edges: share(graph.edges, found, ({ from, event, to }) => `${from} ${event.type} ${to}`),
  };
}

function share<Item>(
  all: Iterable<Item>,
  covered: Iterable<Item>,
  name = String as (item: Item) => string,
) {
  const [whole, part] = [new Set(all), new Set(covered)];
  const missing = [...whole].filter((item) => !part.has(item)).map(name);
  return { covered: whole.size - missing.length, of: whole.size, missing };
}
