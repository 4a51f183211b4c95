import { checksOf } from './check.js';
import type { Graph } from './graph.js';
import { keyText, literal, quoted } from './literal.js';
import { stateName } from './names.js';
import { type Parts, partsMet } from './parts.js';
import { Imports, type Reference } from './program.js';

/** What a driver is written from. */
export interface DriverSource {
  graph: Graph;
  /** The name of the file of tests, for a comment. */
  tests: string;
  /** Whether it is to be TypeScript. @default false */
  typed?: boolean;
  /** The machine, when the driver is to say how it is explored, from these names. @default it doesn't */
  explores?: { machine: Reference; parts: Parts };
  /** Properties that are known already. @default those that are found to hold */
  properties?: Reference;
}

/**
 * The text of a driver for a file of tests, to be filled in: a place for each event from outside, for
 * each child, for invariants and properties. As it is, it does what happens without one.
 */
export function writeDriver(source: DriverSource): string {
  const { graph, tests, typed = false, explores } = source;
  const imports = new Imports(['driver', 'properties', 'exploration', 'asThePathSays']);
  if (typed) imports.addTypes('sluice/testing', 'ChildEnd', 'Driver', 'Properties');
  const known = source.properties === undefined ? '' : imports.use(source.properties, 'known');
  const body = [
    ...(explores === undefined ? [] : explorationOf(explores, imports, typed)),
    '/** What must hold for the whole graph: each is a test. */',
    `export const properties${typed ? ': Properties' : ''} = {`,
    ...(known === '' ? stopOf(graph) : [`  ...${known},`]),
    ...progressOf(graph),
    '};',
    '',
    '/** Made anew for each path. */',
    `export function driver()${typed ? ': Driver' : ''} {`,
    '  return {',
    ...driverOf(partsMet(graph)),
    '  };',
    '}',
    '',
    '/** The child ends with what the path says: a result or an error. */',
    `function asThePathSays(end${typed ? ': ChildEnd' : ''}) {`,
    "  if ('error' in end) throw end.error;",
    '  return end.output;',
    '}',
  ];
  const head = [
    `// What the tests in ${tests} do with the machine ${graph.machine.id}, and demand of it.`,
    '// `sluice graph` has written this file once. It is yours to fill in: nothing overwrites it.',
  ];
  const lines = imports.lines();
  const parts = lines.length === 0 ? [head, body] : [head, lines, body];
  return `${parts.map((part) => part.join('\n')).join('\n\n')}\n`;
}

function explorationOf(
  { machine, parts }: { machine: Reference; parts: Parts },
  imports: Imports,
  typed: boolean,
): string[] {
  const type = () => {
    imports.addTypes('sluice/testing', 'Exploration');
    return `: Exploration<typeof ${imports.use(machine, 'machine')}>`;
  };
  return [
    '/** How the machine is explored: what the world may send, and how its children may end. */',
    `export const exploration${typed ? type() : ''} = {`,
    '  // Each variant of a payload that makes a difference is an event of its own.',
    ...record(
      'events',
      parts.events.map((name) => `${literal({ type: name })},`),
      '[]',
    ),
    '  // Results and errors that make a difference; an empty list says that it never ends so.',
    ...record(
      'children',
      parts.children.map(
        (name) => `${keyText(name)}: { outputs: [undefined], errors: [new Error('it failed')] },`,
      ),
    ),
    '  // What of the context decides anything, when there are too many states otherwise:',
    '  // project: (context) => ({ … }),',
    '};',
    '',
  ];
}

/** A property with its lines one level further in. */
function record(name: string, lines: readonly string[], [open, close] = '{}', indent = '  ') {
  if (lines.length === 0) return [`${indent}${name}: ${open}${close},`];
  return [
    `${indent}${name}: ${open}`,
    ...lines.map((line) => `${indent}  ${line}`),
    `${indent}${close},`,
  ];
}

/** The events that are found to lead to the end from every state. */
function stopOf(graph: Graph): string[] {
  const holds = (stop: string) => {
    const check = checksOf({ stop }).find(({ name }) => name.startsWith(`${stop} leads`));
    return check?.find(graph).length === 0;
  };
  const hasEnd = graph.edges.some(({ target }) => target.status === 'done');
  const events = hasEnd ? partsMet(graph).events.filter(holds) : [];
  return events.length === 0
    ? ['  // Events that must lead to the end from every state:', "  // stop: ['Stop'],"]
    : [
        '  // These lead to the end from every state, by what comes by itself.',
        `  stop: [${events.map(quoted).join(', ')}],`,
      ];
}

/** An example, with a state that is left by itself somewhere. */
function progressOf({ edges }: Graph): string[] {
  const leaves = edges.find(({ armed, source, target }) => armed && !target.matches(source.value));
  if (leaves === undefined) return [];
  const name = stateName(leaves.source.value);
  const state = literal(leaves.source.value);
  return [
    '  // What must happen by itself, whatever the order of what comes:',
    '  // progress: {',
    `  //   ${quoted(`${name} is left`)}: {`,
    `  //     from: (snapshot) => snapshot.matches(${state}),`,
    `  //     reaches: ({ target }) => !target.matches(${state}),`,
    '  //   },',
    '  // },',
  ];
}

function driverOf({ events, children }: Parts): string[] {
  const brings = events.map((type) => `${keyText(type)}: (event, actor) => actor.send(event),`);
  const ends = children.map((name) => `${keyText(name)}: asThePathSays,`);
  return [
    '    // How the world brings each event: in the end the actor must receive it.',
    ...record('events', brings, '{}', '    '),
    '    // What runs when a path ends a child: what it returns or throws is how the child ends.',
    ...record('effects', ends, '{}', '    '),
    '    // Checked at the start and after each step: false, or anything thrown, fails the test.',
    '    invariants: {',
    "      // 'what must hold': ({ snapshot, actor, step, told }) => …,",
    '    },',
    '    // Called when a path has ended, well or not.',
    '    finish: () => {},',
  ];
}
