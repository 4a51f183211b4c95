// Paths that are written down are found again, and a machine that has changed is noticed.
import {
  type Exploration,
  explore,
  type Graph,
  partsOf,
  pathOf,
  plainExploration,
  randomWalks,
  run,
  sluiceMachines,
  startOf,
  stepsOf,
  transitionCoverage,
  type WrittenStep,
  writeDriver,
  writeTests,
} from 'sluice/testing';
import { describe, expect, it } from 'vitest';
import { fromPromise, raise, setup } from 'xstate';
import { mutate } from '../machines/support/mutate.js';
import { door } from './support/door.mjs';

const how: Exploration = {
  events: [{ type: 'Knock' }, { type: 'Stop' }],
  children: { unlock: { outputs: ['green'] } },
};

const source = (graph: Graph) => ({
  ...{ graph, paths: transitionCoverage(graph, { each: 'transitions' }), runner: 'node' as const },
  machine: { from: './door.mjs', name: 'door' },
  exploration: { from: './door.driver.mjs', name: 'exploration' },
  driver: './door.driver.mjs',
});

const steps: WrittenStep[] = [
  { send: { type: 'Knock' }, to: 'unlocking' },
  { done: 'unlock', output: 'green', to: 'open', context: { light: 'green' } },
  { after: 'closing', in: 'door.open', to: 'closed' },
  { send: { type: 'Stop' }, to: 'stopped', end: 'done' },
];
const start = { state: 'closed', context: { light: 'off' } };

describe('written steps', () => {
  const graph = explore(door, how);

  it('say what came, where it led, and what it changed', async () => {
    const path = pathOf(graph, start, steps);
    expect(stepsOf(path)).toEqual(steps);
    expect(startOf(graph)).toEqual(start);
    await run(path);
  });

  const small = ['updateWorker', 'optimizationTask', 'flushWorker'] as const;
  it.each(small)('%s: are found again', (id) => {
    const { machine, how: its } = sluiceMachines[id];
    const own = explore(machine, its);
    for (const path of randomWalks(own, { seed: 7, count: 3, length: 30 })) {
      const read = pathOf(own, startOf(own), JSON.parse(JSON.stringify(stepsOf(path))));
      expect(stepsOf(read)).toEqual(stepsOf(path));
    }
  });

  const replaced = (path: string[], by: unknown) => mutate(door, path, () => by);
  it.each([
    ['a start', replaced(['context'], { light: 'on' }), /^the machine begins with .*'on'/],
    ['a state', replaced(['initial'], 'open'), /^the machine begins with .*state: 'open'/],
    [
      'a target',
      replaced(['states', 'closed', 'on', 'Knock'], 'open'),
      /^step 1 of 4, .*'Knock'.* in closed: leads to \{ to: 'open' \}, not to \{ to: 'unlocking' \}/,
    ],
    [
      'an action',
      replaced(['states', 'unlocking', 'invoke', 'onDone'], 'open'),
      /^step 2 of 4, .*leads to \{ to: 'open' \}, not to \{ .*light: 'green'/,
    ],
    [
      'a delay',
      replaced(['states', 'open', 'after'], {}),
      /^step 3 of 4, .*closing.* in open: that can't come there/,
    ],
    [
      'an event',
      replaced(['states', 'closed', 'on'], { Knock: 'unlocking' }),
      /^step 4 of 4, .*Stop.* in closed: that can't come there, or is ignored/,
    ],
  ])('tell that %s has changed, and where', (_, mutant, message) => {
    const call = () => pathOf(explore(mutant, how), start, steps);
    expect(call).toThrow(expect.objectContaining({ code: 'SLUICE_MISMATCH' }));
    expect(call).toThrow(message);
  });
});

describe('a written file', () => {
  const graph = explore(door, how);

  it('is the same for the same machine', () => {
    const again = explore(door, how);
    expect(writeTests(source(again))).toBe(writeTests(source(graph)));
    const driver = { graph, tests: 'door.test.mjs' };
    expect(writeDriver({ ...driver, graph: again })).toBe(writeDriver(driver));
  });

  it('has a test for each path, with a step a line', () => {
    const text = writeTests(source(graph));
    expect(text).toContain(
      [
        '  test(\'1. closed → Knock → unlocking → unlock done "green" → open → after closing → ' +
          "closed → Stop → stopped', () =>",
        '    walk([',
        "      { send: { type: 'Knock' }, to: 'unlocking' },",
        "      { done: 'unlock', output: 'green', to: 'open', context: { light: 'green' } },",
        "      { after: 'closing', in: 'door.open', to: 'closed' },",
        "      { send: { type: 'Stop' }, to: 'stopped', end: 'done' },",
        '    ]));',
      ].join('\n'),
    );
  });

  it('imports what has the name of something else under another', () => {
    const named = (name: string) =>
      writeTests({ ...source(graph), machine: { from: './door.mjs', name } });
    expect(named('run')).toMatch(/import \{ run as machine \} from '\.\/door\.mjs'/);
    expect(named('default')).toMatch(
      /import \{ default as machine \}.*\s[\s\S]*explore\(machine, /,
    );
    expect(named('graph')).toMatch(/explore\(machine, exploration\)/);
  });

  it('is refused when a step could not be found again', () => {
    const twin = setup({
      types: { events: {} as { type: 'Later' } },
      actors: { load: fromPromise<{ isLate: () => boolean }>(() => Promise.reject(new Error())) },
    }).createMachine({
      id: 'twin',
      initial: 'loading',
      states: {
        loading: {
          invoke: {
            id: 'load',
            src: 'load',
            onDone: [
              {
                guard: ({ event }) => event.output.isLate(),
                target: 'on',
                actions: raise({ type: 'Later' }, { delay: 10 }),
              },
              { target: 'on' },
            ],
          },
        },
        on: { on: { Later: 'off' } },
        off: {},
      },
    });
    const outputs = [{ isLate: () => true }, { isLate: () => false }];
    const twins = explore(twin, { events: [], children: { load: { outputs } } });
    expect(() => writeTests({ ...source(twins), paths: transitionCoverage(twins) })).toThrow(
      expect.objectContaining({ code: 'SLUICE_NOT_EXPLORABLE' }),
    );
  });

  it('has a place in its driver for each event and each child, and the events that end it', () => {
    const parts = partsOf(door);
    expect(parts).toEqual({ events: ['Knock', 'Stop'], children: ['unlock'] });
    const plain = explore(door, plainExploration(parts));
    const explores = { machine: source(plain).machine, parts };
    const text = writeDriver({ graph: plain, tests: 'door.test.mjs', explores });
    expect(text).toContain("    { type: 'Knock' },\n    { type: 'Stop' },\n");
    expect(text).toContain(
      "    unlock: { outputs: [undefined], errors: [new Error('it failed')] },",
    );
    expect(text).toContain('      Knock: (event, actor) => actor.send(event),');
    expect(text).toContain('      unlock: asThePathSays,');
    expect(text).toContain("  stop: ['Stop'],");
  });
});
