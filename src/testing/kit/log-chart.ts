import { setup } from 'xstate';
import type { Graph } from '../graph.js';
import { callGraph } from './call-graph.js';
import type { Supports } from './place.js';

/** The calls of a log, and their ends. */
export type LogCall =
  | 'Open'
  | 'Close'
  | 'CloseAgain'
  | 'Kill'
  | 'CutPower'
  | 'AppendSynced'
  | 'AppendUnsynced'
  | 'AppendEnds'
  | 'Sync'
  | 'Acknowledge'
  | 'AcknowledgeEnds'
  | 'SyncEnds'
  | 'Read'
  | 'ReadAFew'
  | 'BeginReading'
  | 'ReadOn'
  | 'StopReading'
  | 'OthersWrite'
  | 'FailAppend'
  | 'FailAppendStored'
  | 'OpenAgain';

/** The order in which the calls of a log may come; see `Wal`. */
const logChart = setup({
  types: { events: {} as { type: LogCall } },
}).createMachine({
  id: 'log',
  initial: 'closed',
  states: {
    closed: {
      on: { Open: { target: 'open' }, CloseAgain: { target: 'closed' } },
    },
    open: {
      type: 'parallel',
      on: {
        Close: { target: 'closed' },
        Kill: { target: 'closed' },
        CutPower: { target: 'closed' },
        FailAppend: { target: 'broken' },
        FailAppendStored: { target: 'broken' },
      },
      states: {
        appender: {
          initial: 'idle',
          states: {
            idle: {
              on: {
                AppendSynced: { target: 'busy' },
                AppendUnsynced: { target: 'busy' },
                OthersWrite: { target: 'idle' },
              },
            },
            busy: { on: { AppendEnds: { target: 'idle' } } },
          },
        },
        keeper: {
          initial: 'idle',
          states: {
            idle: {
              on: { Sync: { target: 'syncing' }, Acknowledge: { target: 'acknowledging' } },
            },
            syncing: { on: { SyncEnds: { target: 'idle' } } },
            acknowledging: { on: { AcknowledgeEnds: { target: 'idle' } } },
          },
        },
        reader: {
          initial: 'idle',
          states: {
            idle: {
              on: {
                Read: { target: 'idle' },
                ReadAFew: { target: 'idle' },
                BeginReading: { target: 'reading' },
              },
            },
            reading: {
              on: { ReadOn: { target: 'idle' }, StopReading: { target: 'idle' } },
            },
          },
        },
      },
    },
    broken: {
      on: {
        OpenAgain: { target: 'open' },
        Close: { target: 'closed' },
        Kill: { target: 'closed' },
      },
    },
  },
});

const ALWAYS: readonly LogCall[] = [
  ...(['Open', 'Close', 'CloseAgain', 'AppendSynced', 'AppendUnsynced', 'AppendEnds'] as const),
  ...(['Sync', 'Acknowledge', 'AcknowledgeEnds', 'SyncEnds'] as const),
  ...(['Read', 'ReadAFew', 'BeginReading', 'ReadOn', 'StopReading'] as const),
];

/** Everything that may be done to a log which supports so much. */
export function logGraph({ kill, powerCut, failedWrites, otherWriters }: Supports): Graph {
  const calls: readonly LogCall[] = [
    ...ALWAYS,
    ...(kill ? (['Kill'] as const) : []),
    ...(powerCut ? (['CutPower'] as const) : []),
    ...(otherWriters ? (['OthersWrite'] as const) : []),
    ...(failedWrites ? (['FailAppend', 'FailAppendStored', 'OpenAgain'] as const) : []),
  ];
  return callGraph(logChart, calls);
}
