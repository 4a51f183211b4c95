import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { errorText, SluiceError } from '../errors.js';
import { transitionCoverage, transitionPairCoverage } from '../testing/coverage.js';
import type { Exploration } from '../testing/exploration.js';
import { explore } from '../testing/explore.js';
import type { Graph } from '../testing/graph.js';
import { type Parts, partsMet, partsOf, plainExploration } from '../testing/parts.js';
import type { Path } from '../testing/path.js';
import { shortestPaths } from '../testing/walks.js';
import { writeDriver } from '../testing/write-driver.js';
import { writeTests } from '../testing/write-tests.js';
import { exportOf, type Found, load, type NamedMachine, wayFrom } from './graph-machine.js';
import { UsageError } from './output.js';

export interface TestsOptions {
  runner: 'vitest' | 'node';
  paths: 'transitions' | 'edges' | 'pairs' | 'shortest';
  /** Steps of a path; undefined: as the strategy has it. */
  lengthMax: number | undefined;
  /** Write over a file that is not ours. */
  force: boolean;
}

/** What was written, and what the driver has yet to be told. */
export interface WrittenTests {
  tests: string;
  driver: string;
  /** False when the driver was there already, and was left as it is. */
  driverWritten: boolean;
  paths: number;
  steps: number;
  states: number;
  /** Events that the machine takes but that are never sent to it. */
  notSent: readonly string[];
  /** Events and children of which the driver says nothing. */
  notDriven: Parts;
}

/** How the files begin that may be written over. */
const MARK = '// Made by `sluice graph';

/**
 * Writes a file of tests for a machine, and a driver beside it unless there is one. Errors:
 * `SLUICE_EXISTS` for a file that is not ours, `SLUICE_BAD_OPTION`, `SLUICE_NOT_EXPLORABLE`.
 */
export async function writeTestFiles(
  named: NamedMachine,
  file: string,
  options: TestsOptions,
): Promise<WrittenTests> {
  const { typed, driver } = namesOf(file);
  if (!options.force) refuseForeign(file);
  const isNew = !existsSync(driver);
  const known = named.exploration ?? (isNew ? undefined : await driversExploration(named, driver));
  const parts = partsOf(named.value);
  const how = known?.value ?? plainExploration(parts);
  const graph = explored(named, how, known !== undefined);
  const paths = pathsBy(graph, options);

  const importName = (path: string) => {
    const way = wayFrom(file, path);
    // A program in TypeScript names the JavaScript that it becomes, unless Node.js runs it as it is.
    return typed && options.runner !== 'node' ? way.replace(/\.(m?)ts$/, '.$1js') : way;
  };
  const machine = named.reference(importName);
  const exploration = known ?? exportOf(driver, 'exploration', how);
  const tests = writeTests({
    ...{ graph, paths, runner: options.runner, typed, machine, made: madeBy(named, file, options) },
    exploration: exploration.reference(importName),
    driver: importName(driver),
  });
  const driverText = isNew
    ? writeDriver({
        ...{ graph, typed, tests: basename(file) },
        ...(known === undefined ? { explores: { machine, parts } } : {}),
        ...(named.properties === undefined ? {} : { properties: named.properties }),
      })
    : readFileSync(driver, 'utf8');
  write(file, tests);
  if (isNew) write(driver, driverText);

  const sent = new Set([...graph.edges, ...graph.ignored].map(({ event }) => event.type));
  const met = partsMet(graph);
  const unsaid = (names: readonly string[]) => names.filter((name) => !says(driverText, name));
  return {
    ...{ tests: file, driver, driverWritten: isNew, states: graph.snapshots.size },
    ...{ paths: paths.length, steps: paths.reduce((sum, { steps }) => sum + steps.length, 0) },
    notSent: parts.events.filter((type) => !sent.has(type)),
    notDriven: { events: unsaid(met.events), children: unsaid(met.children) },
  };
}

/** What the names of the files say: `door.test.mjs` has its driver in `door.driver.mjs`. */
function namesOf(file: string): { typed: boolean; driver: string } {
  const [, stem, extension] = /^(.*?)(?:\.test|\.spec)?\.(mjs|js|mts|ts)$/.exec(file) ?? [];
  if (stem === undefined || extension === undefined || stem.endsWith('.driver')) {
    throw new UsageError(
      `${file} can't be a file of tests: call it NAME.test.mjs, .js, .mts or .ts`,
    );
  }
  return { typed: extension.endsWith('ts'), driver: `${stem}.driver.${extension}` };
}

function refuseForeign(file: string): void {
  if (!existsSync(file) || readFileSync(file, 'utf8').startsWith(MARK)) return;
  const advice = 'choose another name, or write over it with --force';
  throw new SluiceError('SLUICE_EXISTS', `${file} was not made by \`sluice graph\`: ${advice}`);
}

async function driversExploration(
  { path, name }: NamedMachine,
  driver: string,
): Promise<Found<Exploration>> {
  const { exploration } = await load(driver);
  if (exploration !== undefined) return exportOf(driver, 'exploration', exploration as Exploration);
  throw new UsageError(
    `nothing says how ${name} is explored: ${driver} exports no exploration, and ${path} no ` +
      `${name}Exploration`,
  );
}

function explored({ value, name, path }: NamedMachine, how: Exploration, isSaid: boolean): Graph {
  try {
    return explore(value, how);
  } catch (cause) {
    if (!isSaid && cause instanceof SluiceError && cause.code === 'SLUICE_NOT_EXPLORABLE') {
      const advice =
        `nothing says how ${name} is explored: what its events carry and its children end with ` +
        `can be exported by ${path} as ${name}Exploration`;
      throw new SluiceError(cause.code, `${cause.message} (${advice})`, { cause });
    }
    if (!(cause instanceof TypeError)) throw cause;
    throw new UsageError(`the exploration of ${name} is not one: ${cause.message}`, { cause });
  }
}

function pathsBy(graph: Graph, { paths, lengthMax }: TestsOptions): Path[] {
  const length = lengthMax === undefined ? {} : { lengthMax };
  const found = {
    transitions: () => transitionCoverage(graph, { ...length, each: 'transitions' }),
    edges: () => transitionCoverage(graph, length),
    pairs: () => transitionPairCoverage(graph, length),
    shortest: () => shortestPaths(graph),
  }[paths]();
  if (found.length > 0) return found;
  throw new UsageError(`${graph.machine.id} has no path: no event leads anywhere`);
}

/** The same for the same files, wherever the command was called. */
function madeBy(
  { path, name }: NamedMachine,
  file: string,
  { runner, paths, lengthMax }: TestsOptions,
): string[] {
  const machine = path === undefined ? name : `${wayFrom(file, path)}#${name}`;
  const options = [
    `--tests ${basename(file)} --runner ${runner}`,
    ...(paths === 'transitions' ? [] : [`--paths ${paths}`]),
    ...(lengthMax === undefined ? [] : [`--length ${lengthMax}`]),
  ];
  return [
    `${MARK.slice(3)} ${machine} ${options.join(' ')}\`, which writes it anew.`,
    `Change ${basename(namesOf(file).driver)} instead: it says what the tests do and demand.`,
  ];
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    const message = `${file} can't be written: ${errorText(cause)}`;
    throw new SluiceError('SLUICE_IO', message, { cause });
  }
}

/** Whether a program speaks of a name at all; it is not run to find out. */
function says(program: string, name: string): boolean {
  const quoted = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\w$])${quoted}(?![\\w$])`).test(program);
}
