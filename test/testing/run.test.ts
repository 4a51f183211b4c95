// Paths: that they cover what they say, and that the real actor is held to them.
import {
  coverageOf,
  type Driver,
  explore,
  type Graph,
  type Path,
  randomWalks,
  run,
  shortestPaths,
  simplePaths,
  transitionCoverage,
  transitionPairCoverage,
} from 'sluice/testing';
import { describe, expect, it } from 'vitest';
import {
  type AnyStateMachine,
  assign,
  createMachine,
  fromPromise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
} from 'xstate';
import { fetchMachine } from './support/machines.js';

const events = [{ type: 'Fetch' }, { type: 'Stop' }] as const;
const children = { load: { outputs: ['fresh', 'stale'] } };
const graph = explore(fetchMachine, { events, children });

async function runAll(paths: readonly Path[], driver: Driver = {}): Promise<void> {
  for (const path of paths) await run(path, driver);
}
const failure = (machine: AnyStateMachine, of: Graph = graph) =>
  runAll(transitionPairCoverage(of, { each: 'edges' }), { machine });

describe('paths', () => {
  it('cover every edge, every transition and every pair of them, and the actor follows', async () => {
    for (const each of ['edges', 'transitions'] as const) {
      const paths = transitionCoverage(graph, { each, lengthMax: 8 });
      await runAll(paths);
      expect(coverageOf(graph, paths)[each].missing).toEqual([]);
    }
    const pairs = transitionPairCoverage(graph);
    await runAll(pairs);
    const { pairs: share, states } = coverageOf(graph, pairs);
    expect(share).toMatchObject({ missing: [], covered: share.of });
    expect(states.missing).toEqual([]);
  });

  it('lead to every state the shortest way, or round no circle, within bounds', async () => {
    const shortest = shortestPaths(graph);
    expect(coverageOf(graph, shortest).graphStates.missing).toEqual([]);
    const simple = simplePaths(graph, { lengthMax: 4 });
    expect(simple.length).toBeGreaterThan(3);
    for (const { steps } of simple)
      expect(new Set(steps.map(({ to }) => to)).size).toBe(steps.length);
    expect(simplePaths(graph, { countMax: 2 })).toHaveLength(2);
    await runAll([...shortest, ...simple]);
  });

  it('wander by chance, the same way for the same seed', async () => {
    const texts = (seed: number) => randomWalks(graph, { seed, length: 30 }).map(String);
    expect(texts(1)).toEqual(texts(1));
    expect(texts(1)).not.toEqual(texts(2));
    await runAll(randomWalks(graph, { seed: 3 }));
  });

  it('have names to read', () => {
    const [first, ...more] = shortestPaths(graph, { to: (one) => one.matches('failed') });
    expect(first?.name).toBe('idle → Fetch → loading → load failed "it failed" → failed');
    expect(more).toEqual([]);
    const walks = randomWalks(graph, { seed: 4, count: 20 });
    const long = walks.find(({ steps }) => steps.length > 8);
    expect(long?.name).toMatch(/… \d+ more …/);
  });
});

/** Goes on at the second Go only. */
function secondTime() {
  const machine = setup({
    types: { context: {} as { ready: boolean } },
    guards: { isReady: ({ context }) => context.ready },
    actions: { getReady: assign({ ready: true }) },
  }).createMachine({
    id: 'secondTime',
    context: { ready: false },
    initial: 'a',
    states: {
      a: { on: { Go: [{ guard: 'isReady', target: 'b' }, { actions: 'getReady' }] } },
      b: {},
    },
  });
  return { machine, how: { events: [{ type: 'Go' }] } };
}

