// The root keeps its workers running, and never speaks to one that is gone.
import {
  type Edge,
  type EdgeTest,
  edgeText,
  explore,
  type Graph,
  sluiceMachines,
} from 'sluice/testing';
import { describe, expect, it } from 'vitest';
import type { AnyMachineSnapshot } from 'xstate';
import type { UpdateHandlerContext } from '#sluice/machines/update-handler-setup.js';
import { mutate } from './support/mutate.js';

const WORKERS = ['updateWorker', 'optimizerScheduler', 'flushWorker'] as const;
type Worker = (typeof WORKERS)[number];

const contextOf = (snapshot: AnyMachineSnapshot): UpdateHandlerContext => snapshot.context;
const restarts =
  (worker: Worker): EdgeTest =>
  ({ event, target }) =>
    event.type === 'Restart' && event.worker === worker && contextOf(target).alive[worker];

/** Ends of a worker in a live state after which it may stay away. */
function lostWorkers(graph: Graph): Edge[] {
  return WORKERS.flatMap((worker) => {
    const sure = graph.surely(restarts(worker));
    const ends = [`xstate.done.actor.${worker}`, `xstate.error.actor.${worker}`];
    return graph.edges.filter(
      ({ source, event, to }) =>
        source.matches('live') && ends.includes(event.type) && !sure.has(to),
    );
  });
}

/** States in which the root's picture of its workers is wrong. */
function wrongPictures(graph: Graph): string[] {
  return [...graph.snapshots].flatMap(([key, snapshot]) => {
    const { alive } = contextOf(snapshot);
    if (snapshot.status !== 'active') return [];
    const wrong = WORKERS.some((worker) => worker in snapshot.children !== alive[worker]);
    // What a crash left behind is waited for before there is a successor.
    const tooEarly = WORKERS.some(
      (worker) => `settle.${worker}` in snapshot.children && alive[worker],
    );
    return wrong || tooEarly ? [key] : [];
  });
}

const APPLYING = 'live.reconfiguring.applying';

/** Begins to put in force whatever has been asked for up to now. */
const reconfigures: EdgeTest = ({ source, event, target }) => {
  const again = !source.matches(APPLYING) || event.type.endsWith('.reconfigure');
  return target.matches(APPLYING) && again;
};

function lostConfigurations(graph: Graph): Edge[] {
  const sure = graph.surely(reconfigures);
  return [...graph.edges, ...graph.ignored].filter((edge) => {
    if (edge.event.type !== 'Reconfigure' || !edge.source.matches('live')) return false;
    return !reconfigures(edge) && !sure.has(edge.to);
  });
}

