// Puts a mutant before both juries: the tests of its original, and what must hold for any such machine.
import {
  checksOf,
  describeFindings,
  type Edge,
  edgeText,
  explore,
  type Graph,
  type MachineCase,
  nameOf,
  randomWalks,
  run,
  transitionCoverage,
  transitionPairCoverage,
} from 'sluice/testing';
import { Path } from '#sluice/testing/path.js';
import { type Contract, contractOf } from '../machines/support/contracts.js';
import { watchedBy } from '../machines/worlds/world.js';
import { smallCase } from './cases.js';
import { isEquivalent } from './equivalence.js';
import { type Mutant, mutantsOf } from './mutations.js';

/** What a mutant came to. */
export interface Verdict {
  name: string;
  /** It does nothing that the original does not. */
  isEquivalent: boolean;
  /** How the tests of the original found it; undefined when they did not. */
  regression: string | undefined;
  /** How a property or a world found it, on its own graph; undefined when none did. */
  invariants: string | undefined;
}

/** A machine with its mutants, and all that it takes to judge them. */
export class Court {
  readonly mutants: readonly Mutant[];
  readonly #made: MachineCase;
  readonly #contract: Contract;
  readonly #graph: Graph;
  readonly #paths: readonly Path[];

  constructor(name: string) {
    this.#made = smallCase(name);
    this.#contract = contractOf(name, this.#made);
    this.#graph = explore(this.#made.machine, this.#made.how);
    this.#paths = pathsOf(this.#graph);
    this.mutants = mutantsOf(this.#made.machine);
  }

  async judge(name: string): Promise<Verdict> {
    const mutant = this.mutants.find((one) => one.name === name);
    if (mutant === undefined) throw new TypeError(`no mutant ${name}`);
    const graph = this.#explore(mutant);
    if (typeof graph !== 'string' && isEquivalent(this.#graph, graph)) {
      return { name, isEquivalent: true, regression: undefined, invariants: undefined };
    }
    const regression = await this.#byRegression(mutant);
    const invariants = typeof graph === 'string' ? graph : await this.#byInvariants(graph);
    return { name, isEquivalent: false, regression, invariants };
  }

  /** The mutant's graph, or why it has none: what dies or grows out of all bounds is found by that. */
  #explore({ machine }: Mutant): Graph | string {
    try {
      const statesMax = GROWTH_MAX * this.#graph.snapshots.size;
      return explore(machine, { ...this.#made.how, statesMax });
    } catch (error) {
      if (codeOf(error) === 'SLUICE_NOT_EXPLORABLE') return textOf(error);
      throw error;
    }
  }

  async #byRegression({ machine }: Mutant): Promise<string | undefined> {
    return firstFailure(this.#paths, () => ({ machine, compareActions: true }));
  }

  async #byInvariants(graph: Graph): Promise<string | undefined> {
    const watched = () => watchedBy(this.#contract.worlds());
    return findingIn(graph, this.#contract) ?? firstFailure(manyPathsOf(graph), watched);
  }
}

/** What is wrong with a graph; also that a property has lost all that it speaks of. */
function findingIn(graph: Graph, { properties }: Contract): string | undefined {
  try {
    for (const { find } of checksOf(properties)) {
      const findings = find(graph);
      if (findings.length > 0) return describeFindings(findings, 1);
    }
    return undefined;
  } catch (error) {
    if (error instanceof TypeError) return textOf(error);
    throw error;
  }
}

/** The first path that fails, as a text: by a difference or by an invariant. */
async function firstFailure(
  paths: Iterable<Path>,
  driver: () => Parameters<typeof run>[1],
): Promise<string | undefined> {
  for (const path of paths) {
    try {
      await run(path, driver());
    } catch (error) {
      if (codeOf(error) === 'SLUICE_MISMATCH') return textOf(error);
      throw error;
    }
  }
  return undefined;
}

/** A graph with as many times the states of the original's is too large. */
const GROWTH_MAX = 5;
const LENGTH_MAX = 30;
const WALKS = { seed: 1, count: 50, length: 40 };

/** What an event does in a state, whatever the context. */
const effectOf = ({ source, event, taken, target }: Edge) =>
  JSON.stringify([source.value, event.type, event.output, taken.map(nameOf), target.value]);

/** The transitions of a step, and which of the children with a numbered or a named slot there are. */
const transitionOf = ({ source, taken }: Edge) =>
  JSON.stringify([taken.map(nameOf), Object.keys(source.children).filter((id) => /\./.test(id))]);

/** For regression: each effect, each event that is ignored, and each pair of transitions. */
function pathsOf(graph: Graph): Path[] {
  const ignored = new Map(graph.ignored.map((edge) => [edgeText(edge), edge]));
  return [
    ...transitionCoverage(graph, { each: effectOf, lengthMax: 30 }),
    ...[...ignored.values()].map((edge) => graph.pathOver(edge)),
    ...transitionPairCoverage(graph, { lengthMax: 60 }),
  ];
}

/**
 * For invariants: worlds remember more than a state, so also each event that is ignored, with what
 * follows, pairs with more or fewer children, and walks. Found when they are needed.
 */
function* manyPathsOf(graph: Graph): Generator<Path> {
  yield* transitionCoverage(graph, { each: effectOf, lengthMax: 30 });
  for (const edge of graph.ignored) yield onward(graph.pathOver(edge));
  yield* transitionPairCoverage(graph, { each: transitionOf, lengthMax: 60 });
  yield* randomWalks(graph, WALKS);
}

/** What comes by itself goes before what the world sends, and what goes well before what fails. */
const ORDER: readonly Edge['by'][] = ['reply', 'child', 'timer', 'outside'];

/** The path, and on from its end to no state twice. */
function onward({ graph, steps }: Path): Path {
  const longer = [...steps];
  const visited = new Set<string>();
  for (let edge = steps.at(-1); edge !== undefined && longer.length < LENGTH_MAX; ) {
    visited.add(edge.to);
    const ways = graph.out(edge.to).filter(({ to }) => !visited.has(to));
    [edge] = ORDER.flatMap((by) => ways.filter((way) => way.by === by));
    if (edge !== undefined) longer.push(edge);
  }
  return new Path(graph, longer);
}

const codeOf = (error: unknown) => (error as { code?: string }).code;
const textOf = (error: unknown) => (error as Error).message;
