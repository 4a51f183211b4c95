// The vocabulary of the root's chart (update-handler.ts): its context, events, guards and actions.
import { assign, enqueueActions, sendTo, setup } from 'xstate';
import { effect, noAction } from './effect.js';
import { flushWorkerMachine } from './flush-worker.js';
import { optimizerSchedulerMachine } from './optimizer-scheduler.js';
import type {
  Applied,
  Broken,
  ChartMeta,
  Flush,
  Nop,
  Operation,
  Paused,
  Reconfigure,
  Reopen,
  Restart,
  Stop,
  WorkerId,
} from './signals.js';
import { updateWorkerMachine } from './update-worker.js';

/** A worker has ended without being asked to, or has died; the event comes from XState. */
export interface WorkerEnded {
  type: `xstate.done.actor.${WorkerId}` | `xstate.error.actor.${WorkerId}`;
  actorId: WorkerId;
  error?: unknown;
}

/** What a crashed worker left behind has settled; the event comes from XState. */
export interface LeftoversSettled {
  type: `xstate.done.actor.settle.${WorkerId}` | `xstate.error.actor.settle.${WorkerId}`;
  actorId: `settle.${WorkerId}`;
  output: { worker: WorkerId };
}

export type UpdateHandlerEvent =
  | Operation
  | Nop
  | Flush
  | Stop
  | Applied
  | Paused
  | Reconfigure
  | Broken
  | Reopen
  | Restart
  | WorkerEnded
  | LeftoversSettled;

/** Settings that the charts need; the configuration in force, read when a worker is spawned. */
export interface UpdateHandlerSettings {
  slots: number;
  flushIntervalMs: number;
}

/** What an opening has found out. */
export interface Opened extends UpdateHandlerSettings {
  /** The optimizers must wait for a trigger. */
  held: boolean;
}

export interface UpdateHandlerContext extends Opened {
  /** Which workers are there to be spoken to. */
  alive: Record<WorkerId, boolean>;
  /** Crashes of each worker since the store was opened; saturates, it only sets the delay. */
  crashes: Record<WorkerId, number>;
  /** A configuration is waiting. */
  reconfigure: boolean;
  /** A Flush came while there was no flush worker; its successor begins with a round. */
  flush: boolean;
  /** A Stop came before the handler could act on it. */
  stopping: boolean;
  /** A Reopen came while the workers were still being taken down. */
  reopening: boolean;
  /** Opened at least once: a failed reopening leaves the handler broken, not stopped. */
  opened: boolean;
}

const CRASHES_MAX = 8;
export const NO_CRASHES = { updateWorker: 0, optimizerScheduler: 0, flushWorker: 0 };
export const NONE_ALIVE = { updateWorker: false, optimizerScheduler: false, flushWorker: false };

export const updateHandlerMeta: ChartMeta = {
  events: {
    Operation: 'The log has operations to apply; goes to the update worker.',
    Nop: 'Goes to the scheduler; whoever succeeds it need not wait for a trigger either.',
    Flush: 'Goes to the flush worker, or waits for it.',
    Stop: 'Stop the workers in order, then close.',
    Applied: 'The update worker has got on; goes to the scheduler as Operation.',
    Paused: 'No optimization is running; the configuration may change.',
    Reconfigure: 'A configuration is waiting to be put in force.',
    Broken: 'The storage failed for good.',
    Reopen: 'Open again after a failure.',
    Restart: 'The back-off of a crashed worker is over.',
    'xstate.done.actor.updateWorker': 'The update worker has ended.',
    'xstate.error.actor.updateWorker': 'The update worker has crashed.',
    'xstate.done.actor.optimizerScheduler': 'The scheduler has ended.',
    'xstate.error.actor.optimizerScheduler': 'The scheduler has crashed.',
    'xstate.done.actor.flushWorker': 'The flush worker has ended.',
    'xstate.error.actor.flushWorker': 'The flush worker has crashed.',
    'xstate.done.actor.settle.*': 'What a crashed worker had begun has ended.',
    'xstate.error.actor.settle.*': 'The same, with an error.',
  },
  guards: {
    isStopping: 'A Stop came earlier.',
    isReopening: 'A Reopen came earlier.',
    wasOpened: 'The store has been open before.',
    hasCaughtUp: 'Nothing is left to apply.',
    mustReconfigure: 'A configuration is waiting.',
    updateWorkerAlive: 'The update worker is there.',
    schedulerAlive: 'The scheduler is there.',
    flushWorkerAlive: 'The flush worker is there.',
    updateWorkerGone: 'The update worker has ended.',
    schedulerGone: 'The scheduler has ended, and its tasks with it.',
    flushWorkerGone: 'The flush worker has ended.',
  },
  delays: {
    stopUpdateLimit: 'How long the update worker may take to end.',
    stopSchedulerLimit: 'How long the scheduler may take to end.',
    stopFlushLimit: 'How long the last flush may take.',
    closeLimit: 'How long the log and the segments may take to close.',
    breakLimit: 'How long what the workers had begun may take to settle.',
  },
};

