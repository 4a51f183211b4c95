// Any XState machine becomes a graph, or it is said which part of it can't.
import { edgeText, explore } from 'sluice/testing';
import { describe, expect, it } from 'vitest';
import {
  assign,
  createMachine,
  fromCallback,
  fromPromise,
  raise,
  sendParent,
  setup,
  spawnChild,
} from 'xstate';
import { fetchMachine } from './support/machines.js';

/** A machine that keeps something in its context at each Add. */
function keeping(value: (old: unknown) => unknown) {
  return setup({ types: { context: {} as { list: { kept: unknown } } } }).createMachine({
    id: 'keeping',
    context: { list: { kept: undefined } },
    on: {
      Add: { actions: assign({ list: ({ context }) => ({ kept: value(context.list.kept) }) }) },
    },
  });
}

const Add = { type: 'Add' };
const types = (graph: ReturnType<typeof explore>) => [
  ...new Set(graph.edges.map(({ event }) => event.type)),
];

describe('explore', () => {
  it('takes ends of children and delays for events, with the outputs that are given', () => {
    const graph = explore(fetchMachine, {
      events: [{ type: 'Fetch' }, { type: 'Stop' }],
      children: { load: { outputs: ['fresh', 'stale'] } },
    });
    expect(types(graph)).toEqual([
      'Fetch',
      'Stop',
      'xstate.done.actor.load',
      'xstate.error.actor.load',
      'xstate.after.patience.fetch.loading',
      'xstate.after.pause.fetch.failed',
    ]);
    const loaded = graph.edges.filter(({ event }) => event.type === 'xstate.done.actor.load');
    expect(new Set(loaded.map(({ target }) => target.context.result))).toEqual(
      new Set(['fresh', 'stale']),
    );
  });

  it('knows regions, nested states, history, delayed raises and what is told to a parent', () => {
    const player = setup({}).createMachine({
      id: 'player',
      type: 'parallel',
      states: {
        power: {
          initial: 'on',
          states: {
            on: {
              initial: 'low',
              on: { Off: { target: 'off', actions: sendParent({ type: 'GoodBye' }) } },
              states: {
                low: { on: { Up: { target: 'high' } } },
                high: {},
                last: { type: 'history' },
              },
            },
            off: { on: { On: { target: 'on.last' } } },
          },
        },
        lamp: {
          initial: 'dark',
          states: {
            dark: {
              on: { Flash: { target: 'lit', actions: raise({ type: 'Dim' }, { delay: 30 }) } },
            },
            lit: { on: { Dim: { target: 'dark' } } },
          },
        },
      },
    });
    const events = ['Off', 'On', 'Up', 'Flash'].map((type) => ({ type }));
    const graph = explore(player, { events });
    // Off remembers low or high: 4 states of the power, with a lamp that is dark or lit.
    const values = [...graph.snapshots.values()].map(({ value }) => JSON.stringify(value));
    expect(new Set(values).size).toBe(6);
    const back = graph.edges.filter(({ event }) => event.type === 'On');
    expect(new Set(back.map(({ target }) => JSON.stringify(target.value.power))).size).toBe(2);
    const dims = graph.edges.filter(({ event }) => event.type === 'Dim');
    expect(dims.length).toBeGreaterThan(0);
    expect(dims.every(({ by, armed }) => by === 'timer' && armed)).toBe(true);
  });

  it('says which field of an unbounded context keeps changing', () => {
    const counting = keeping((old) => Number(old ?? 0) + 1);
    expect(() => explore(counting, { events: [Add], statesMax: 100 })).toThrow(
      /^keeping has more than 100 states: context\.list\.kept kept changing, with 1\d\d different/,
    );
    const bounded = explore(counting, {
      events: [Add],
      project: ({ list }) => Math.min(Number(list.kept ?? 0), 3),
    });
    expect(bounded.snapshots.size).toBe(4);
  });

  it.each([
    ['a Map', new Map()],
    ['a Set', new Set()],
    ['a bigint', 1n],
    ['a function', () => {}],
    ['a Uint8Array', new Uint8Array(1)],
  ])('names the place of %s', (what, value) => {
    expect(() =>
      explore(
        keeping(() => value),
        { events: [Add] },
      ),
    ).toThrow(
      expect.objectContaining({
        code: 'SLUICE_NOT_EXPLORABLE',
        message: expect.stringContaining(`context.list.kept is ${what}`),
      }),
    );
  });

  it('names the place of a cycle, the state and event of a throw, and a child without an id', () => {
    const cycle: { self?: object } = {};
    cycle.self = { cycle };
    const explored = (value: () => unknown) => () => explore(keeping(value), { events: [Add] });
    expect(explored(() => cycle)).toThrow('context.list.kept.self.cycle is a cycle');
    const failing = () => {
      throw new Error('no luck');
    };
    const throwing = setup({ guards: { failing } }).createMachine({
      id: 'throwing',
      initial: 'calm',
      states: { calm: { on: { Add: { guard: 'failing', target: 'calm' } } } },
    });
    expect(() => explore(throwing, { events: [Add] })).toThrow(
      /^throwing died in calm of Add: .*no luck/s,
    );
    const nameless = setup({
      types: { context: {} as { child: unknown } },
      actors: { talk: fromCallback(() => {}) },
    }).createMachine({
      id: 'nameless',
      context: { child: null },
      on: { Add: { actions: assign({ child: ({ spawn }) => spawn('talk') }) } },
    });
    expect(() => explore(nameless, { events: [Add] })).toThrow(
      'nameless spawns talk without an id',
    );
  });

  it.each([
    ['always', { b: { always: 'c' }, c: { always: 'b' } }],
    ['Ring', { b: { entry: raise({ type: 'Ring' }), on: { Ring: 'c' } }, c: { always: 'b' } }],
  ])('names the circle of a machine that never comes to rest (%s)', (by, states) => {
    const round = setup({}).createMachine({
      id: 'round',
      initial: 'a',
      states: { a: { on: { Add: 'b' } }, ...states },
    });
    expect(() => explore(round, { events: [Add] })).toThrow(
      expect.objectContaining({
        code: 'SLUICE_NOT_EXPLORABLE',
        message: expect.stringMatching(
          `^round died in a of Add: it never comes to rest, .*round.b on ${by}: round.c`,
        ),
      }),
    );
  });

  it('says why a machine dies at its start, and which invoke nobody knows', () => {
    const starting = setup({
      types: { context: {} as { size: number }, input: {} as { size: number } },
    }).createMachine({ id: 'starting', context: ({ input }) => ({ size: input.size }) });
    expect(() => explore(starting, { events: [] })).toThrow(/^starting died in its start: .*size/);
    const unknown = createMachine({ id: 'unknown', invoke: { id: 'work', src: 'work' } });
    expect(() => explore(unknown, { events: [] })).toThrow(
      'unknown has no actor for work: name its logic in setup',
    );
  });

  it('explores a spawned child, which has ended for good when it is not stopped', () => {
    const work = fromPromise(async () => 1);
    const spawning = setup({ actors: { work } }).createMachine({
      id: 'spawning',
      entry: spawnChild('work', { id: 'work' }),
      initial: 'working',
      states: {
        working: { on: { 'xstate.done.actor.work': { target: 'resting' } } },
        resting: { on: { 'xstate.done.actor.work': { target: 'working' } } },
      },
    });
    const graph = explore(spawning, { events: [], children: { work: { errors: [] } } });
    expect(graph.edges.map(edgeText)).toEqual(['working → work done → resting']);
  });

  it('explores an invoke with a system id that is entered again and again', () => {
    const again = setup({ actors: { work: fromPromise(async () => 1) } }).createMachine({
      id: 'again',
      initial: 'a',
      states: {
        a: { invoke: { id: 'w', systemId: 'W', src: 'work', onDone: 'b', onError: 'b' } },
        b: { on: { Add: 'a' } },
      },
    });
    const graph = explore(again, { events: [Add] });
    expect(graph.edges.map(edgeText)).toEqual([
      'a → w done → b',
      'a → w failed "it failed" → b',
      'b → Add → a',
    ]);
  });

  it('refuses what is no machine and no list of events', () => {
    expect(() => explore('machine' as never, { events: [] })).toThrow(TypeError);
    expect(() => explore(fetchMachine, {} as never)).toThrow('events must be a list');
    expect(() => explore(fetchMachine, { events: [], statesMax: 0 })).toThrow('statesMax');
  });

  it('explores ten thousand states', { timeout: 60_000 }, () => {
    const counting = keeping((old) => (Number(old ?? 0) + 1) % 10_000);
    expect(explore(counting, { events: [Add] }).snapshots.size).toBe(10_001);
  });
});
