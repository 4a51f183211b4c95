import type { AnyMachineSnapshot } from 'xstate';
import { eventName, nameOf, stateNodes, transitions } from '../charts/definition.js';
import type { Edge, EdgeTest, Graph } from './graph.js';
import { edgeText, stateName } from './names.js';
import type { Path } from './path.js';

export type SnapshotTest = (snapshot: AnyMachineSnapshot) => boolean;

/** Something that has to happen by itself: along ends of children, timers and replies alone. */
export interface Progress {
  /** The states it has to happen from. */
  from?: SnapshotTest;
  /** The steps after which it has to happen; a step that does it itself is good. */
  after?: EdgeTest;
  /** The step by which it happens. */
  reaches: EdgeTest;
  /**
   * Events that must not be needed for it, by their readable names (`after cleanupInterval`) or types:
   * a slow timer that always helps would hide that something quick was forgotten.
   */
  without?: readonly string[];
}

/** What has to hold for a graph. Without any, unreachable parts, dead ends and crashes are found. */
export interface Properties {
  /** Ids of states and names of transitions that may be unreachable. @default none */
  unreachable?: readonly string[];
  /** States in which a machine may rest for ever. @default none */
  mayRest?: SnapshotTest;
  /** Names or types of events of which the machine may die. @default none */
  mayCrash?: readonly string[];
  /** Events each of which, sent in any state, leads to a final state by what comes by itself. @default none */
  stop?: string | readonly string[];
  /** True: the end of a child, good or bad, may never be ignored. @default false */
  heedsChildren?: boolean;
  progress?: Record<string, Progress>;
  /** States that must not be. */
  forbidden?: Record<string, SnapshotTest>;
  /** Steps that must not be. */
  forbiddenSteps?: Record<string, EdgeTest>;
}

/** Something that is wrong with a graph. */
export interface Finding {
  /** The property that does not hold. */
  property: string;
  problem: string;
  /** A shortest path to it; undefined when nothing leads there. */
  path: Path | undefined;
}

/** A property with the way to see where it does not hold. */
export interface Check {
  name: string;
  find(graph: Graph): Finding[];
}

/** Everything that is wrong with a graph, for each property the nearest first; empty when all is well. */
export function check(graph: Graph, properties: Properties = {}): Finding[] {
  return checksOf(properties).flatMap(({ find }) => find(graph));
}

/** The properties one by one, for a test of each. */
export function checksOf(properties: Properties): Check[] {
  const { unreachable = [], mayRest = () => false, mayCrash = [], progress = {} } = properties;
  const { stop = [], heedsChildren = false, forbidden = {}, forbiddenSteps = {} } = properties;
  const crashes: EdgeTest = ({ target }) => target.status === 'error';
  const ends: EdgeTest = (edge) =>
    edge.target.status === 'done' || (crashes(edge) && isNamed(mayCrash, edge));
  return [
    property('every state and transition is reached', (graph) => idle(graph, unreachable)),
    property('no state is a dead end', (graph) => deadEnds(graph, mayRest)),
    property('no event makes the machine crash', (graph) =>
      graph.edges
        .filter((edge) => crashes(edge) && !isNamed(mayCrash, edge))
        .map((edge) => atEdge(graph, edge)),
    ),
    ...[stop].flat().map((type) =>
      property(`${type} leads to the end from every state`, (graph) => {
        const all = [...graph.edges, ...graph.ignored].filter(({ event }) => event.type === type);
        if (all.length === 0) throw new TypeError(`stop: ${type} is none of the events explored`);
        return lost(graph, all, ends, ({ armed }) => armed);
      }),
    ),
    ...(heedsChildren ? [property('no end of a child is ignored', ignoredEnds)] : []),
    ...Object.entries(progress).map(([name, one]) =>
      property(name, (graph) => standstills(graph, one)),
    ),
    ...Object.entries(forbidden).map(([name, test]) =>
      property(name, (graph) =>
        keys(graph, test).map((key) => atState(graph, key, 'is a forbidden state')),
      ),
    ),
    ...Object.entries(forbiddenSteps).map(([name, test]) =>
      property(name, (graph) => graph.edges.filter(test).map((edge) => atEdge(graph, edge))),
    ),
  ];
}

