// The vocabulary of the scheduler's chart (optimizer-scheduler.ts): context, events, actions.
import { type ActorRef, assign, enqueueActions, type Snapshot, sendTo, setup } from 'xstate';
import { effect, noAction } from './effect.js';
import { optimizationTaskMachine, type TaskOutcome } from './optimization-task.js';
import type { ChartMeta, Nop, Operation, Pause, Paused, Resume, Stop } from './signals.js';

/** What a planning came to. */
export interface PassResult {
  /** Runs to start now, each with its I/O permit in hand; never more than `free`. */
  launches: { run: number }[];
  /** True when a run had to be left out for want of a permit. */
  short: boolean;
  /** Milliseconds until segments that are backing off may be tried again; 0 when there are none. */
  backOffMs: number;
}

export interface PassInput {
  /** The optimizers wait for a trigger. */
  held: boolean;
}

export interface PlanInput {
  /** Slots without a task. */
  free: number;
}

/** A task has ended; the event comes from XState. */
export interface TaskEnded {
  type: `xstate.done.actor.optimization.${number}`;
  actorId: string;
  output: TaskOutcome;
}

/** A task has died of an error of its own; the event comes from XState. */
export interface TaskCrashed {
  type: `xstate.error.actor.optimization.${number}`;
  actorId: string;
  error: unknown;
}

/** The waiter for a permit has ended; the event comes from XState. */
interface PermitWaiterEnded {
  type: 'xstate.done.actor.permitWaiter' | 'xstate.error.actor.permitWaiter';
}

export type SchedulerEvent =
  | Operation
  | Nop
  | Stop
  | Pause
  | Resume
  | TaskEnded
  | TaskCrashed
  | PermitWaiterEnded;

export interface SchedulerInput {
  parent: ActorRef<Snapshot<unknown>, Paused>;
  /** Tasks at once; 0: optimizations are disabled. At most 60. */
  slots: number;
  /** Nothing is planned before the first Nop. */
  held: boolean;
}

interface Slot {
  run: number;
}

export interface SchedulerContext {
  parent: SchedulerInput['parent'];
  /** One place a task, reused; its index is in the task's actor id. */
  slots: (Slot | null)[];
  /** No Nop has come yet, and the scheduler must not begin without one. */
  held: boolean;
  /** The strongest signal that came since the pass began: a Nop outweighs an Operation. */
  pending: 'none' | 'operation' | 'nop';
  /** What the present pass was started by; an `operation` respects the limit of tasks. */
  trigger: 'operation' | 'nop';
  /** Whether the tasks are being cancelled, and for what. */
  leaving: 'no' | 'pause' | 'stop';
  /** A child waits for an I/O permit, keeping its place in the queue. */
  permitWaiter: boolean;
  /** Until segments may be tried again; 0: none is backing off. */
  backOffMs: number;
  /** Failures of the scheduler's own passes in a row; saturates, it only sets the delay. */
  attempt: number;
}

const ATTEMPTS_MAX = 6;

export const optimizerSchedulerMeta: ChartMeta = {
  events: {
    Operation: 'Operations were applied; looks for work if a slot is free.',
    Nop: 'Looks for work, whatever the limit of tasks; ends the waiting for a trigger.',
    Stop: 'Cancel the tasks, wait for them, end.',
    Pause: 'Cancel the tasks, wait for them, tell the parent.',
    Resume: 'Go on after a pause, with this many slots.',
    'xstate.done.actor.optimization.*': 'A task has ended: its slot is free again.',
    'xstate.error.actor.optimization.*': 'A task has crashed: its slot is free again.',
    'xstate.done.actor.permitWaiter': 'An I/O permit has been granted.',
    'xstate.error.actor.permitWaiter': 'Waiting for a permit was given up.',
  },
  guards: {
    isLeaving: 'A Stop or Pause has been received.',
    isHeld: 'Nothing may start before a Nop.',
    mayPlan: 'A slot is free, or the pass was not started by an Operation.',
    isPending: 'A signal came during the pass.',
    isBackingOff: 'Segments wait for another try.',
    isDrainedForStop: 'No task is left, and the scheduler is to end.',
    isDrainedForPause: 'No task is left, and the scheduler is to wait.',
  },
  delays: {
    cleanupInterval: 'The longest time between two passes.',
    backOffDelay: 'Until segments that failed may be tried again.',
    drainLimit: 'How long tasks may take to undo what they did.',
  },
};

const isIdle = (context: SchedulerContext) => context.slots.every((slot) => slot === null);

