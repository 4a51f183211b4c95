import type {
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  AnyTransitionDefinition,
} from 'xstate';
import type { ExecutedAction } from './executed.js';
import type { Origin } from './exploration.js';
import type { Model, ModelState, Move } from './model.js';
import { Path } from './path.js';

/** One event in one state. */
export interface Edge {
  /** Keys of the two states in the graph. */
  from: string;
  to: string;
  source: AnyMachineSnapshot;
  event: AnyEventObject;
  target: AnyMachineSnapshot;
  /** The transitions of the definition that it took, the eventless ones that followed included. */
  taken: readonly AnyTransitionDefinition[];
  /** The actions that it executed, in order. */
  executed: readonly ExecutedAction[];
  by: Origin;
  /** True when it comes by itself: from a child, from a timer, or as a reply. */
  armed: boolean;
}

export type EdgeTest = (edge: Edge) => boolean;

const any: EdgeTest = () => true;
const armedOnly: EdgeTest = (edge) => edge.armed;

/** Every state that a machine can come to, and the ways between them. */
export class Graph {
  /** As it was explored: with a stand-in for each child. */
  readonly machine: AnyStateMachine;
  /** Steps along with a real actor; of use to `run` alone. */
  readonly model: Model;
  readonly initialKey: string;
  readonly snapshots: ReadonlyMap<string, AnyMachineSnapshot>;
  /** Edges that took a transition or ended the machine; ignored events are in `ignored`. */
  readonly edges: readonly Edge[];
  readonly ignored: readonly Edge[];
  /** Ids of the state nodes that were entered, if only on the way to another. */
  readonly passed: ReadonlySet<string>;
  /** Transitions of the definition that are taken somewhere, the start included. */
  readonly taken: ReadonlySet<AnyTransitionDefinition>;
  readonly #out = new Map<string, Edge[]>();
  readonly #in = new Map<string, Edge[]>();
  #entries: ReadonlyMap<string, Edge> | undefined;

  constructor(found: {
    model: Model;
    start: Move;
    states: ReadonlyMap<string, ModelState>;
    edges: readonly Edge[];
    passed: ReadonlySet<string>;
  }) {
    this.model = found.model;
    this.machine = found.model.machine;
    this.initialKey = found.start.state.key;
    this.passed = found.passed;
    this.snapshots = new Map([...found.states].map(([key, { snapshot }]) => [key, snapshot]));
    const counts = (edge: Edge) => edge.taken.length > 0 || edge.target.status === 'error';
    this.edges = found.edges.filter(counts);
    this.ignored = found.edges.filter((edge) => !counts(edge));
    this.taken = new Set([...found.start.taken, ...this.edges.flatMap((edge) => edge.taken)]);
    for (const edge of this.edges) {
      push(this.#out, edge.from, edge);
      push(this.#in, edge.to, edge);
    }
  }

  /** The edges that leave a state. */
  out(key: string): readonly Edge[] {
    return this.#out.get(key) ?? [];
  }

  /** The states from which a `goal` edge can be reached along some edges of the kind `along`. */
  reaching(goal: EdgeTest, along: EdgeTest = any): Set<string> {
    const goals = this.edges.filter((edge) => along(edge) && goal(edge));
    return this.#backward(
      goals.map((edge) => edge.from),
      along,
    );
  }

  /**
   * The states from which what comes by itself always leads to a `goal` edge: wherever the armed
   * events go before it, it can still be reached along armed edges. (Every order of them is taken
   * into account; only a failure that repeats for ever is not.)
   */
  surely(goal: EdgeTest, along: EdgeTest = armedOnly): Set<string> {
    // Each edge is asked once: the tests may be slow, and the search comes by again and again.
    const ways = new Set(this.edges.filter(along));
    const goals = new Set([...ways].filter(goal));
    const before = [...goals].map(({ from }) => from);
    const possible = this.#backward(before, (edge) => ways.has(edge));
    const lost = [...this.snapshots.keys()].filter((key) => !possible.has(key));
    const doomed = this.#backward(lost, (edge) => ways.has(edge) && !goals.has(edge));
    return new Set([...this.snapshots.keys()].filter((key) => !doomed.has(key)));
  }

  /** A shortest path to a state. */
  pathTo(key: string): Path {
    this.#entries ??= this.#findEntries();
    const steps: Edge[] = [];
    for (let at = key; at !== this.initialKey; ) {
      const edge = this.#entries.get(at);
      if (edge === undefined) throw new TypeError(`no state of this graph: ${at}`);
      steps.push(edge);
      at = edge.from;
    }
    return new Path(this, steps.reverse());
  }

  /** A shortest path that ends with this edge. */
  pathOver(edge: Edge): Path {
    return new Path(this, [...this.pathTo(edge.from).steps, edge]);
  }

  /** The edge by which a shortest path enters each state last. */
  #findEntries(): ReadonlyMap<string, Edge> {
    const entries = new Map<string, Edge>();
    const queue = [this.initialKey];
    // A timer that fires and is ignored leads on, too: to where it is no longer set.
    const fired = new Map<string, Edge[]>();
    for (const edge of this.ignored) if (edge.from !== edge.to) push(fired, edge.from, edge);
    for (const key of queue) {
      for (const edge of [...this.out(key), ...(fired.get(key) ?? [])]) {
        if (edge.to === this.initialKey || entries.has(edge.to)) continue;
        entries.set(edge.to, edge);
        queue.push(edge.to);
      }
    }
    return entries;
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
