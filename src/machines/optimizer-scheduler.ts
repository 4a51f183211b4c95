import {
  emptySlots,
  optimizerSchedulerMeta,
  optimizerSchedulerSetup,
  type SchedulerContext,
  slotOf,
  type TaskCrashed,
  type TaskEnded,
} from './optimizer-scheduler-setup.js';

const reapDone = { type: 'reap', params: ({ event }: { event: TaskEnded }) => event } as const;
const reapCrashed = [
  {
    type: 'recordTaskCrash',
    params: ({ context, event }: { context: SchedulerContext; event: TaskCrashed }) => ({
      run: context.slots[slotOf(event.actorId)]?.run ?? 0,
      error: event.error,
    }),
  },
  { type: 'reap', params: ({ event }: { event: TaskCrashed }) => event },
] as const;

/**
 * At rest everything leads to a pass, an ended task above all: the pass sees the freed slot
 * (the race of the model's pull request 5111).
 */
const leadsToPass = {
  Operation: { target: 'ensuringCapacity', actions: 'startedByOperation' },
  Nop: { target: 'ensuringCapacity', actions: ['release', 'startedByNop'] },
  Stop: { target: 'draining', actions: 'leaveForStop' },
  Pause: { target: 'draining', actions: 'leaveForPause' },
  'xstate.done.actor.optimization.*': {
    target: 'ensuringCapacity',
    actions: [reapDone, 'startedByNop'],
  },
  'xstate.error.actor.optimization.*': {
    target: 'ensuringCapacity',
    actions: [...reapCrashed, 'startedByNop'],
  },
  'xstate.done.actor.permitWaiter': {
    target: 'ensuringCapacity',
    actions: ['reapPermitWaiter', 'startedByNop'],
  },
  'xstate.error.actor.permitWaiter': {
    target: 'ensuringCapacity',
    actions: ['reapPermitWaiter', 'startedByNop'],
  },
} as const;

/** During a pass everything is remembered; the scheduler leaves when the pass has ended. */
const remembered = {
  Operation: { actions: 'rememberOperation' },
  Nop: { actions: ['release', 'rememberNop'] },
  Stop: { actions: 'leaveForStop' },
  Pause: { actions: 'leaveForPause' },
  'xstate.done.actor.optimization.*': { actions: [reapDone, 'rememberNop'] },
  'xstate.error.actor.optimization.*': { actions: [...reapCrashed, 'rememberNop'] },
  'xstate.done.actor.permitWaiter': { actions: ['reapPermitWaiter', 'rememberNop'] },
  'xstate.error.actor.permitWaiter': { actions: ['reapPermitWaiter', 'rememberNop'] },
} as const;

/** While leaving, ended tasks only free their slots. */
const reaped = {
  Stop: { actions: 'leaveForStop' },
  'xstate.done.actor.optimization.*': { actions: reapDone },
  'xstate.error.actor.optimization.*': { actions: reapCrashed },
} as const;

/** Looks for segments to optimize and keeps up to `slots` tasks at work on them. */
export const optimizerSchedulerMachine = optimizerSchedulerSetup.createMachine({
  id: 'optimizerScheduler',
  description: 'Plans optimizations and runs them as tasks, within the limits.',
  meta: optimizerSchedulerMeta,
  context: ({ input }) => ({
    parent: input.parent,
    slots: emptySlots(input.slots),
    held: input.held,
    pending: 'none',
    trigger: 'nop',
    leaving: 'no',
    permitWaiter: false,
    backOffMs: 0,
    attempt: 0,
  }),
  // A new scheduler looks at once, as after a Nop: what was pending before a restart still is.
  initial: 'ensuringCapacity',
  states: {
    waiting: {
      description: 'Nothing to start now; a signal, an ended task or the clock leads to a pass.',
      on: leadsToPass,
      after: { cleanupInterval: { target: 'ensuringCapacity', actions: 'startedByNop' } },
    },
    backingOff: {
      description: 'As waiting, but what failed is tried again when its back-off ends.',
      on: leadsToPass,
      after: { backOffDelay: { target: 'ensuringCapacity', actions: 'startedByNop' } },
    },
    ensuringCapacity: {
      description: 'A pass begins: there must be an appendable segment with room.',
      on: remembered,
      invoke: {
        id: 'ensureCapacity',
        src: 'ensureCapacity',
        input: ({ context }) => ({ held: context.held }),
        onDone: [
          { guard: 'isLeaving', target: 'draining' },
          { guard: 'isHeld', target: 'launching', actions: 'clearBackOff' },
          { guard: 'mayPlan', target: 'planning' },
          { target: 'launching' },
        ],
        onError: [
          { guard: 'isLeaving', target: 'draining' },
          {
            target: 'launching',
            actions: [
              'countFailure',
              { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
            ],
          },
        ],
      },
    },
    planning: {
      description: 'Asks the optimizers what to do, and the budget for I/O permits.',
      on: remembered,
      invoke: {
        id: 'plan',
        src: 'plan',
        input: ({ context }) => ({ free: context.slots.filter((slot) => slot === null).length }),
        onDone: [
          {
            guard: 'isLeaving',
            target: 'draining',
            actions: { type: 'discardLaunches', params: ({ event }) => event.output },
          },
          {
            target: 'launching',
            actions: [
              { type: 'setBackOff', params: ({ event }) => event.output },
              { type: 'launchTasks', params: ({ event }) => event.output },
            ],
          },
        ],
        onError: [
          { guard: 'isLeaving', target: 'draining' },
          {
            target: 'launching',
            actions: [
              'countFailure',
              { type: 'recordFailure', params: ({ event }) => ({ error: event.error }) },
            ],
          },
        ],
      },
    },
    launching: {
      description: 'The tasks of this pass have been started; what came meanwhile decides.',
      always: [
        { guard: 'isPending', target: 'ensuringCapacity', actions: 'startedByPending' },
        { guard: 'isBackingOff', target: 'backingOff' },
        { target: 'waiting' },
      ],
    },
    draining: {
      description: 'Every task is cancelled and waited for; one that swaps finishes.',
      entry: { type: 'stopTasks', params: { why: 'cancelled by the scheduler' } },
      on: reaped,
      always: [
        { guard: 'isDrainedForStop', target: 'stopped' },
        { guard: 'isDrainedForPause', target: 'paused', actions: 'tellPaused' },
      ],
      after: {
        drainLimit: {
          actions: [
            {
              type: 'recordAbandoned',
              params: ({ context }) => ({
                runs: context.slots.flatMap((slot) => (slot === null ? [] : [slot.run])),
              }),
            },
            'abandonTasks',
          ],
        },
      },
    },
    paused: {
      description: 'No task runs and none is started, until Resume.',
      // No second Pause comes: the root sends the Resume of one change before it begins another.
      on: {
        Resume: {
          target: 'ensuringCapacity',
          actions: [{ type: 'comeBack', params: ({ event }) => event }, 'startedByNop'],
        },
        Nop: { actions: 'release' },
        Stop: { target: 'stopped' },
      },
    },
    stopped: { type: 'final', description: 'The scheduler has ended; no task is left.' },
  },
});
