import { type Command, Option } from 'commander';
import { type Context, describeCommand, positiveInteger } from './context.js';
import type { TestsOptions, WrittenTests } from './graph-tests.js';
import { UsageError } from './output.js';
import { counted } from './text.js';

interface GraphOptions {
  tests?: string;
  runner?: TestsOptions['runner'];
  paths?: TestsOptions['paths'];
  length?: number;
  force?: boolean;
}

const HELP = `
MACHINE is one of Sluice's own, by its id, or MODULE#EXPORT, such as ./door.mjs#door; without
#EXPORT the only machine that the module exports. The module is loaded, so its code runs.

--tests writes a file of tests, one for each path, and beside it a driver (door.driver.mjs for
door.test.mjs) to fill in. Written again, the tests are replaced and the driver is kept. How the
machine is explored is what the module exports as EXPORTExploration (or exploration, beside a single
machine), else what the driver exports as exploration: at first each event without a payload.
--paths: over every transition (the default), every edge of the graph, every pair of transitions, or
a shortest path to every state.`;

/** `sluice graph [MACHINE]`: writes tests from a state machine. */
export function graphCommand(program: Command, context: Context): void {
  describeCommand(program, 'graph', 'write tests from a state machine')
    .argument('<machine>', 'an id, or MODULE#EXPORT')
    .option('--tests <file>', 'write a file of tests: .mjs, .js, .mts or .ts')
    .addOption(new Option('--runner <runner>', 'who runs them').choices(['vitest', 'node']))
    .addOption(
      new Option('--paths <strategy>', 'which paths').choices([
        ...['transitions', 'edges', 'pairs', 'shortest'],
      ]),
    )
    .option('--length <steps>', 'steps of a path at most', positiveInteger)
    .option('--force', 'write over a file that was not made by this command')
    .addHelpText('after', HELP)
    .action((machine: string, options: GraphOptions) => graph(context, machine, options));
}

async function graph(context: Context, name: string, options: GraphOptions): Promise<void> {
  if (options.tests === undefined) throw new UsageError('say --tests FILE');
  await writeTests(context, name, options.tests, options);
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
