import { SluiceError } from '../errors.js';
import type { Graph } from './graph.js';
import { literal, quoted } from './literal.js';
import type { Path } from './path.js';
import { Imports, type Reference } from './program.js';
import { pathOf, startOf, stepsOf } from './written-steps.js';

/** What a file of tests is written from. */
export interface TestsSource {
  graph: Graph;
  /** Each becomes a test. */
  paths: readonly Path[];
  runner: 'vitest' | 'node';
  machine: Reference;
  /** How the machine is explored when the tests run: as `graph` was. */
  exploration: Reference;
  /** The module that `writeDriver` makes: it exports `driver` and `properties`. */
  driver: string;
  /** Whether it is to be TypeScript. @default false */
  typed?: boolean;
  /** Lines of a comment at the top: how the file was made. @default none */
  made?: readonly string[];
}

/**
 * The text of a file of tests: one for each property that the driver asks for, and one for each path
 * with its steps written out. The same source gives the same text. `SLUICE_NOT_EXPLORABLE`: two
 * events look the same when they are written, so that a step could not be found again.
 */
export function writeTests(source: TestsSource): string {
  const { graph, paths, runner, typed = false, made = [] } = source;
  if (paths.length === 0) throw new TypeError('there is no path to write a test of');
  const imports = new Imports(['graph', 'start', 'walk', 'name', 'find', 'findings', 'steps']);
  imports.add(runner === 'node' ? 'node:test' : 'vitest', 'describe', 'test');
  imports.add('sluice/testing', 'checksOf', 'describeFindings', 'explore', 'pathOf', 'run');
  if (typed) imports.addTypes('sluice/testing', 'WrittenState', 'WrittenStep');
  imports.add(source.driver, 'driver', 'properties');
  const machine = imports.use(source.machine, 'machine');
  const exploration = imports.use(source.exploration, 'exploration');
  const begin = `const start${typed ? ': WrittenState' : ''} = `;
  return `${[
    ...made.map((line) => `// ${line}`),
    ...imports.lines(),
    '',
    `const graph = explore(${machine}, ${exploration});`,
    `${begin}${literal(startOf(graph), '', begin.length)};`,
    '',
    '// Each step is looked up in the graph: where the machine has changed, the test says how.',
    `const walk = async (steps${typed ? ': readonly WrittenStep[]' : ''}) =>`,
    '  run(pathOf(graph, start, steps), await driver());',
    '',
    `describe(${quoted(graph.machine.id)}, () => {`,
    '  for (const { name, find } of checksOf(properties)) {',
    '    test(name, () => {',
    '      const findings = find(graph);',
    '      if (findings.length > 0) throw new Error(describeFindings(findings));',
    '    });',
    '  }',
    ...paths.flatMap((path, at) => ['', testOf(path, at + 1)]),
    '});',
  ].join('\n')}\n`;
}

function testOf(path: Path, number: number): string {
  const steps = stepsOf(path);
  const again = pathOf(path.graph, startOf(path.graph), steps);
  if (again.steps.some(({ to }, at) => to !== path.steps[at]?.to)) {
    const { id } = path.graph.machine;
    throw new SluiceError(
      'SLUICE_NOT_EXPLORABLE',
      `${id} has two events that look the same when they are written: give them plain payloads, ` +
        `and children plain results (path: ${path})`,
    );
  }
  return [
    `  test(${quoted(`${number}. ${path.name}`)}, () =>`,
    '    walk([',
    ...steps.map((step) => `      ${literal(step, '      ')},`),
    '    ]));',
  ].join('\n');
}
