// State machines as diagrams, and as JSON that is the same machine again.
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sluiceMachines } from 'sluice/testing';
import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, createMachine, fromPromise } from 'xstate';
import { draw } from '#sluice/charts/draw.js';

/** A machine with every kind of state, and with names that mean something to the languages. */
const odd: AnyStateMachine = createMachine({
  id: 'odd',
  type: 'parallel',
  on: { 'x"y;<b>:{}%%-->\\': { target: '.b.two' }, Quiet: {}, Act: { actions: () => {} } },
  states: {
    a: {
      initial: 'one',
      on: { Again: { target: 'a', reenter: true }, Inner: '.two' },
      states: {
        one: {
          on: {
            Go: [
              {
                target: 'two',
                guard: function mayGo() {
                  return true;
                },
              },
              'h',
            ],
          },
        },
        two: { on: { Up: '#odd.a' }, after: { 3000: 'one', 500: 'one' } },
        h: { type: 'history', history: 'deep', target: 'two' },
      },
    },
    b: {
      initial: 'two',
      invoke: { src: fromPromise(async () => 1), id: 'in"line' },
      states: { two: { type: 'final' }, 'end state': { id: 'strange id', always: 'two' } },
    },
  },
});
const machines: Record<string, AnyStateMachine> = {
  ...Object.fromEntries(Object.entries(sluiceMachines).map(([id, { machine }]) => [id, machine])),
  odd,
};

describe.each(Object.entries(machines))('the chart of %s', (_, machine) => {
  it('says in Mermaid nothing but states, texts and arrows, all of them escaped', () => {
    const [head, ...lines] = draw(machine, 'mermaid').split('\n');
    expect(head).toBe('stateDiagram-v2');
    const text = String.raw`(?:[\p{L}\p{N} .,()[\]/_]|#\d+;|<br/>)+`;
    const name = String.raw`(?:s\d+(?:_any)?|\[\*\])`;
    const forms = [`state "${text}" as ${name}(?: \\{)?`, '\\}', '--', `${name} : ${text}`];
    const form = new RegExp(`^ *(?:${forms.join('|')}|${name} --> ${name}(?: : ${text})?)$`, 'u');
    expect(lines.filter((line) => !form.test(line))).toEqual([]);
    const declared = lines.flatMap((line) => / as (\S+)/.exec(line)?.[1] ?? []);
    const used = lines.flatMap((line) => line.match(/\bs\d+(_any)?\b/g) ?? []);
    expect([...new Set(used)].sort()).toEqual([...new Set(declared)].sort());
    expect(declared).toHaveLength(new Set(declared).size);
  });

  it('is the same chart after a way through JSON', () => {
    const again = createMachine(JSON.parse(draw(machine, 'json')));
    expect(draw(again, 'mermaid')).toBe(draw(machine, 'mermaid'));
    expect(draw(again, 'dot')).toBe(draw(machine, 'dot'));
    // With what it says of its states, events and guards.
    expect(draw(again, 'markdown')).toBe(draw(machine, 'markdown'));
  });

  it('is drawn by Graphviz', (context) => {
    if (spawnSync('dot', ['-V']).error !== undefined) {
      console.log('skipped: Graphviz is not installed');
      context.skip();
    }
    const svg = execFileSync('dot', ['-Tsvg'], { input: draw(machine, 'dot'), stdio: 'pipe' });
    expect(svg.toString()).toMatch(/<\/svg>\s*$/);
  });
});

it('shows regions, history, guards, delays, children, and what stays in a state', () => {
  const lines = draw(odd, 'mermaid')
    .split('\n')
    .map((line) => line.trim());
  expect(lines).toEqual(
    expect.arrayContaining([
      '--',
      'state "h (H#42;)" as s4',
      's4 --> s3 : at first',
      's2 --> s3 : Go [mayGo]',
      's3 --> s2 : after 500 ms<br/>after 3000 ms',
      's3 --> s2 : Up',
      's1_any --> s3 : Inner',
      's1_any : Again / a begins again',
      's0_any : ignores Quiet',
      's5_any : runs in#34;line',
      's6 --> [*]',
      's7 --> s6 : always',
    ]),
  );
});

it('the pages in docs/machines are those that `npm run docs:machines` makes', () => {
  const folder = fileURLToPath(new URL('../../docs/machines/', import.meta.url));
  const pages = Object.entries(sluiceMachines).map(([id, { machine }]) => [
    `${id}.md`,
    `${draw(machine, 'markdown')}\n`,
  ]);
  expect(readdirSync(folder).sort()).toEqual(pages.map(([name]) => name).sort());
  for (const [name, text] of pages) {
    expect(readFileSync(`${folder}${name}`, 'utf8'), `${name} is stale`).toBe(text);
  }
});