const handler = setup({
  types: {
    context: {} as UpdateHandlerContext,
    events: {} as UpdateHandlerEvent,
    input: {} as UpdateHandlerSettings,
  },
  actors: {
    open: effect<Opened>('open'),
    reconfigure: effect<UpdateHandlerSettings>('reconfigure'),
    settle: effect<{ worker: WorkerId }, { worker: WorkerId }>('settle'),
    breakDown: effect<void>('breakDown'),
    close: effect<void>('close'),
    updateWorker: updateWorkerMachine,
    optimizerScheduler: optimizerSchedulerMachine,
    flushWorker: flushWorkerMachine,
  },
  actions: {
    markStopping: assign({ stopping: true }),
    markReopening: assign({ reopening: true }),
    clearReopening: assign({ reopening: false }),
    markOpened: assign({ opened: true }),
    markReconfigure: assign({ reconfigure: true }),
    clearReconfigure: assign({ reconfigure: false }),
    markFlush: assign({ flush: true }),
    setOpened: assign((_, params: Opened) => params),
    release: assign({ held: false }),
    clearCrashes: assign({ crashes: NO_CRASHES }),
    forwardOperation: sendTo('updateWorker', { type: 'Operation' }),
    wakeScheduler: sendTo('optimizerScheduler', { type: 'Operation' }),
    forwardNop: sendTo('optimizerScheduler', { type: 'Nop' }),
    forwardFlush: sendTo('flushWorker', { type: 'Flush' }),
    recordCrash: noAction as (_: unknown, params: { actorId: WorkerId; error?: unknown }) => void,
    recordOpenFailure: noAction as (_: unknown, params: { error: unknown }) => void,
    recordReconfigureFailure: noAction as (_: unknown, params: { error: unknown }) => void,
    recordCloseFailure: noAction as (_: unknown, params: { error: unknown }) => void,
    recordOverdue: noAction as (_: unknown, params: { stage: string }) => void,
    refuseReconfigure: noAction,
    answerReconfigure: noAction,
    admit: noAction,
    closeAdmission: noAction,
    abortOpening: noAction,
    abortRunning: noAction,
  },
  guards: {
    isStopping: ({ context }) => context.stopping,
    isReopening: ({ context }) => context.reopening,
    wasOpened: ({ context }) => context.opened,
    hasCaughtUp: (_, params: Applied) => params.caughtUp,
    mustReconfigure: ({ context }) => context.reconfigure,
    updateWorkerAlive: ({ context }) => context.alive.updateWorker,
    schedulerAlive: ({ context }) => context.alive.optimizerScheduler,
    flushWorkerAlive: ({ context }) => context.alive.flushWorker,
    updateWorkerGone: ({ context }) => !context.alive.updateWorker,
    schedulerGone: ({ context }) => !context.alive.optimizerScheduler,
    flushWorkerGone: ({ context }) => !context.alive.flushWorker,
  },
  delays: {
    stopUpdateLimit: 35_000,
    stopSchedulerLimit: 15_000,
    stopFlushLimit: 30_000,
    closeLimit: 15_000,
    breakLimit: 15_000,
  },
});