describe('run', () => {
  it('says where an actor leaves the path, and what was expected', async () => {
    const forgetful = fetchMachine.provide({ actions: { forget: () => {} } });
    await expect(failure(forgetful)).rejects.toThrow(
      /in step \d of \d+, Fetch:\n {2}context\.result: expected null, is "(fresh|stale)"\n {2}path: idle → /,
    );
  });

  it('notices another delay', async () => {
    await expect(failure(fetchMachine.provide({ delays: { pause: 51 } }))).rejects.toThrow(
      'timers: expected ["after pause (50 ms)"], is ["after pause (51 ms)"]',
    );
  });

  it('notices that a projection hides what decides', async () => {
    const { machine, how } = secondTime();
    await failure(machine, explore(machine, how));
    const hiding = explore(machine, { ...how, project: () => null });
    await expect(failure(machine, hiding)).rejects.toThrow(
      /`project` makes one state of several that go different ways:\n {2}value: expected "a", is "b"/,
    );
  });

  it('says what an actor died of, and which child nobody can hold', async () => {
    const failing = fetchMachine.provide({
      actions: {
        forget: () => {
          throw new Error('no luck');
        },
      },
    });
    await expect(failure(failing)).rejects.toThrow('the actor died: no luck');
    const spawning = createMachine({
      id: 'spawning',
      entry: spawnChild(
        fromPromise(async () => 1),
        { id: 'work' },
      ),
      on: { Ask: {} },
    });
    const paths = shortestPaths(explore(spawning, { events: [] }));
    await expect(runAll(paths)).rejects.toThrow('work is spawned from logic without a name');
  });

  it('says that a machine is led by what its graph does not show', async () => {
    let asked = 0;
    const guard = () => {
      asked += 1;
      return asked === 1;
    };
    const chance = createMachine({
      id: 'chance',
      initial: 'a',
      states: { a: { on: { Ask: [{ guard, target: 'b' }, { target: 'c' }] } }, b: {}, c: {} },
    });
    const paths = transitionCoverage(explore(chance, { events: [{ type: 'Ask' }] }));
    await expect(runAll(paths)).rejects.toThrow('goes different ways from one state, by chance');
  });

  it('checks invariants after each step, and shows them what was told to the parent', async () => {
    const told: string[] = [];
    const caller = setup({}).createMachine({
      id: 'caller',
      on: { Ask: { actions: sendParent({ type: 'Asked' }) } },
    });
    const asking = explore(caller, { events: [{ type: 'Ask' }] });
    await runAll(transitionCoverage(asking), {
      invariants: {
        tells: (view) => {
          told.push(...view.told.map(({ type }) => type));
        },
      },
    });
    expect(told).toEqual(['Asked']);
    const paths = transitionCoverage(graph);
    const never = ({ snapshot }: { snapshot: { matches(value: string): boolean } }) =>
      !snapshot.matches('failed');
    await expect(runAll(paths, { invariants: { never } })).rejects.toThrow(
      'invariant "never" doesn\'t hold',
    );
  });

  describe('with what it does besides', () => {
    const noting = setup({
      actions: { note: (_, params: { what: string }) => void params },
      actors: { listener: fromPromise(() => new Promise<void>(() => {})) },
    }).createMachine({
      id: 'noting',
      invoke: { id: 'listener', src: 'listener' },
      initial: 'open',
      states: {
        open: {
          on: {
            Press: { actions: [{ type: 'note', params: { what: 'a press' } }] },
            Pass: { actions: sendTo('listener', { type: 'Passed' }) },
            Close: 'closed',
          },
        },
        closed: { type: 'final' },
      },
    });
    const how = { events: [{ type: 'Press' }, { type: 'Pass' }, { type: 'Close' }] };
    const paths = transitionCoverage(explore(noting, how));
    const replacing = (event: string, instead: unknown) => {
      const { open, closed } = noting.config.states as Record<string, { on: object }>;
      const states = { open: { on: { ...open?.on, [event]: instead } }, closed };
      return createMachine({ ...noting.config, states } as never, noting.implementations as never);
    };
    const runOn = (machine: AnyStateMachine, compareActions: boolean) =>
      runAll(paths, { machine, compareActions });

    it.each([
      ['an action that is missing', replacing('Press', { actions: [] }), '"note"'],
      [
        'an action that is given something else',
        replacing('Press', { actions: [{ type: 'note', params: { what: 'else' } }] }),
        '"else"',
      ],
      ['a message that is not sent', replacing('Pass', { actions: [] }), '"Passed"'],
    ])('notices %s when asked to', async (_, mutant, trace) => {
      await runOn(noting, true);
      await runOn(mutant, false);
      await expect(runOn(mutant, true)).rejects.toThrow(trace);
    });

    it('shows invariants what a step has executed, and the running delays', async () => {
      const seen: string[] = [];
      const watch: Driver['invariants'] = {
        seen: ({ executed, timers }) => {
          seen.push(...executed.map(({ type, params }) => `${type} ${JSON.stringify(params)}`));
          return timers.length === 0;
        },
      };
      await runAll(paths, { invariants: watch });
      expect(seen).toEqual(
        expect.arrayContaining([
          'xstate.spawnChild {"id":"listener","src":"listener"}',
          'note {"what":"a press"}',
          'xstate.sendTo {"event":{"type":"Passed"},"to":"listener"}',
        ]),
      );
    });
  });

  it('runs real work when a path ends a child, and holds its result to the model', async () => {
    const worked: unknown[] = [];
    const load = ({ output, error }: { output?: unknown; error?: unknown }) => {
      worked.push(output ?? error);
      if (error !== undefined) throw error;
      return Promise.resolve(output);
    };
    await runAll(transitionCoverage(graph), { effects: { load } });
    expect(worked).toContain('fresh');
    await expect(
      runAll(transitionCoverage(graph), { effects: { load: () => 'rotten' } }),
    ).rejects.toThrow('is "rotten"');
  });

  it('brings events from outside as the driver says', async () => {
    const brought: string[] = [];
    const Fetch: NonNullable<Driver['events']>[string] = (event, actor) => {
      brought.push(event.type);
      actor.send(event);
    };
    let finished = 0;
    const paths = transitionCoverage(graph);
    const finish = () => {
      finished += 1;
    };
    await runAll(paths, { events: { Fetch }, finish });
    expect(brought.length).toBeGreaterThan(2);
    expect(finished).toBe(paths.length);
    await expect(runAll(paths, { events: { Fetch: () => {} } })).rejects.toThrow(
      'value: expected "loading", is "idle"',
    );
  });

  it('holds children that have no name in setup', async () => {
    const inline = createMachine({
      id: 'inline',
      initial: 'working',
      states: {
        working: {
          invoke: {
            src: fromPromise(() => Promise.reject(new Error('it must be held'))),
            onDone: { target: 'good' },
            onError: { target: 'bad' },
          },
        },
        good: {},
        bad: {},
      },
    });
    const paths = transitionCoverage(explore(inline, { events: [] }));
    expect(paths.map(({ name }) => name)).toEqual([
      'working → 0.inline.working done → good',
      'working → 0.inline.working failed "it failed" → bad',
    ]);
    await runAll(paths);
  });
});
