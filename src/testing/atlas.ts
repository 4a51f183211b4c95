import type { Edge, Graph } from './graph.js';

/** A number for each edge; edges with the same number are the same to a coverage. */
export type Labels = (edge: Edge) => number;

/** Numbers for edges by what is counted; the same in each run. */
export function labels(each: 'edges' | 'transitions' | ((edge: Edge) => string)): Labels {
  const numbers = new Map<unknown, number>();
  const transitions = new Map<unknown, number>();
  const known = new Map<Edge, number>();
  const numberIn = (map: Map<unknown, number>, name: unknown) => {
    const number = map.get(name) ?? map.size;
    map.set(name, number);
    return number;
  };
  const nameOf = (edge: Edge): unknown => {
    if (each === 'edges') return edge;
    if (each !== 'transitions') return each(edge);
    return edge.taken.map((one) => numberIn(transitions, one)).join('+');
  };
  return (edge) => {
    const label = known.get(edge) ?? numberIn(numbers, nameOf(edge));
    known.set(edge, label);
    return label;
  };
}

/** An edge in numbers, as a search meets it millions of times. */
interface Road {
  edge: Edge;
  label: number;
  /** Roads that end in one place lead on to the same roads, and cover the same with them. */
  place: number;
  next: readonly Road[];
}

interface Trail {
  road: Road;
  before: Trail | undefined;
}

/** A graph as a map on which the nearest uncovered edge, or pair of edges, is found quickly. */
export class Atlas {
  readonly #roads = new Map<Edge, Road>();
  readonly #start: readonly Road[];
  readonly #covered = new Set<number>();
  readonly #pairs: boolean;
  readonly #labelsCount: number;
  /** By place: the last search that came there. */
  readonly #seen: Uint32Array;
  #search = 0;

  constructor(graph: Graph, label: Labels, pairs: boolean) {
    this.#pairs = pairs;
    const places = new Map<string, number>();
    const leaving = new Map<string, Road[]>();
    const roadsOf = (key: string): Road[] => {
      const roads = leaving.get(key) ?? [];
      leaving.set(key, roads);
      return roads;
    };
    let labelsCount = 0;
    for (const edge of graph.edges) {
      const number = label(edge);
      labelsCount = Math.max(labelsCount, number + 1);
      const name = pairs ? `${number} ${edge.to}` : edge.to;
      const place = places.get(name) ?? places.size;
      places.set(name, place);
      const road = { edge, label: number, place, next: roadsOf(edge.to) };
      this.#roads.set(edge, road);
      roadsOf(edge.from).push(road);
    }
    this.#start = roadsOf(graph.initialKey);
    this.#labelsCount = labelsCount;
    this.#seen = new Uint32Array(places.size);
  }

  /** Notes that an edge was taken after another, or first. */
  cover(previous: Edge | undefined, edge: Edge): void {
    const before = previous === undefined ? undefined : this.#roads.get(previous);
    this.#covered.add(this.#item(before?.label ?? -1, this.#roads.get(edge)?.label ?? -1));
  }

  /** The shortest way on, from the end of an edge or from the start, that covers something new. */
  nearest(last: Edge | undefined): Edge[] | undefined {
    this.#search += 1;
    const road = last === undefined ? undefined : this.#roads.get(last);
    const trails: (Trail | undefined)[] = [undefined];
    for (const before of trails) {
      const previous = before?.road ?? road;
      for (const next of previous?.next ?? this.#start) {
        const isNew = !this.#covered.has(this.#item(previous?.label ?? -1, next.label));
        if (!isNew && this.#seen[next.place] === this.#search) continue;
        const trail = { road: next, before };
        if (isNew) return edgesOf(trail);
        this.#seen[next.place] = this.#search;
        trails.push(trail);
      }
    }
    return undefined;
  }

  #item(previous: number, label: number): number {
    return this.#pairs ? (previous + 1) * this.#labelsCount + label : label;
  }
}

function edgesOf(trail: Trail): Edge[] {
  const edges: Edge[] = [];
  for (let at: Trail | undefined = trail; at !== undefined; at = at.before)
    edges.push(at.road.edge);
  return edges.reverse();
}
