import type { AnyStateMachine } from 'xstate';
import { SluiceError } from '../errors.js';
import { checksOf, describeFindings, type Properties } from './check.js';
import { transitionCoverage, transitionPairCoverage } from './coverage.js';
import type { Driver } from './driver.js';
import type { Exploration } from './exploration.js';
import { explore } from './explore.js';
import type { Graph } from './graph.js';
import type { Path } from './path.js';
import { run } from './run.js';

/** A machine, how it is explored, what must hold, and the functions of a test runner. */
export interface Suite<Machine extends AnyStateMachine> extends Exploration<Machine> {
  /** Of vitest, node:test, jest or any other runner with a name and a function. */
  test: (name: string, body: () => Promise<void>) => unknown;
  /** Of the same runner; without it, the machine's id stands before each name. */
  describe?: (name: string, body: () => void) => unknown;
  machine: Machine;
  properties?: Properties;
  /** The paths to run. @default transition coverage and transition pair coverage */
  paths?: (graph: Graph) => readonly Path[];
  /** Made anew for each path. @default events are sent, gates are opened, nothing else */
  driver?: () => Driver | Promise<Driver>;
}

/**
 * Registers one test for each property of the machine's graph and one for each path, and returns the
 * graph. The exploration itself happens now, as the names of the tests come from it.
 */
export function suite<Machine extends AnyStateMachine>(options: Suite<Machine>): Graph {
  const { test, describe, machine, properties = {}, driver = () => ({}) } = options;
  if (typeof test !== 'function') throw new TypeError('test must be a function of a test runner');
  const graph = explore(machine, options);
  const paths = (options.paths ?? bothCoverages)(graph);
  if (paths.length === 0) throw new TypeError('there is no path to test');
  const register = (prefix: string) => {
    for (const { name, find } of checksOf(properties)) {
      test(`${prefix}${name}`, async () => {
        const findings = find(graph);
        if (findings.length === 0) return;
        throw new SluiceError('SLUICE_FINDINGS', `\n${describeFindings(findings)}`);
      });
    }
    for (const [at, path] of paths.entries()) {
      test(`${prefix}${at + 1}. ${path.name}`, async () => run(path, await driver()));
    }
  };
  if (describe === undefined) register(`${machine.id}: `);
  else describe(machine.id, () => register(''));
  return graph;
}

function bothCoverages(graph: Graph): Path[] {
  return [...transitionCoverage(graph), ...transitionPairCoverage(graph)];
}
