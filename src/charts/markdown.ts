import type { AnyStateMachine } from 'xstate';
import { chartOf, statesIn } from './chart.js';
import { eventName } from './definition.js';
import { mermaid } from './mermaid.js';

/** What a machine may say in the `meta` of its root, by names. */
interface Described {
  events?: Record<string, string>;
  guards?: Record<string, string>;
  delays?: Record<string, string>;
}

/** A machine as a page: its chart, and its states, events, guards and delays with their descriptions. */
export function markdown(machine: AnyStateMachine): string {
  const root = chartOf(machine);
  const { events = {}, guards = {}, delays = {} } = (machine.root.meta ?? {}) as Described;
  const shortId = (id: string) =>
    id.startsWith(`${root.id}.`) ? id.slice(root.id.length + 1) : id;
  const states = statesIn(root)
    .slice(1)
    .map(({ id, description = '', invokes }) => [
      code(shortId(id)),
      description,
      invokes.map(code).join(', '),
    ]);
  const named = (names: Record<string, string>, nameOf: (name: string) => string) =>
    Object.entries(names).map(([name, text]) => [code(nameOf(name)), text]);
  return [
    `# ${root.id}`,
    ...(root.description === undefined ? [] : [root.description]),
    ['```mermaid', mermaid(root), '```'].join('\n'),
    ...section('States', ['State', 'What it is', 'Runs'], states),
    ...section(
      'Events',
      ['Event', 'What it says'],
      named(events, (type) => eventName({ type })),
    ),
    ...section('Guards', ['Guard', 'When it lets pass'], named(guards, String)),
    ...section('Delays', ['Delay', 'What it is'], named(delays, String)),
  ].join('\n\n');
}

function section(title: string, head: readonly string[], rows: readonly string[][]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]) => `| ${cells.map(cellText).join(' | ')} |`;
  return [`## ${title}`, [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')];
}

const code = (text: string) => `\`${text.replaceAll('`', "'")}\``;
const cellText = (text: string) => text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');
