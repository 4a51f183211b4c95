// Each property finds the fault that it is there for, with a shortest path to it.
import { check, describeFindings, explore, type Properties } from 'sluice/testing';
import { describe, expect, it } from 'vitest';
import { fromPromise, raise, setup } from 'xstate';
import { fetchMachine } from './support/machines.js';

const events = [{ type: 'Fetch' }, { type: 'Stop' }] as const;
const outputs = ['fresh'];
const graph = explore(fetchMachine, { events, children: { load: { outputs } } });

const work = fromPromise(async () => {});
const faulty = setup({ actors: { work } }).createMachine({
  id: 'faulty',
  initial: 'idle',
  states: {
    idle: { on: { Go: { target: 'busy' }, Trap: { target: 'trap' }, Stop: { target: 'over' } } },
    busy: { invoke: { id: 'work', src: 'work' }, on: { Go: { target: 'idle' } } },
    trap: {},
    lonely: { on: { Go: { target: 'idle' } } },
    over: { type: 'final' },
  },
});
const faults = (properties: Properties = {}) => {
  const sent = ['Go', 'Trap', 'Stop'].map((type) => ({ type }));
  return check(explore(faulty, { events: sent }), properties).map(
    ({ property, problem, path }) => `${property}: ${problem} [${path ?? 'nowhere'}]`,
  );
};

describe('check', () => {
  it('finds nothing wrong with a good machine', () => {
    const properties: Properties = {
      stop: 'Stop',
      heedsChildren: true,
      progress: {
        'a fetch comes to an end': {
          after: ({ event }) => event.type === 'Fetch',
          reaches: ({ target }) => target.matches('idle'),
        },
      },
      forbidden: { 'idle with a child': (one) => one.matches('idle') && 'load' in one.children },
    };
    expect(describeFindings(check(graph, properties))).toBe('');
  });

  it('finds what is unreachable, dead ends and crashes, unless they are allowed', () => {
    expect(faults()).toEqual([
      'every state and transition is reached: state faulty.lonely is never entered [nowhere]',
      'every state and transition is reached: transition faulty.lonely on Go: faulty.idle is never taken [nowhere]',
      'no state is a dead end: trap can never come to an end [idle → Trap → trap]',
      'no event makes the machine crash: busy → work failed "it failed" → a crash [idle → Go → busy → work failed "it failed" → a crash]',
    ]);
    const allowed = faults({
      unreachable: ['faulty.lonely', 'faulty.lonely on Go: faulty.idle'],
      mayRest: (snapshot) => snapshot.matches('trap'),
      mayCrash: ['work failed'],
    });
    expect(allowed).toEqual([]);
  });

  it('finds a Stop that is not obeyed, and an end of a child that nobody heeds', () => {
    const found = faults({ stop: 'Stop', heedsChildren: true });
    expect(found).toContain(
      'Stop leads to the end from every state: trap → Stop → trap [idle → Trap → trap → Stop → trap]',
    );
    expect(found).toContain(
      'no end of a child is ignored: busy → work done → busy [idle → Go → busy → work done → busy]',
    );
  });

  it('finds a progress that needs a timer which may not be needed', () => {
    const progress = (without: string[]): Properties => ({
      progress: {
        'a failed load is tried again': {
          from: (snapshot) => snapshot.matches('failed'),
          reaches: ({ target }) => target.matches('loading'),
          without,
        },
      },
    });
    expect(check(graph, progress([]))).toEqual([]);
    const [finding, ...more] = check(graph, progress(['after pause']));
    expect(more).toEqual([]);
    expect(finding).toMatchObject({ property: 'a failed load is tried again' });
    expect(String(finding?.path)).toBe('idle → Fetch → loading → load failed "it failed" → failed');
  });

  it('finds forbidden states and steps', () => {
    const found = check(graph, {
      forbidden: { 'never failed': (snapshot) => snapshot.matches('failed') },
      forbiddenSteps: {
        'never stopped while loading': ({ source, event }) =>
          source.matches('loading') && event.type === 'Stop',
      },
    });
    expect(new Set(found.map(({ property }) => property)).size).toBe(2);
    expect(found[0]?.problem).toBe('failed is a forbidden state');
  });

  it('shows the way to a state that only an ignored timer leads to', () => {
    const deaf = setup({}).createMachine({
      id: 'deaf',
      entry: raise({ type: 'Late' }, { delay: 100 }),
      initial: 'early',
      states: { early: { on: { Go: 'late' } }, late: {} },
    });
    const found = check(explore(deaf, { events: [{ type: 'Go' }] }), {
      forbidden: { 'never late': (snapshot) => snapshot.matches('late') },
    });
    const paths = found.filter(({ property }) => property === 'never late').map(({ path }) => path);
    expect(paths.map(String)).toEqual(['early → Go → late', 'early → Go → late → Late → late']);
  });

  it('refuses properties that prove nothing', () => {
    expect(() => check(graph, { stop: 'Halt' })).toThrow(TypeError);
    const idle = { from: () => false, reaches: () => true };
    expect(() => check(graph, { progress: { idle } })).toThrow('proves nothing');
  });
});
