import type { AnyMachineSnapshot } from 'xstate';
import { dice } from './dice.js';
import type { Edge, Graph } from './graph.js';
import { Path } from './path.js';

/** Which states paths lead to. @default every state */
export interface Destination {
  to?: (snapshot: AnyMachineSnapshot) => boolean;
}

/** A shortest path to each state; one that is only the beginning of another is left out. */
export function shortestPaths(graph: Graph, { to = () => true }: Destination = {}): Path[] {
  const keys = [...graph.snapshots].flatMap(([key, snapshot]) => (to(snapshot) ? [key] : []));
  const paths = keys.map((key) => graph.pathTo(key)).filter(({ steps }) => steps.length > 0);
  const inner = new Set(paths.flatMap(({ steps }) => steps.slice(0, -1)));
  return paths.filter(({ steps }) => !inner.has(steps.at(-1) as Edge));
}

export interface SimplePathsOptions extends Destination {
  /** Steps of a path. @default 10 */
  lengthMax?: number;
  /** As many paths are returned at most. @default 1000 */
  countMax?: number;
}

/**
 * Paths that visit no state twice, the shortest first, within the bounds: their number explodes. Each
 * ends in a state of `to`; without it, where no further step is possible.
 */
export function simplePaths(graph: Graph, options: SimplePathsOptions = {}): Path[] {
  const { to, lengthMax = 10, countMax = 1000 } = options;
  checkPositive({ lengthMax, countMax });
  const found: Path[] = [];
  let wave: Edge[][] = [[]];
  for (let length = 0; wave.length > 0 && found.length < countMax; length += 1) {
    const next: Edge[][] = [];
    for (const steps of wave) {
      const visited = new Set([graph.initialKey, ...steps.map((edge) => edge.to)]);
      const last = steps.at(-1);
      const onward = graph
        .out(last?.to ?? graph.initialKey)
        .filter((edge) => !visited.has(edge.to));
      const isEnd = to === undefined ? onward.length === 0 || length === lengthMax : undefined;
      if (last !== undefined && (isEnd ?? to?.(last.target))) found.push(new Path(graph, steps));
      if (length === lengthMax) continue;
      // No more are kept than can be returned: this is what bounds the memory.
      for (const edge of onward) if (next.length < countMax * 10) next.push([...steps, edge]);
    }
    wave = next;
  }
  return found.slice(0, countMax);
}

export interface RandomWalksOptions {
  /** The same seed, the same walks. */
  seed: number;
  /** @default 10 */
  count?: number;
  /** Steps of a walk; it is shorter when it comes to an end of the machine. @default 50 */
  length?: number;
}

/** Walks that choose among the possible steps by chance, but the same for the same seed. */
export function randomWalks(graph: Graph, options: RandomWalksOptions): Path[] {
  const { seed, count = 10, length = 50 } = options;
  if (!Number.isSafeInteger(seed)) throw new TypeError(`seed must be an integer, not ${seed}`);
  checkPositive({ count, length });
  const below = dice(seed);
  return Array.from({ length: count }, () => {
    const steps: Edge[] = [];
    while (steps.length < length) {
      const ways = graph.out(steps.at(-1)?.to ?? graph.initialKey);
      const edge = ways[below(ways.length)];
      if (edge === undefined) break;
      steps.push(edge);
    }
    return new Path(graph, steps);
  });
}

function checkPositive(numbers: Record<string, number>): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (!(value > 0)) throw new TypeError(`${name} must be positive, not ${value}`);
  }
}
