// Nothing that the scheduler has been told, or has to do later, waits for ever for a pass.
import { type Edge, type EdgeTest, edgeText, explore, type Graph } from 'sluice/testing';
import { describe, expect, it } from 'vitest';
import type { AnyMachineSnapshot } from 'xstate';
import type { SchedulerContext } from '#sluice/machines/optimizer-scheduler-setup.js';
import { schedulerCase } from '#sluice/testing/sluice-machines.js';
import { mutate } from './support/mutate.js';

type Machine = ReturnType<typeof schedulerCase>['machine'];

const plans: EdgeTest = (edge) =>
  edge.target.value === 'planning' && edge.source.value !== 'planning';

/** What comes of itself without the clean-up timer, which would hide a lost signal for seconds. */
const withoutCleanup: EdgeTest = ({ armed, event }) =>
  armed && !event.type.startsWith('xstate.after.cleanupInterval');
const withCleanup: EdgeTest = ({ armed }) => armed;

/** Events after which there has to be another planning. */
function asksForPass({ event, target }: Edge): boolean {
  const { slots }: SchedulerContext = target.context;
  if (event.type === 'Operation') return slots.length > 0;
  if (['Nop', 'Resume'].includes(event.type)) return true;
  if (/^xstate\.(done|error)\.actor\.(optimization|permitWaiter)/.test(event.type)) return true;
  if (/^xstate\.error\.actor\.(plan|ensureCapacity)$/.test(event.type)) return true;
  const result = event.type === 'xstate.done.actor.plan' ? event.output : undefined;
  return result !== undefined && (result.short || result.backOffMs > 0);
}

/** States that say themselves that there has to be another planning. */
function hasPending({ value, context }: AnyMachineSnapshot): boolean {
  const { pending, permitWaiter, backOffMs }: SchedulerContext = context;
  // A planning that runs replaces the back-off by what it finds.
  return pending === 'nop' || permitWaiter || (backOffMs > 0 && value !== 'planning');
}

/** Edges into states from which the planning that is due may never come. */
function lostPasses(graph: Graph, along: EdgeTest): Edge[] {
  const sure = graph.surely(plans, along);
  return graph.edges.filter((edge) => {
    const { leaving, held }: SchedulerContext = edge.target.context;
    if (edge.target.status !== 'active' || leaving !== 'no' || held) return false;
    if (plans(edge) || !(asksForPass(edge) || hasPending(edge.target))) return false;
    return !sure.has(edge.to);
  });
}

const reap = { type: 'reap', params: ({ event }: { event: unknown }) => event };
const ENDED_TASK = 'xstate.done.actor.optimization.*';

const isHeld: EdgeTest = ({ source }) => source.context.held;

/**
 * Edges by which the waiting for a trigger goes wrong: something is planned or runs in it, a Nop
 * does not end it, something else does, or it comes back.
 */
function wrongHolds(graph: Graph): Edge[] {
  const ignoredNops = graph.ignored.filter(({ event }) => event.type === 'Nop');
  return [...graph.edges, ...ignoredNops].filter((edge) => {
    const { event, target } = edge;
    if (target.status !== 'active') return false;
    const { held, slots }: SchedulerContext = target.context;
    const isBusy = target.value === 'planning' || slots.some((slot) => slot !== null);
    if (held && (isBusy || event.type === 'Nop')) return true;
    return held !== (isHeld(edge) && event.type !== 'Nop');
  });
}

const HOLD_MUTANTS: Record<string, (machine: Machine) => Machine> = {
  'it plans all the same': (machine) => machine.provide({ guards: { isHeld: () => false } }),
  'a Nop does not release it': (machine) => machine.provide({ actions: { release: () => {} } }),
  'a Nop during a pause is forgotten': (machine) =>
    mutate(machine, ['states', 'paused', 'on', 'Nop'], () => ({})),
};