/** Workers are spawned under fixed ids, so that they can be restarted in place. */
export const updateHandlerSetup = handler.extend({
  actions: {
    spawnWorker: enqueueActions(({ context, enqueue, self }, { worker }: { worker: WorkerId }) => {
      if (worker === 'updateWorker') {
        enqueue.spawnChild('updateWorker', { id: worker, input: { parent: self } });
      } else if (worker === 'optimizerScheduler') {
        const input = { parent: self, slots: context.slots, held: context.held };
        enqueue.spawnChild('optimizerScheduler', { id: worker, input });
      } else {
        const input = { flushIntervalMs: context.flushIntervalMs };
        enqueue.spawnChild('flushWorker', { id: worker, input });
        if (context.flush) enqueue.sendTo(worker, { type: 'Flush' });
        enqueue.assign({ flush: false });
      }
      enqueue.assign({ alive: { ...context.alive, [worker]: true } });
    }),
    reapWorker: enqueueActions(({ context, enqueue }, { actorId }: { actorId: WorkerId }) => {
      enqueue.stopChild(actorId);
      enqueue.assign({ alive: { ...context.alive, [actorId]: false } });
    }),
    settleLeftovers: enqueueActions(({ context, enqueue }, { actorId }: { actorId: WorkerId }) => {
      const count = Math.min(context.crashes[actorId] + 1, CRASHES_MAX);
      enqueue.assign({ crashes: { ...context.crashes, [actorId]: count } });
      enqueue.spawnChild('settle', { id: `settle.${actorId}`, input: { worker: actorId } });
    }),
    stopWorker: enqueueActions(({ context, enqueue }, { worker }: { worker: WorkerId }) => {
      if (context.alive[worker]) enqueue.sendTo(worker, { type: 'Stop' });
    }),
    pauseScheduler: enqueueActions(({ context, enqueue }) => {
      if (context.alive.optimizerScheduler) enqueue.sendTo('optimizerScheduler', { type: 'Pause' });
    }),
    putInForce: enqueueActions(({ context, enqueue }, settings: UpdateHandlerSettings) => {
      const { slots, flushIntervalMs } = settings;
      enqueue.assign({ slots, flushIntervalMs });
      if (context.alive.optimizerScheduler) {
        enqueue.sendTo('optimizerScheduler', { type: 'Resume', slots });
      }
      if (context.alive.flushWorker) {
        enqueue.sendTo('flushWorker', { type: 'Reconfigured', flushIntervalMs });
      }
    }),
    restartLater: enqueueActions(
      ({ context, enqueue }, { actorId }: { actorId: `settle.${WorkerId}` }) => {
        enqueue.stopChild(actorId);
        const worker = actorId.slice('settle.'.length) as WorkerId;
        const delay = 50 * 2 ** context.crashes[worker];
        enqueue.raise({ type: 'Restart', worker }, { id: `restart.${worker}`, delay });
      },
    ),
    postponeRestart: enqueueActions(({ enqueue }, { worker }: Restart) => {
      enqueue.raise({ type: 'Restart', worker }, { id: `restart.${worker}`, delay: 50 });
    }),
    forgetLeftovers: enqueueActions(
      ({ enqueue }, { actorId }: { actorId: `settle.${WorkerId}` }) => {
        enqueue.stopChild(actorId);
      },
    ),
    dropWorkers: enqueueActions(({ context, enqueue }) => {
      for (const worker of Object.keys(NONE_ALIVE) as WorkerId[]) {
        if (context.alive[worker]) enqueue.stopChild(worker);
        // Left alone, it would restart a worker that is alive again after a Reopen.
        enqueue.stopChild(`settle.${worker}`);
        enqueue.cancel(`restart.${worker}`);
      }
      enqueue.assign({ alive: NONE_ALIVE });
    }),
  },
});
