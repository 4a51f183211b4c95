import { assign, setup } from 'xstate';
import { effect, noAction } from './effect.js';
import type { ChartMeta } from './signals.js';

/** A run is named by its number; everything heavy about it stays with the services. */
export interface RunInput {
  run: number;
}

/** How a task ended. */
export type TaskOutcome =
  | { outcome: 'done'; points: number }
  | { outcome: 'cancelled'; why: string }
  | { outcome: 'failed'; error: string };

/** What the copying phase found out. */
export interface CopyResult {
  /** False when the segments were gone, so that there is nothing to do. */
  started: boolean;
  /** True when the output has something to index. */
  indexing: boolean;
}

/** Asks the task to undo everything and end. */
export interface StopTask {
  type: 'Stop';
  why: string;
}

export interface TaskContext extends RunInput {
  /** Why the task is being cancelled; empty while it isn't. */
  cancelled: string;
  /** What went wrong; empty while nothing has. */
  error: string;
  points: number;
}

const meta: ChartMeta = {
  events: { Stop: 'Cancel: undo everything and end. Not taken while swapping.' },
  guards: {
    isCancelled: 'A Stop has been received.',
    isVoid: 'The segments were gone before the run began.',
    wantsIndex: 'The output has an index to build.',
  },
  delays: {},
};

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Rewrites some segments into one: copies, indexes, catches up and swaps, or undoes it all. */
export const optimizationTaskMachine = setup({
  types: {
    context: {} as TaskContext,
    events: {} as StopTask,
    input: {} as RunInput,
    output: {} as TaskOutcome,
  },
  actors: {
    copy: effect<CopyResult, RunInput>('copy'),
    acquireCpu: effect<void, RunInput>('acquireCpu'),
    index: effect<void, RunInput>('index'),
    catchUp: effect<void, RunInput>('catchUp'),
    swap: effect<number, RunInput>('swap'),
    rollback: effect<void, RunInput>('rollback'),
  },
  actions: {
    markCancelled: assign({ cancelled: (_, params: { why: string }) => params.why }),
    markFailed: assign({ error: (_, params: { error: unknown }) => messageOf(params.error) }),
    markRollbackFailed: assign({
      error: (_, params: { error: unknown }) => messageOf(params.error),
      cancelled: '',
    }),
    setPoints: assign({ points: (_, params: { points: number }) => params.points }),
    abortPhase: noAction as (_: unknown, params: { run: number; why: string }) => void,
  },
  guards: {
    isCancelled: ({ context }) => context.cancelled !== '',
    isVoid: (_, params: CopyResult) => !params.started,
    wantsIndex: (_, params: CopyResult) => params.indexing,
  },
}).createMachine({
  id: 'optimizationTask',
  description: 'One optimization of one set of segments.',
  meta,
  context: ({ input }) => ({ run: input.run, cancelled: '', error: '', points: 0 }),
  initial: 'copying',
  on: {
    // The phase is aborted, not left: the task moves on when it has settled.
    Stop: {
      actions: [
        { type: 'markCancelled', params: ({ event }) => ({ why: event.why }) },
        {
          type: 'abortPhase',
          params: ({ context, event }) => ({ run: context.run, why: event.why }),
        },
      ],
    },
  },
  states: {
    copying: {
      description: 'The sources are frozen; their live rows are copied and written.',
      invoke: {
        id: 'copy',
        src: 'copy',
        input: ({ context }) => ({ run: context.run }),
        onDone: [
          { guard: 'isCancelled', target: 'cancelling' },
          { guard: { type: 'isVoid', params: ({ event }) => event.output }, target: 'done' },
          {
            guard: { type: 'wantsIndex', params: ({ event }) => event.output },
            target: 'acquiringCpu',
          },
          { target: 'catchingUp' },
        ],
        onError: {
          target: 'cancelling',
          actions: { type: 'markFailed', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    acquiringCpu: {
      description: 'Waits for its share of the processors, then gives its I/O permits back.',
      invoke: {
        id: 'acquireCpu',
        src: 'acquireCpu',
        input: ({ context }) => ({ run: context.run }),
        onDone: [{ guard: 'isCancelled', target: 'cancelling' }, { target: 'indexing' }],
        onError: {
          target: 'cancelling',
          actions: { type: 'markFailed', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    indexing: {
      description: 'Builds the index of the output.',
      invoke: {
        id: 'index',
        src: 'index',
        input: ({ context }) => ({ run: context.run }),
        onDone: [{ guard: 'isCancelled', target: 'cancelling' }, { target: 'catchingUp' }],
        onError: {
          target: 'cancelling',
          actions: { type: 'markFailed', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    catchingUp: {
      description: 'Takes over what was changed in the sources meanwhile, until little is left.',
      invoke: {
        id: 'catchUp',
        src: 'catchUp',
        input: ({ context }) => ({ run: context.run }),
        onDone: [{ guard: 'isCancelled', target: 'cancelling' }, { target: 'swapping' }],
        onError: {
          target: 'cancelling',
          actions: { type: 'markFailed', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    swapping: {
      description: 'The last changes, then the output takes the place of the sources in one step.',
      on: { Stop: {} },
      invoke: {
        id: 'swap',
        src: 'swap',
        input: ({ context }) => ({ run: context.run }),
        onDone: {
          target: 'done',
          actions: { type: 'setPoints', params: ({ event }) => ({ points: event.output }) },
        },
        onError: {
          target: 'cancelling',
          actions: { type: 'markFailed', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    cancelling: {
      description: 'The sources are unfrozen and the blocks of the output deleted.',
      on: { Stop: {} },
      invoke: {
        id: 'rollback',
        src: 'rollback',
        input: ({ context }) => ({ run: context.run }),
        onDone: [{ guard: 'isCancelled', target: 'rolledBack' }, { target: 'failed' }],
        onError: {
          target: 'failed',
          actions: { type: 'markRollbackFailed', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    done: { type: 'final', description: 'The output is in place, or there was nothing to do.' },
    rolledBack: { type: 'final', description: 'Cancelled: as if the run had never been.' },
    failed: { type: 'final', description: 'Failed: as if the run had never been.' },
  },
  output: ({ context }): TaskOutcome => {
    if (context.cancelled !== '') return { outcome: 'cancelled', why: context.cancelled };
    if (context.error !== '') return { outcome: 'failed', error: context.error };
    return { outcome: 'done', points: context.points };
  },
});
