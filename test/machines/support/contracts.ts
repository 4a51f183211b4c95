// What each of the five machines owes to the rest, said without its chart: by what comes of itself
// (properties of the graph) and by what the services see (worlds).
import type { EdgeTest, MachineCase, Properties, SnapshotTest } from 'sluice/testing';
import type { SchedulerContext } from '#sluice/machines/optimizer-scheduler-setup.js';
import { ConfigurationWorld } from '../worlds/configuration-world.js';
import { DiskWorld } from '../worlds/disk-world.js';
import { LogWorld } from '../worlds/log-world.js';
import { OptimizersWorld } from '../worlds/optimizers-world.js';
import { SegmentsWorld } from '../worlds/segments-world.js';
import { WORKERS, type Worker } from '../worlds/store-life.js';
import { StoreWorld } from '../worlds/store-world.js';
import { WorkersWorld } from '../worlds/workers-world.js';
import type { World } from '../worlds/world.js';

/** What must hold for a machine. */
export interface Contract {
  properties: Properties;
  /** New ones for each path. */
  worlds: () => World[];
}

const COMMON: Properties = { stop: 'Stop', heedsChildren: true };

/** Steps in which a child begins, whatever its state is called. */
const begins =
  (id: string): EdgeTest =>
  ({ executed }) =>
    executed.some(
      ({ type, params }) => type === 'xstate.spawnChild' && (params as { id: string }).id === id,
    );

const executes =
  (action: string): EdgeTest =>
  ({ executed }) =>
    executed.some(({ type }) => type === action);

const crashes: EdgeTest = ({ target }) => target.status === 'error';
const either =
  (...tests: EdgeTest[]): EdgeTest =>
  (edge) =>
    tests.some((test) => test(edge));

const updateWorker = (): Contract => ({
  properties: {
    ...COMMON,
    // Its parent starts another.
    mayCrash: ['applier failed', 'drain failed'],
    progress: {
      'every Operation leads to an applier that begins after it': {
        after: ({ event, target }) => event.type === 'Operation' && !target.context.stopping,
        reaches: either(begins('applier'), crashes),
      },
    },
  },
  worlds: () => [new LogWorld()],
});

const flushWorker = ({ how }: MachineCase): Contract => ({
  properties: {
    ...COMMON,
    progress: {
      // In the last round no other can follow: who asks then is refused, as after the end.
      'every Flush leads to a round that begins after it': {
        after: ({ event, target }) => event.type === 'Flush' && target.context.stop !== 'lastRound',
        reaches: begins('capture'),
        without: ['after flushInterval'],
      },
    },
  },
  worlds: () => [new DiskWorld(how.input.flushIntervalMs)],
});

/** What the task's ends are called, for those who look at its state. */
const ENDS: Record<string, string> = { done: 'done', cancelled: 'rolledBack', failed: 'failed' };

const optimizationTask = ({ how }: MachineCase): Contract => ({
  properties: {
    ...COMMON,
    forbidden: {
      'an end that is called otherwise than it is told': ({ status, value, output }) =>
        status === 'done' && value !== ENDS[output.outcome],
    },
  },
  worlds: () => [new SegmentsWorld(how.input.run)],
});

/** Events after which there has to be another planning. */
const asksForPass: EdgeTest = ({ source, event, target }) => {
  const { slots, leaving, held }: SchedulerContext = target.context;
  if (leaving !== 'no' || held) return false;
  if (event.type === 'Operation') return slots.length > 0;
  if (event.type === 'Nop') return true;
  if (event.type === 'Resume') return source.context.leaving !== 'no';
  if (/^xstate\.(done|error)\.actor\.(optimization|permitWaiter)/.test(event.type)) return true;
  if (/^xstate\.error\.actor\.(plan|ensureCapacity)$/.test(event.type)) return true;
  const result = event.type === 'xstate.done.actor.plan' ? event.output : undefined;
  return result !== undefined && (result.short || result.backOffMs > 0);
};

/** A permit is waited for, or an end of a back-off. */
const waits: SnapshotTest = ({ children, context, value }) => {
  const { leaving, held, backOffMs }: SchedulerContext = context;
  if (leaving !== 'no' || held) return false;
  // A planning that runs replaces the back-off by what it finds.
  return 'permitWaiter' in children || (backOffMs > 0 && value !== 'planning');
};

const optimizerScheduler = ({ how }: MachineCase): Contract => ({
  properties: {
    ...COMMON,
    progress: {
      'whatever asks for a planning leads to one': {
        from: waits,
        after: asksForPass,
        reaches: begins('plan'),
        // It would hide for seconds that something was forgotten.
        without: ['after cleanupInterval'],
      },
      'a Pause leads to rest, or to the end': {
        // While it rests there is nothing to tell: the root pauses it once.
        after: ({ source, event }) => event.type === 'Pause' && !source.matches('paused'),
        reaches: ({ target, executed }) =>
          target.status === 'done' || executed.some(({ type }) => type === 'xstate.sendTo'),
      },
    },
  },
  worlds: () => [new OptimizersWorld(how.input.slots, how.input.held)],
});

const ends =
  (worker: Worker): EdgeTest =>
  ({ source, event }) =>
    source.matches('live') && event.actorId === worker;

const updateHandler = (): Contract => ({
  properties: {
    ...COMMON,
    progress: {
      ...Object.fromEntries(
        WORKERS.map((worker) => [
          `a ${worker} that ends is followed by another`,
          { after: ends(worker), reaches: begins(worker) },
        ]),
      ),
      'every configuration that is asked for comes into force': {
        after: ({ event, source }) =>
          event.type === 'Reconfigure' && (source.matches('live') || source.matches('opening')),
        // What can't come is refused.
        reaches: either(begins('reconfigure'), executes('refuseReconfigure')),
        // A crash of the scheduler would hide that its reply is not heard.
        without: ['optimizerScheduler done', 'optimizerScheduler failed'],
      },
      'a failure comes to rest': {
        from: (snapshot) => 'breakDown' in snapshot.children,
        reaches: ({ target }) => !('breakDown' in target.children),
      },
      'a store that has been opened comes to run': {
        after: ({ event, target }) =>
          event.type === 'xstate.done.actor.open' && target.matches('live'),
        reaches: begins('optimizerScheduler'),
      },
    },
  },
  worlds: () => [new StoreWorld(), new WorkersWorld(), new ConfigurationWorld()],
});

const CONTRACTS: Record<string, (of: MachineCase) => Contract> = {
  updateWorker,
  flushWorker,
  optimizationTask,
  optimizerScheduler,
  updateHandler,
};

export function contractOf(machine: string, made: MachineCase): Contract {
  const make = CONTRACTS[machine];
  if (make === undefined) throw new TypeError(`no contract of ${machine}`);
  return make(made);
}
