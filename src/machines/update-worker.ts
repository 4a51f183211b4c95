import { type ActorRef, assign, type Snapshot, sendTo, setup } from 'xstate';
import { effect, noAction } from './effect.js';
import type { Applied, ChartMeta, Nop, Operation, Plunger, Stop } from './signals.js';

/** How a run of the applier ended: nothing left, or an operation that must be tried again later. */
export interface ApplierResult {
  outcome: 'caughtUp' | 'retry';
}

/** Whom an applier tells of progress and of the signals that it meets in the log's order. */
export interface ApplierInput {
  owner: { send(event: UpdateWorkerEvent): void };
}

export type UpdateWorkerEvent = Operation | Nop | Plunger | Stop | Applied;

export interface UpdateWorkerInput {
  parent: ActorRef<Snapshot<unknown>, Applied | Nop>;
}

export interface UpdateWorkerContext extends UpdateWorkerInput {
  /** An `Operation` came while the applier was on its way out. */
  woken: boolean;
  stopping: boolean;
  /** Failed tries of the same operation; saturates, it only sets the delay. */
  attempt: number;
}

const ATTEMPTS_MAX = 8;

const meta: ChartMeta = {
  events: {
    Operation: 'The log has operations that are not applied.',
    Nop: 'Passed on to the scheduler, in its place among the operations.',
    Plunger: 'Answered: everything submitted before it has been applied.',
    Stop: 'Close admission, apply what is in the log, end.',
    Applied: 'The applier reports how far it has come.',
  },
  guards: {
    isStopping: 'A Stop has been received.',
    mustRetry: 'The applier stands at an operation that failed for now.',
    isWoken: 'An Operation came while the applier was ending.',
  },
  delays: {
    retryDelay: 'Until an operation that failed is tried again; doubles from try to try.',
    drainLimit: 'How long the last operations may take.',
  },
};

/** Applies the log's unapplied tail, in order, with one applier per busy period. */
export const updateWorkerMachine = setup({
  types: {
    context: {} as UpdateWorkerContext,
    events: {} as UpdateWorkerEvent,
    input: {} as UpdateWorkerInput,
  },
  actors: {
    applier: effect<ApplierResult, ApplierInput>('applier'),
    drain: effect<ApplierResult, ApplierInput>('drain'),
  },
  actions: {
    answerPlunger: noAction as (_: unknown, params: { id: number }) => void,
    closeAdmission: noAction,
    abandonDrain: noAction,
    forwardNop: sendTo(({ context }) => context.parent, { type: 'Nop' }),
    report: sendTo(
      ({ context }) => context.parent,
      (_, applied: Applied) => applied,
    ),
    markWoken: assign({ woken: true }),
    clearWoken: assign({ woken: false }),
    markStopping: assign({ stopping: true }),
    countAttempt: assign({ attempt: ({ context }) => Math.min(context.attempt + 1, ATTEMPTS_MAX) }),
    clearAttempts: assign({ attempt: 0 }),
  },
  guards: {
    isStopping: ({ context }) => context.stopping,
    isWoken: ({ context }) => context.woken,
    mustRetry: (_, params: ApplierResult) => params.outcome === 'retry',
  },
  delays: {
    retryDelay: ({ context }) => Math.min(50 * 2 ** context.attempt, 10_000),
    drainLimit: 30_000,
  },
}).createMachine({
  id: 'updateWorker',
  description: 'Applies the operations of the log to the segments.',
  meta,
  context: ({ input }) => ({ ...input, woken: false, stopping: false, attempt: 0 }),
  // A new worker looks at the log first: after a restart nobody would wake it.
  initial: 'applying',
  on: {
    Nop: { actions: 'forwardNop' },
    Plunger: { actions: { type: 'answerPlunger', params: ({ event }) => ({ id: event.id }) } },
    Applied: { actions: ['clearAttempts', { type: 'report', params: ({ event }) => event }] },
  },
  states: {
    idle: {
      description: 'Everything in the log has been applied.',
      on: {
        Operation: { target: 'applying' },
        Stop: { target: 'stopping', actions: ['markStopping', 'closeAdmission'] },
      },
    },
    applying: {
      description: 'One applier works through the log and lingers for more.',
      entry: 'clearWoken',
      on: {
        Operation: { actions: 'markWoken' },
        Stop: { actions: ['markStopping', 'closeAdmission'] },
      },
      invoke: {
        id: 'applier',
        src: 'applier',
        input: ({ self }) => ({ owner: self }),
        onDone: [
          { guard: 'isStopping', target: 'stopping' },
          {
            guard: { type: 'mustRetry', params: ({ event }) => event.output },
            target: 'retrying',
            actions: 'countAttempt',
          },
          { guard: 'isWoken', target: 'applying', reenter: true },
          { target: 'idle' },
        ],
      },
    },
    retrying: {
      description: 'Stands at an operation that failed for now; nothing overtakes it.',
      on: { Stop: { target: 'stopping', actions: ['markStopping', 'closeAdmission'] } },
      after: { retryDelay: { target: 'applying' } },
    },
    stopping: {
      description: 'Applies what the log still holds, but does not wait for what keeps failing.',
      after: { drainLimit: { actions: 'abandonDrain' } },
      invoke: {
        id: 'drain',
        src: 'drain',
        input: ({ self }) => ({ owner: self }),
        onDone: { target: 'stopped' },
      },
    },
    stopped: { type: 'final', description: 'The worker has ended.' },
  },
});