/** Findings as a text to read: each problem with its path; of many, the first ones. */
export function describeFindings(findings: readonly Finding[], max = 5): string {
  const lines = findings.slice(0, max).map(({ property, problem, path }) => {
    const way = path === undefined ? '' : `\n    by ${path}`;
    return `${property}: ${problem}${way}`;
  });
  if (findings.length > max) lines.push(`and ${findings.length - max} more`);
  return lines.join('\n');
}

type Found = Omit<Finding, 'property'>;

function property(name: string, find: (graph: Graph) => Found[]): Check {
  const length = ({ path }: Found) => path?.steps.length ?? 0;
  return {
    name,
    find: (graph) =>
      find(graph)
        .sort((a, b) => length(a) - length(b))
        .map((found) => ({ property: name, ...found })),
  };
}

const isNamed = (names: readonly string[], { event }: Edge) =>
  names.includes(event.type) || names.includes(eventName(event));

const atEdge = (graph: Graph, edge: Edge): Found => ({
  problem: edgeText(edge),
  path: graph.pathOver(edge),
});

function atState(graph: Graph, key: string, what: string): Found {
  const value = stateName(graph.snapshots.get(key)?.value);
  return { problem: `${value || 'the state'} ${what}`, path: graph.pathTo(key) };
}

const keys = (graph: Graph, test: SnapshotTest) =>
  [...graph.snapshots].flatMap(([key, snapshot]) => (test(snapshot) ? [key] : []));

/** What a definition has but the graph never comes to. */
function idle(graph: Graph, except: readonly string[]): Found[] {
  const states = stateNodes(graph.machine)
    .filter(({ id }) => !graph.passed.has(id) && !except.includes(id))
    .map(({ id }) => ({ problem: `state ${id} is never entered`, path: undefined }));
  const unused = transitions(graph.machine)
    .filter((one) => !graph.taken.has(one) && !except.includes(nameOf(one)))
    .map((one) => {
      const [key] = keys(graph, ({ _nodes }) => _nodes.includes(one.source));
      const path = key === undefined ? undefined : graph.pathTo(key);
      return { problem: `transition ${nameOf(one)} is never taken`, path };
    });
  return [...states, ...unused];
}

/** States that can't come to an end; where a machine has no end, those that nothing leads out of. */
function deadEnds(graph: Graph, mayRest: SnapshotTest): Found[] {
  const ended: EdgeTest = ({ target }) => target.status !== 'active' || mayRest(target);
  const hasEnd = graph.edges.some(({ target }) => target.status !== 'active');
  const alive = hasEnd ? graph.reaching(ended) : graph.reaching(({ from, to }) => from !== to);
  const stuck = keys(graph, (snapshot) => snapshot.status === 'active' && !mayRest(snapshot));
  const what = hasEnd ? 'can never come to an end' : 'can never be left';
  return stuck.filter((key) => !alive.has(key)).map((key) => atState(graph, key, what));
}

/** Edges after which a goal is not sure to be reached by what comes by itself. */
function lost(graph: Graph, edges: readonly Edge[], goal: EdgeTest, along: EdgeTest): Found[] {
  const sure = graph.surely(goal, along);
  return edges
    .filter((edge) => edge.target.status === 'active' && !goal(edge) && !sure.has(edge.to))
    .map((edge) => atEdge(graph, edge));
}

function ignoredEnds(graph: Graph): Found[] {
  return graph.ignored.filter(({ by }) => by === 'child').map((edge) => atEdge(graph, edge));
}

function standstills(graph: Graph, { from, after, reaches, without = [] }: Progress): Found[] {
  const along: EdgeTest = (edge) => edge.armed && !isNamed(without, edge);
  const sure = graph.surely(reaches, along);
  const what = 'may never get there by itself';
  const states =
    from === undefined ? [] : keys(graph, (one) => one.status === 'active' && from(one));
  const steps = after === undefined ? [] : [...graph.edges, ...graph.ignored].filter(after);
  if (states.length === 0 && steps.length === 0) {
    throw new TypeError('a progress that concerns no state and no step proves nothing');
  }
  return [
    ...states.filter((key) => !sure.has(key)).map((key) => atState(graph, key, what)),
    ...lost(graph, steps, reaches, along),
  ];
}
