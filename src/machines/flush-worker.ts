import { assign, setup } from 'xstate';
import { effect, noAction } from './effect.js';
import type { ChartMeta, Flush, Reconfigured, Stop } from './signals.js';

/** What the capture found. */
export interface CaptureResult {
  /** False when the last commit already holds everything: the round writes nothing. */
  changed: boolean;
  /** True when the log could forget something that the last commit holds. */
  forgets: boolean;
}

export type FlushWorkerEvent = Flush | Stop | Reconfigured;

export interface FlushWorkerInput {
  flushIntervalMs: number;
}

export interface FlushWorkerContext extends FlushWorkerInput {
  /** A Flush came during a round: another round follows at once. */
  again: boolean;
  /** `asked`: a Stop came; `lastRound`: the round that runs now is the last. */
  stop: 'no' | 'asked' | 'lastRound';
}

const meta: ChartMeta = {
  events: {
    Flush: 'Begin a round now, or another one right after the present one.',
    Stop: 'One last round, then end.',
    Reconfigured: 'Another interval, the sleep begins anew.',
  },
  guards: {
    hasChanged: 'There is something that the last commit does not hold.',
    mayForget: 'The log keeps what the last commit holds and nobody reads.',
    isAskedAgain: 'A Flush came during the round.',
    isAskedToStop: 'A Stop came; the last round is still to come.',
    wasLastRound: 'The round that has ended was the last.',
  },
  delays: { flushInterval: 'The time between two rounds that nobody asked for.' },
};

/** Writes the segments to disk in rounds, then lets the log forget what they hold. */
export const flushWorkerMachine = setup({
  types: {
    context: {} as FlushWorkerContext,
    events: {} as FlushWorkerEvent,
    input: {} as FlushWorkerInput,
  },
  actors: {
    capture: effect<CaptureResult>('capture'),
    writeBlocks: effect<void>('writeBlocks'),
    commit: effect<void>('commit'),
    acknowledge: effect<void>('acknowledge'),
  },
  actions: {
    setInterval: assign({
      flushIntervalMs: (_, params: FlushWorkerInput) => params.flushIntervalMs,
    }),
    markAgain: assign({ again: true }),
    clearAgain: assign({ again: false }),
    markStop: assign({
      stop: ({ context }) => (context.stop === 'no' ? 'asked' : context.stop),
    }),
    markLastRound: assign({ stop: 'lastRound', again: false }),
    roundDone: noAction,
    roundFailed: noAction as (_: unknown, params: { error: unknown }) => void,
  },
  guards: {
    hasChanged: (_, params: CaptureResult) => params.changed,
    mayForget: (_, params: CaptureResult) => params.forgets,
    isAskedAgain: ({ context }) => context.again,
    isAskedToStop: ({ context }) => context.stop === 'asked',
    wasLastRound: ({ context }) => context.stop === 'lastRound',
  },
  delays: { flushInterval: ({ context }) => context.flushIntervalMs },
}).createMachine({
  id: 'flushWorker',
  description: 'Writes the segments to disk in rounds and acknowledges the log.',
  meta,
  context: ({ input }) => ({ ...input, again: false, stop: 'no' }),
  initial: 'sleeping',
  on: {
    Flush: { actions: 'markAgain' },
    Stop: { actions: 'markStop' },
    Reconfigured: { actions: { type: 'setInterval', params: ({ event }) => event } },
  },
  states: {
    sleeping: {
      description: 'Between rounds.',
      on: {
        Flush: { target: 'capturing' },
        Reconfigured: {
          target: 'sleeping',
          reenter: true,
          actions: { type: 'setInterval', params: ({ event }) => event },
        },
        Stop: { target: 'capturing', actions: 'markLastRound' },
      },
      after: { flushInterval: { target: 'capturing' } },
    },
    capturing: {
      description: 'The log is synced; one step takes a picture of all that a commit needs.',
      invoke: {
        id: 'capture',
        src: 'capture',
        onDone: [
          {
            guard: { type: 'hasChanged', params: ({ event }) => event.output },
            target: 'writingBlocks',
          },
          {
            guard: { type: 'mayForget', params: ({ event }) => event.output },
            target: 'acknowledging',
          },
          { target: 'deciding', actions: 'roundDone' },
        ],
        onError: {
          target: 'deciding',
          actions: { type: 'roundFailed', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    writingBlocks: {
      description: 'New blocks are written; nothing refers to them yet.',
      invoke: {
        id: 'writeBlocks',
        src: 'writeBlocks',
        onDone: { target: 'committing' },
        onError: {
          target: 'deciding',
          actions: { type: 'roundFailed', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    committing: {
      description: 'One synced batch: the new manifest, and the blocks that it drops.',
      invoke: {
        id: 'commit',
        src: 'commit',
        onDone: { target: 'acknowledging' },
        onError: {
          target: 'deciding',
          actions: { type: 'roundFailed', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    acknowledging: {
      description: 'The log forgets what the commit holds, unless someone still reads it.',
      invoke: {
        id: 'acknowledge',
        src: 'acknowledge',
        onDone: { target: 'deciding', actions: 'roundDone' },
        onError: {
          target: 'deciding',
          actions: { type: 'roundFailed', params: ({ event }) => ({ error: event.error }) },
        },
      },
    },
    deciding: {
      description: 'The round has ended, well or not.',
      always: [
        { guard: 'wasLastRound', target: 'stopped' },
        { guard: 'isAskedToStop', target: 'capturing', actions: 'markLastRound' },
        { guard: 'isAskedAgain', target: 'capturing', actions: 'clearAgain' },
        { target: 'sleeping' },
      ],
    },
    stopped: { type: 'final', description: 'The worker has ended.' },
  },
});
