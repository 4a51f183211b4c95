import {
  type LeftoversSettled,
  NO_CRASHES,
  NONE_ALIVE,
  updateHandlerMeta,
  updateHandlerSetup,
  type WorkerEnded,
} from './update-handler-setup.js';

const crashed = {
  actions: [
    { type: 'recordCrash', params: ({ event }: { event: WorkerEnded }) => event },
    { type: 'reapWorker', params: ({ event }: { event: WorkerEnded }) => event },
    { type: 'settleLeftovers', params: ({ event }: { event: WorkerEnded }) => event },
  ],
} as const;

const settled = {
  actions: { type: 'restartLater', params: ({ event }: { event: LeftoversSettled }) => event },
} as const;

/** A worker that ends unasked counts as crashed and is restarted. */
const supervised = {
  'xstate.done.actor.updateWorker': crashed,
  'xstate.error.actor.updateWorker': crashed,
  'xstate.done.actor.optimizerScheduler': crashed,
  'xstate.error.actor.optimizerScheduler': crashed,
  'xstate.done.actor.flushWorker': crashed,
  'xstate.error.actor.flushWorker': crashed,
  'xstate.done.actor.settle.*': settled,
  'xstate.error.actor.settle.*': settled,
} as const;

const ended = {
  actions: { type: 'reapWorker', params: ({ event }: { event: WorkerEnded }) => event },
} as const;

const forgotten = {
  actions: { type: 'forgetLeftovers', params: ({ event }: { event: LeftoversSettled }) => event },
} as const;

/** While leaving, a worker that ends has ended, and what a crash left behind is not succeeded. */
const released = {
  'xstate.done.actor.updateWorker': ended,
  'xstate.error.actor.updateWorker': ended,
  'xstate.done.actor.optimizerScheduler': ended,
  'xstate.error.actor.optimizerScheduler': ended,
  'xstate.done.actor.flushWorker': ended,
  'xstate.error.actor.flushWorker': ended,
  'xstate.done.actor.settle.*': forgotten,
  'xstate.error.actor.settle.*': forgotten,
} as const;