/** Machines with a fault that loses a pass, each a fault that has been made before. */
const MUTANTS: Record<string, (machine: Machine) => Machine> = {
  'an ended task does not wake a waiting scheduler': (machine) =>
    mutate(machine, ['states', 'waiting', 'on', ENDED_TASK], () => ({ actions: reap })),
  'an ended task during a planning only frees its slot': (machine) =>
    mutate(machine, ['states', 'planning', 'on', ENDED_TASK], () => ({ actions: reap })),
  'the waiter for a permit is not spawned': (machine) =>
    machine.provide({ actions: { launchTasks: () => {} } }),
  'an Operation during a pass is forgotten': (machine) =>
    machine.provide({ actions: { rememberOperation: () => {} } }),
  'a Nop during a pass is forgotten': (machine) =>
    machine.provide({ actions: { rememberNop: () => {} } }),
  'a back-off is not waited for': (machine) =>
    machine.provide({ guards: { isBackingOff: () => false } }),
  'a permit granted during a planning is forgotten': (machine) =>
    mutate(machine, ['states', 'planning', 'on', 'xstate.done.actor.permitWaiter'], () => ({
      actions: 'reapPermitWaiter',
    })),
};

describe('the scheduler and its passes', () => {
  const { machine, how } = schedulerCase(2);
  const graph = explore(machine, how);

  // One slot and no way to leave: small, and all that the mutants need.
  const one = schedulerCase(1);
  one.how.events = [{ type: 'Operation' }, { type: 'Nop' }];

  for (const slots of [0, 1, 2]) {
    it(`loses no signal and no freed slot with ${slots} slots, without the clean-up timer`, () => {
      const other = schedulerCase(slots);
      const searched = slots === 2 ? graph : explore(other.machine, other.how);
      expect(searched.edges.filter(asksForPass).length).toBeGreaterThan(50);
      expect(lostPasses(searched, withoutCleanup).map(edgeText)).toEqual([]);
    });
  }

  for (const [fault, make] of Object.entries(MUTANTS)) {
    it(`would show that ${fault}`, () => {
      const faulty = explore(make(one.machine), one.how);
      expect(lostPasses(faulty, withoutCleanup).length).toBeGreaterThan(0);
    });
  }

  it('would not see that an ended task wakes nobody, were the clean-up timer allowed', () => {
    const mutant = MUTANTS['an ended task does not wake a waiting scheduler'];
    if (mutant === undefined) throw new Error('the mutant is missing');
    expect(lostPasses(explore(mutant(one.machine), one.how), withCleanup)).toEqual([]);
  });

  it.each([0, 1, 2])('held, with %i slots, it loses no signal once it is released', (slots) => {
    const { machine, how } = schedulerCase(slots, true);
    const searched = explore(machine, how);
    expect(searched.edges.filter(isHeld).length).toBeGreaterThan(20);
    expect(lostPasses(searched, withoutCleanup).map(edgeText)).toEqual([]);
    expect(wrongHolds(searched).map(edgeText)).toEqual([]);
  });

  for (const [fault, make] of Object.entries(HOLD_MUTANTS)) {
    it(`held, it would show that ${fault}`, () => {
      const { machine, how } = schedulerCase(1, true);
      expect(wrongHolds(explore(make(machine), how)).length).toBeGreaterThan(0);
    });
  }

  it('keeps a slot taken exactly as long as its task lives', () => {
    for (const [key, snapshot] of graph.snapshots) {
      const { slots, permitWaiter }: SchedulerContext = snapshot.context;
      if (snapshot.status !== 'active') continue;
      slots.forEach((slot, at) => {
        expect(`optimization.${at}` in snapshot.children, key).toBe(slot !== null);
      });
      expect('permitWaiter' in snapshot.children, key).toBe(permitWaiter);
    }
  });

  it('ends and pauses only with no task left', () => {
    for (const [key, { value, context }] of graph.snapshots) {
      if (value !== 'stopped' && value !== 'paused') continue;
      expect((context as SchedulerContext).slots, key).toEqual([null, null]);
    }
  });

  it('comes to rest after a Pause, by what comes of itself, or ends', () => {
    const resting = graph.surely(({ target }) => ['paused', 'stopped'].includes(target.value));
    const pauses = graph.edges.filter(({ event }) => event.type === 'Pause');
    const lost = pauses.filter(({ to, target }) => target.value !== 'paused' && !resting.has(to));
    expect(lost.map(edgeText)).toEqual([]);
  });
});