const scheduler = setup({
  types: {
    context: {} as SchedulerContext,
    events: {} as SchedulerEvent,
    input: {} as SchedulerInput,
  },
  actors: {
    ensureCapacity: effect<void, PassInput>('ensureCapacity'),
    plan: effect<PassResult, PlanInput>('plan'),
    permitWaiter: effect<void>('permitWaiter'),
    optimizationTask: optimizationTaskMachine,
  },
  actions: {
    rememberOperation: assign({
      pending: ({ context }) => (context.pending === 'nop' ? 'nop' : 'operation'),
    }),
    rememberNop: assign({ pending: 'nop' }),
    startedByOperation: assign({ trigger: 'operation', pending: 'none' }),
    startedByNop: assign({ trigger: 'nop', pending: 'none' }),
    startedByPending: assign({
      trigger: ({ context }) => (context.pending === 'operation' ? 'operation' : 'nop'),
      pending: 'none',
    }),
    release: assign({ held: false }),
    clearBackOff: assign({ backOffMs: 0, attempt: 0 }),
    setBackOff: assign({ backOffMs: (_, params: PassResult) => params.backOffMs, attempt: 0 }),
    countFailure: assign({
      attempt: ({ context }) => Math.min(context.attempt + 1, ATTEMPTS_MAX),
      backOffMs: ({ context }) => 100 * 2 ** context.attempt,
    }),
    recordFailure: noAction as (_: unknown, params: { error: unknown }) => void,
    recordTaskCrash: noAction as (_: unknown, params: { run: number; error: unknown }) => void,
    discardLaunches: noAction as (_: unknown, params: PassResult) => void,
    leaveForStop: assign({ leaving: 'stop' }),
    leaveForPause: assign({
      leaving: ({ context }) => (context.leaving === 'stop' ? 'stop' : 'pause'),
    }),
    comeBack: assign({
      leaving: 'no',
      backOffMs: 0,
      attempt: 0,
      slots: (_, params: { slots: number }) => emptySlots(params.slots),
    }),
    tellPaused: sendTo(({ context }) => context.parent, { type: 'Paused' }),
    recordAbandoned: noAction as (_: unknown, params: { runs: number[] }) => void,
  },
  guards: {
    isLeaving: ({ context }) => context.leaving !== 'no',
    isHeld: ({ context }) => context.held,
    mayPlan: ({ context }) => context.trigger === 'nop' || context.slots.includes(null),
    isPending: ({ context }) => context.pending !== 'none',
    isBackingOff: ({ context }) => context.backOffMs > 0,
    isDrainedForStop: ({ context }) => context.leaving === 'stop' && isIdle(context),
    isDrainedForPause: ({ context }) => context.leaving === 'pause' && isIdle(context),
  },
  delays: {
    cleanupInterval: 5000,
    backOffDelay: ({ context }) => context.backOffMs,
    drainLimit: 10_000,
  },
});

export function emptySlots(count: number): null[] {
  return Array.from({ length: Math.min(count, 60) }, () => null);
}

export const optimizerSchedulerSetup = scheduler.extend({
  actions: {
    launchTasks: enqueueActions(({ context, enqueue }, params: PassResult) => {
      const slots = [...context.slots];
      for (const { run } of params.launches) {
        const slot = slots.indexOf(null);
        slots[slot] = { run };
        enqueue.spawnChild('optimizationTask', { id: `optimization.${slot}`, input: { run } });
      }
      enqueue.assign({ slots });
      if (params.short && !context.permitWaiter) {
        enqueue.spawnChild('permitWaiter', { id: 'permitWaiter' });
        enqueue.assign({ permitWaiter: true });
      }
    }),
    reap: enqueueActions(({ context, enqueue }, { actorId }: { actorId: string }) => {
      const slot = slotOf(actorId);
      enqueue.stopChild(actorId);
      enqueue.assign({ slots: context.slots.map((held, at) => (at === slot ? null : held)) });
    }),
    reapPermitWaiter: enqueueActions(({ enqueue }) => {
      enqueue.stopChild('permitWaiter');
      enqueue.assign({ permitWaiter: false });
    }),
    stopTasks: enqueueActions(({ context, enqueue }, params: { why: string }) => {
      context.slots.forEach((slot, at) => {
        if (slot !== null) {
          enqueue.sendTo(`optimization.${at}`, { type: 'Stop', why: params.why });
        }
      });
      if (context.permitWaiter) {
        enqueue.stopChild('permitWaiter');
        enqueue.assign({ permitWaiter: false });
      }
    }),
    abandonTasks: enqueueActions(({ context, enqueue }) => {
      context.slots.forEach((slot, at) => {
        if (slot !== null) enqueue.stopChild(`optimization.${at}`);
      });
      enqueue.assign({ slots: context.slots.map(() => null) });
    }),
  },
});

export const slotOf = (actorId: string) => Number(actorId.slice('optimization.'.length));