/** Opens the store, supervises the workers, and takes them down in order. */
export const updateHandlerMachine = updateHandlerSetup.createMachine({
  id: 'updateHandler',
  description: 'The root: opens, recovers, supervises the workers, stops, and survives failures.',
  meta: updateHandlerMeta,
  context: ({ input }) => ({
    ...input,
    held: false,
    alive: NONE_ALIVE,
    crashes: NO_CRASHES,
    reconfigure: false,
    flush: false,
    stopping: false,
    reopening: false,
    opened: false,
  }),
  initial: 'opening',
  states: {
    opening: {
      description: 'The log and the segments are opened and compared.',
      entry: 'clearReopening',
      on: {
        Stop: { actions: ['markStopping', 'abortOpening'] },
        Reconfigure: { actions: 'markReconfigure' },
        Flush: { actions: 'markFlush' },
      },
      invoke: {
        id: 'open',
        src: 'open',
        onDone: [
          { guard: 'isStopping', target: 'closing' },
          {
            target: 'live',
            actions: [
              'markOpened',
              'admit',
              'clearCrashes',
              { type: 'setOpened', params: ({ event }) => event.output },
            ],
          },
        ],
        onError: [
          { guard: 'isStopping', target: 'closing' },
          {
            guard: 'wasOpened',
            target: 'broken.resting',
            actions: [{ type: 'recordOpenFailure', params: ({ event }) => event }],
          },
          {
            target: 'closing',
            actions: [{ type: 'recordOpenFailure', params: ({ event }) => event }],
          },
        ],
      },
    },
    live: {
      description: 'The workers are running.',
      initial: 'recovering',
      on: {
        ...supervised,
        Operation: { guard: 'updateWorkerAlive', actions: 'forwardOperation' },
        Nop: [
          { guard: 'schedulerAlive', actions: ['release', 'forwardNop'] },
          { actions: 'release' },
        ],
        Flush: [{ guard: 'flushWorkerAlive', actions: 'forwardFlush' }, { actions: 'markFlush' }],
        Applied: { guard: 'schedulerAlive', actions: 'wakeScheduler' },
        Reconfigure: { actions: 'markReconfigure' },
        Restart: { actions: { type: 'spawnWorker', params: ({ event }) => event } },
        Broken: { target: 'broken' },
        Stop: { target: 'stopping' },
      },
      states: {
        recovering: {
          description: 'The update worker replays what the segments do not hold yet.',
          entry: { type: 'spawnWorker', params: { worker: 'updateWorker' } },
          on: {
            Applied: {
              guard: { type: 'hasCaughtUp', params: ({ event }) => event },
              target: 'running',
              actions: [
                { type: 'spawnWorker', params: { worker: 'optimizerScheduler' } },
                { type: 'spawnWorker', params: { worker: 'flushWorker' } },
              ],
            },
          },
        },
        running: {
          description: 'Operations are applied, segments optimized and flushed.',
          always: { guard: 'mustReconfigure', target: 'reconfiguring' },
        },
        reconfiguring: {
          description:
            'Optimizations are cancelled, then the newest configuration comes into force.',
          initial: 'pausing',
          states: {
            pausing: {
              description: 'The scheduler is cancelling its tasks; the log goes on.',
              entry: 'pauseScheduler',
              always: { guard: 'schedulerGone', target: 'applying' },
              on: { Paused: { target: 'applying' } },
            },
            applying: {
              description: 'The newest configuration is put in force in one step.',
              entry: 'clearReconfigure',
              // A scheduler started now would run on the old configuration, and miss the Resume.
              on: {
                Restart: { actions: { type: 'postponeRestart', params: ({ event }) => event } },
              },
              invoke: {
                id: 'reconfigure',
                src: 'reconfigure',
                onDone: {
                  target: '#updateHandler.live.running',
                  actions: [
                    { type: 'putInForce', params: ({ event }) => event.output },
                    'answerReconfigure',
                  ],
                },
                onError: {
                  target: '#updateHandler.live.running',
                  actions: [
                    { type: 'recordReconfigureFailure', params: ({ event }) => event },
                    { type: 'putInForce', params: ({ context }) => context },
                  ],
                },
              },
            },
          },
        },
      },
    },
    stopping: {
      description: 'The workers are stopped, one stage after the other, each with a limit.',
      entry: ['closeAdmission', 'refuseReconfigure'],
      initial: 'updateWorker',
      on: {
        ...released,
        Reconfigure: { actions: 'refuseReconfigure' },
        Broken: { target: 'broken', actions: 'markStopping' },
      },
      states: {
        updateWorker: {
          description: 'What is in the log is applied.',
          entry: { type: 'stopWorker', params: { worker: 'updateWorker' } },
          always: { guard: 'updateWorkerGone', target: 'optimizerScheduler' },
          after: {
            stopUpdateLimit: {
              target: 'optimizerScheduler',
              actions: { type: 'recordOverdue', params: { stage: 'update worker' } },
            },
          },
        },
        optimizerScheduler: {
          description: 'Optimizations are cancelled and rolled back.',
          entry: { type: 'stopWorker', params: { worker: 'optimizerScheduler' } },
          always: { guard: 'schedulerGone', target: 'flushWorker' },
          after: {
            stopSchedulerLimit: {
              target: 'flushWorker',
              actions: { type: 'recordOverdue', params: { stage: 'optimizer scheduler' } },
            },
          },
        },
        flushWorker: {
          description: 'The last flush.',
          entry: { type: 'stopWorker', params: { worker: 'flushWorker' } },
          always: { guard: 'flushWorkerGone', target: '#updateHandler.closing' },
          after: {
            stopFlushLimit: {
              target: '#updateHandler.closing',
              actions: { type: 'recordOverdue', params: { stage: 'flush worker' } },
            },
          },
        },
      },
    },
    closing: {
      description: 'Everything still pending is answered; the log and the segments are closed.',
      entry: ['closeAdmission', 'refuseReconfigure', 'abortRunning', 'dropWorkers'],
      on: { Reconfigure: { actions: 'refuseReconfigure' } },
      invoke: {
        id: 'close',
        src: 'close',
        onDone: { target: 'stopped' },
        onError: {
          target: 'stopped',
          actions: { type: 'recordCloseFailure', params: ({ event }) => event },
        },
      },
      after: {
        closeLimit: {
          target: 'stopped',
          actions: { type: 'recordOverdue', params: { stage: 'closing' } },
        },
      },
    },
    broken: {
      description: 'The storage failed: nothing is written; reads from memory go on.',
      initial: 'breaking',
      // The scheduler must not follow up a task that is cancelled here with another one.
      entry: [
        'abortRunning',
        'refuseReconfigure',
        'clearReconfigure',
        { type: 'stopWorker', params: { worker: 'optimizerScheduler' } },
      ],
      on: { Reconfigure: { actions: 'refuseReconfigure' } },
      states: {
        breaking: {
          description: 'Everything pending is rejected; what the workers had begun settles.',
          on: {
            ...released,
            Stop: { actions: 'markStopping' },
            Reopen: { actions: 'markReopening' },
          },
          invoke: {
            id: 'breakDown',
            src: 'breakDown',
            onDone: { target: 'resting', actions: 'dropWorkers' },
            onError: { target: 'resting', actions: 'dropWorkers' },
          },
          after: {
            breakLimit: {
              target: 'resting',
              actions: ['dropWorkers', { type: 'recordOverdue', params: { stage: 'breaking' } }],
            },
          },
        },
        resting: {
          description: 'Waits to be reopened or closed.',
          always: [
            { guard: 'isStopping', target: '#updateHandler.closing' },
            { guard: 'isReopening', target: '#updateHandler.opening' },
          ],
          on: {
            Stop: { target: '#updateHandler.closing' },
            Reopen: { target: '#updateHandler.opening' },
          },
        },
      },
    },
    stopped: { type: 'final', description: 'Everything is closed.' },
  },
});
