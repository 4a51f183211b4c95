import type {
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  AnyTransitionDefinition,
} from 'xstate';

/** One event in one state. */
export interface Edge {
  from: string;
  to: string;
  source: AnyMachineSnapshot;
  event: AnyEventObject;
  target: AnyMachineSnapshot;
  /** The transitions of the definition that it took, the eventless ones that followed included. */
  taken: readonly AnyTransitionDefinition[];
  /** True when it comes by itself: from a child or a timer. */
  armed: boolean;
}

export type EdgeTest = (edge: Edge) => boolean;

const any: EdgeTest = () => true;
const armedOnly: EdgeTest = (edge) => edge.armed;

/** The states that an exploration has found, and the questions that the tests ask about them. */
export class Graph {
  readonly machine: AnyStateMachine;
  readonly initialKey: string;
  readonly snapshots = new Map<string, AnyMachineSnapshot>();
  /** Edges that took a transition or ended the machine; ignored events are in `ignored`. */
  readonly edges: readonly Edge[];
  readonly ignored: readonly Edge[];
  /** Ids of the state nodes that were entered, if only on the way to another. */
  readonly passed: ReadonlySet<string>;
  readonly #out = new Map<string, Edge[]>();
  readonly #in = new Map<string, Edge[]>();

  constructor(found: {
    machine: AnyStateMachine;
    initial: AnyMachineSnapshot;
    initialKey: string;
    edges: readonly Edge[];
    passed: ReadonlySet<string>;
  }) {
    this.machine = found.machine;
    this.initialKey = found.initialKey;
    this.passed = found.passed;
    this.snapshots.set(found.initialKey, found.initial);
    const counts = (edge: Edge) => edge.taken.length > 0 || edge.target.status === 'error';
    this.edges = found.edges.filter(counts);
    this.ignored = found.edges.filter((edge) => !counts(edge));
    for (const edge of this.edges) {
      if (!this.snapshots.has(edge.to)) this.snapshots.set(edge.to, edge.target);
      push(this.#out, edge.from, edge);
      push(this.#in, edge.to, edge);
    }
  }

  /** The states from which a `goal` edge can be reached along some edges of the kind `along`. */
  reaching(goal: EdgeTest, along: EdgeTest = any): Set<string> {
    const ways = this.edges.filter(along);
    return this.#backward(
      ways.filter(goal).map((edge) => edge.from),
      along,
    );
  }

  /**
   * The states from which what comes by itself always leads to a `goal` edge: wherever the armed
   * events go before it, it can still be reached along armed edges. (Every order of them is taken
   * into account; only a failure that repeats for ever is not.)
   */
  surely(goal: EdgeTest, along: EdgeTest = armedOnly): Set<string> {
    const possible = this.reaching(goal, along);
    const lost = [...this.snapshots.keys()].filter((key) => !possible.has(key));
    const doomed = this.#backward(lost, (edge) => along(edge) && !goal(edge));
    return new Set([...this.snapshots.keys()].filter((key) => !doomed.has(key)));
  }

  /** A shortest way from the start to each state, as the edge that enters it last. */
  entries(): Map<string, Edge> {
    const entry = new Map<string, Edge>();
    const queue = [this.initialKey];
    for (const key of queue) {
      for (const edge of this.#out.get(key) ?? []) {
        if (edge.to === this.initialKey || entry.has(edge.to)) continue;
        entry.set(edge.to, edge);
        queue.push(edge.to);
      }
    }
    return entry;
  }

  /** The path of `entries()` that ends with `last`. */
  pathTo(last: Edge, entries: ReadonlyMap<string, Edge>): Edge[] {
    const path = [last];
    for (let key = last.from; key !== this.initialKey; ) {
      const edge = entries.get(key);
      if (edge === undefined) throw new Error(`no way leads to ${key}`);
      path.unshift(edge);
      key = edge.from;
    }
    return path;
  }

  #backward(from: readonly string[], along: EdgeTest): Set<string> {
    const seen = new Set(from);
    const queue = [...seen];
    for (const key of queue) {
      for (const edge of this.#in.get(key) ?? []) {
        if (!along(edge) || seen.has(edge.from)) continue;
        seen.add(edge.from);
        queue.push(edge.from);
      }
    }
    return seen;
  }
}

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** One line about an edge, for messages. */
export function lineOf({ from, event, to }: Edge): string {
  const { type, output } = event;
  return `${from} —${type}${output === undefined ? '' : JSON.stringify(output)}→ ${to}`;
}