describe('the root', () => {
  const { machine, how } = sluiceMachines.updateHandler;
  const graph = explore(machine, how);
  const among = (states: readonly string[]) => (edge: Edge) =>
    states.some((state) => edge.source.matches(state));

  it('restarts a worker that ends in any live state', () => {
    const ends = graph.edges.filter(
      ({ source, event }) => source.matches('live') && /actor\.\w*(W|S)\w*er$/.test(event.type),
    );
    for (const state of ['recovering', 'running', 'reconfiguring']) {
      expect(ends.some(among([`live.${state}`])), state).toBe(true);
    }
    expect(lostWorkers(graph).map(edgeText)).toEqual([]);
  });

  it('would show that nobody starts a successor', () => {
    const mutant = machine.provide({ actions: { restartLater: () => {} } });
    const alone = { ...how, events: [] };
    expect(lostWorkers(explore(mutant, alone)).length).toBeGreaterThan(0);
  });

  it('knows exactly which workers are there', () => {
    expect(wrongPictures(graph)).toEqual([]);
  });

  it('would show that a reopened store is given a worker twice', () => {
    const mutant = machine.provide({
      actions: { forgetLeftovers: () => {}, dropWorkers: () => {} },
    });
    const events = [{ type: 'Broken' }, { type: 'Reopen' }];
    // What ends well is enough, and keeps the graph small: nothing that has ended is dropped.
    const safe = [...WORKERS, 'settle'].map((name) => [name, { errors: [] }]);
    const children = { ...how.children, ...Object.fromEntries(safe) };
    const graph = explore(mutant, { ...how, events, children, replies: () => [] });
    expect(wrongPictures(graph).length).toBeGreaterThan(0);
  });

  it('speaks to no worker that is gone', () => {
    const mutant = machine.provide({ guards: { schedulerAlive: () => true } });
    expect(() => explore(mutant, how)).toThrow('Unable to send event');
  });

  it('breaks in every live state and while stopping', () => {
    const breaks = graph.edges.filter(({ event }) => event.type === 'Broken');
    const states = [...graph.snapshots.values()].filter(
      (snapshot) => snapshot.matches('live') || snapshot.matches('stopping'),
    );
    expect(breaks).toHaveLength(states.length);
    expect(breaks.filter(({ target }) => !target.matches('broken.breaking')).map(edgeText)).toEqual(
      [],
    );
  });

  it('comes out of a failure by itself, to rest or to the end', () => {
    const sure = graph.surely(
      ({ target }) => target.status === 'done' || !target.matches('broken.breaking'),
    );
    const breaking = [...graph.snapshots].filter(([, state]) => state.matches('broken.breaking'));
    expect(breaking.length).toBeGreaterThan(0);
    expect(breaking.filter(([key]) => !sure.has(key)).map(([key]) => key)).toEqual([]);
  });

  it('begins anew after a Reopen, with nothing left of what was before', () => {
    const reopenings = graph.edges.filter(
      ({ source, target }) => source.matches('broken') && target.matches('opening'),
    );
    expect(reopenings.length).toBeGreaterThan(0);
    for (const { target } of reopenings) {
      expect(Object.keys(target.children)).toEqual(['open']);
      expect(contextOf(target)).toMatchObject({ reconfigure: false, reopening: false });
    }
  });

  it('waits for a trigger from an opening to the first Nop, also for a scheduler to come', () => {
    const live = graph.edges.filter(({ source }) => source.matches('live'));
    const nops = live.filter(({ event }) => event.type === 'Nop');
    const without = nops.filter(({ source }) => !contextOf(source).alive.optimizerScheduler);
    expect(without.length).toBeGreaterThan(0);
    const ignored = graph.ignored.filter(
      ({ source, event }) => source.matches('live') && event.type === 'Nop',
    );
    expect([...nops, ...ignored].filter(({ target }) => contextOf(target).held)).toEqual([]);
    const others = live.filter(({ event }) => event.type !== 'Nop');
    const changed = others.filter(
      ({ source, target }) => contextOf(source).held !== contextOf(target).held,
    );
    expect(changed.map(edgeText)).toEqual([]);
  });

  it('puts every configuration in force, whatever ends meanwhile', () => {
    const asked = graph.edges.filter(({ event }) => event.type === 'Reconfigure');
    expect(asked.length).toBeGreaterThan(10);
    expect(lostConfigurations(graph).map(edgeText)).toEqual([]);
  });

  it('would show that a configuration asked for while another comes into force is lost', () => {
    const applying = ['states', 'live', 'states', 'reconfiguring', 'states', 'applying'];
    const mutant = mutate(machine, [...applying, 'on'], () => ({ Reconfigure: {} }));
    const events = [{ type: 'Reconfigure' }];
    expect(lostConfigurations(explore(mutant, { ...how, events })).length).toBeGreaterThan(0);
  });

  it('lets no scheduler run on the old configuration while the new one comes into force', () => {
    const unpaused = graph.edges.filter(({ source, event, target }) => {
      if (!target.matches(APPLYING) || !contextOf(target).alive.optimizerScheduler) return false;
      const wasPaused = source.matches(APPLYING) && contextOf(source).alive.optimizerScheduler;
      return !wasPaused && event.type !== 'Paused';
    });
    expect(unpaused.map(edgeText)).toEqual([]);
  });
});
