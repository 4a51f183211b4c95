import { type Command, Option } from 'commander';
import { stateNodes, transitions } from '../charts/definition.js';
import { draw as chartText, FORMATS, type Format } from '../charts/draw.js';
import { type Context, describeCommand, positiveInteger } from './context.js';
import type { TestsOptions, WrittenTests } from './graph-tests.js';
import { UsageError } from './output.js';
import { counted, table } from './text.js';

interface GraphOptions {
  format?: Format;
  tests?: string;
  runner?: TestsOptions['runner'];
  paths?: TestsOptions['paths'];
  length?: number;
  force?: boolean;
}

const HELP = `
MACHINE is one of Sluice's own, by its id, or MODULE#EXPORT, such as ./door.mjs#door; without
#EXPORT the only machine that the module exports. The module is loaded, so its code runs. Without
MACHINE, lists Sluice's own.

Prints the chart: for Markdown (mermaid, the default), with tables of states, events and guards
(markdown), for Graphviz (dot), or as the JSON that Stately Studio and createMachine read (json).

--tests writes a file of tests instead, one for each path, and beside it a driver (door.driver.mjs
for door.test.mjs) to fill in. Written again, the tests are replaced and the driver is kept. How the
machine is explored is what the module exports as EXPORTExploration (or exploration, beside a single
machine), else what the driver exports as exploration: at first each event without a payload.
--paths: over every transition (the default), every edge of the graph, every pair of transitions, or
a shortest path to every state.`;

const STRATEGIES = ['transitions', 'edges', 'pairs', 'shortest'];

/** `sluice graph [MACHINE]`: draws state machines, and writes tests from them. */
export function graphCommand(program: Command, context: Context): void {
  describeCommand(program, 'graph', 'draw a state machine, or write tests from it')
    .argument('[machine]', 'an id, or MODULE#EXPORT')
    .addOption(new Option('--format <format>', 'of the chart').choices(FORMATS))
    .option('--tests <file>', 'write a file of tests: .mjs, .js, .mts or .ts')
    .addOption(new Option('--runner <runner>', 'who runs them').choices(['vitest', 'node']))
    .addOption(new Option('--paths <strategy>', 'which paths').choices(STRATEGIES))
    .option('--length <steps>', 'steps of a path at most', positiveInteger)
    .option('--force', 'write over a file that was not made by this command')
    .addHelpText('after', HELP)
    .action((machine: string | undefined, options: GraphOptions) =>
      graph(context, machine, options),
    );
}

async function graph(
  context: Context,
  name: string | undefined,
  options: GraphOptions,
): Promise<void> {
  const { tests, format } = options;
  refuseMixed(name, options);
  if (name === undefined) await list(context);
  else if (tests === undefined) await draw(context, name, format ?? 'mermaid');
  else await writeTests(context, name, tests, options);
}

function refuseMixed(
  name: string | undefined,
  { format, tests, runner, paths, length, force }: GraphOptions,
): void {
  if (name === undefined && (format ?? tests) !== undefined) {
    throw new UsageError('say which machine: "sluice graph" lists those of Sluice');
  }
  if (format !== undefined && tests !== undefined) {
    throw new UsageError('--format is of a chart, and --tests writes none');
  }
  if (tests === undefined && (runner ?? paths ?? length ?? force) !== undefined) {
    throw new UsageError('--runner, --paths, --length and --force go with --tests');
  }
}

async function list({ output }: Context): Promise<void> {
  const { sluiceMachines } = await import('../testing/sluice-machines.js');
  const machines = Object.values(sluiceMachines).map(({ machine }) => ({
    id: machine.id,
    description: machine.root.description ?? '',
    states: stateNodes(machine).length - 1,
    transitions: transitions(machine).length,
  }));
  output.result(machines, () =>
    table(
      ['MACHINE', 'STATES', 'TRANSITIONS', 'WHAT IT DOES'],
      machines.map(({ id, description, states, transitions }) => [
        ...[id, String(states), String(transitions), description],
      ]),
    ),
  );
}

async function draw({ output }: Context, name: string, format: Format): Promise<void> {
  const { namedMachine } = await import('./graph-machine.js');
  const { value } = await namedMachine(name);
  const text = chartText(value, format);
  const chart: unknown = format === 'json' ? JSON.parse(text) : text;
  output.result({ machine: value.id, format, chart }, () => text);
}

async function writeTests(
  { output }: Context,
  name: string,
  file: string,
  { runner, paths = 'transitions', length: lengthMax, force = false }: GraphOptions,
): Promise<void> {
  if (runner === undefined) throw new UsageError('--tests needs --runner vitest or --runner node');
  if (paths === 'shortest' && lengthMax !== undefined) {
    throw new UsageError('--length has no meaning with --paths shortest');
  }
  const { namedMachine } = await import('./graph-machine.js');
  const { writeTestFiles } = await import('./graph-tests.js');
  const named = await namedMachine(name);
  const written = await writeTestFiles(named, file, { runner, paths, lengthMax, force });
  output.result(written, () => writtenText(written));
  for (const note of notesOn(written)) output.note(note);
}

function writtenText({ tests, driver, driverWritten, paths, steps, states }: WrittenTests): string {
  const what = `${counted(paths, 'path')}, ${counted(steps, 'step')}`;
  const how = driverWritten ? 'new, to be filled in' : 'kept as it is';
  return `${tests}: ${what}, of ${counted(states, 'state')}\n${driver}: ${how}`;
}

/** What the person has to add by hand, because the driver is theirs. */
function notesOn({ driver, notSent, notDriven }: WrittenTests): string[] {
  const list = (what: string, names: readonly string[], where: string) =>
    names.length === 0 ? [] : [`${what} ${names.join(', ')}: ${where}`];
  return [
    ...list('never sent', notSent, 'add to the events of the exploration'),
    ...list(`${driver} says nothing of the event`, notDriven.events, 'it is sent to the actor'),
    ...list(
      `${driver} says nothing of the child`,
      notDriven.children,
      'it ends with what the path says; add to effects to run something',
    ),
  ];
}
