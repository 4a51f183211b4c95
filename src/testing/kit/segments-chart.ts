import { setup } from 'xstate';
import type { Graph } from '../graph.js';
import { callGraph } from './call-graph.js';
import type { Supports } from './place.js';

/** Calls that open and close a store of segments, or end it otherwise. */
export type StoreCall =
  | 'Open'
  | 'Close'
  | 'CloseAgain'
  | 'Kill'
  | 'CutPower'
  | 'FailFlush'
  | 'FailFlushStored'
  | 'OpenAgain';

/** Operations, and what is asked between them. */
export type OperationCall = 'Put' | 'Overwrite' | 'Delete' | 'Refuse' | 'EnsureCapacity';

/** The calls of a flush, and their ends. */
export type FlushCall =
  | 'Capture'
  | 'WriteBlocks'
  | 'WriteEnds'
  | 'AbortWrite'
  | 'Commit'
  | 'CommitEnds'
  | 'Release';

/** The calls of an optimization, and their ends. */
export type RunCall =
  | 'Begin'
  | 'Copy'
  | 'CopyEnds'
  | 'Index'
  | 'IndexEnds'
  | 'CatchUp'
  | 'CatchUpEnds'
  | 'Swap'
  | 'Cancel'
  | 'DiscardEnds';

export type SegmentsCall = StoreCall | OperationCall | FlushCall | RunCall;

/** The order in which the calls of segments, their flushes and their optimizations may come. */
const segmentsChart = setup({
  types: { events: {} as { type: SegmentsCall } },
}).createMachine({
  id: 'segments',
  initial: 'closed',
  states: {
    closed: { on: { Open: { target: 'open' }, CloseAgain: { target: 'closed' } } },
    open: {
      type: 'parallel',
      on: {
        Close: { target: 'closed' },
        Kill: { target: 'closed' },
        CutPower: { target: 'closed' },
        FailFlush: { target: 'broken' },
        FailFlushStored: { target: 'broken' },
      },
      states: {
        writer: {
          initial: 'ready',
          states: {
            ready: {
              on: {
                Put: { target: 'ready' },
                Overwrite: { target: 'ready' },
                Delete: { target: 'ready' },
                Refuse: { target: 'ready' },
                EnsureCapacity: { target: 'ready' },
              },
            },
          },
        },
        flush: {
          initial: 'idle',
          states: {
            idle: { on: { Capture: { target: 'captured' } } },
            captured: { on: { WriteBlocks: { target: 'writing' }, Release: { target: 'idle' } } },
            writing: { on: { WriteEnds: { target: 'written' }, AbortWrite: { target: 'ended' } } },
            written: { on: { Commit: { target: 'committing' }, Release: { target: 'idle' } } },
            committing: { on: { CommitEnds: { target: 'ended' } } },
            ended: { on: { Release: { target: 'idle' } } },
          },
        },
        run: {
          initial: 'idle',
          states: {
            idle: { on: { Begin: { target: 'begun' } } },
            begun: { on: { Copy: { target: 'copying' }, Cancel: { target: 'discarding' } } },
            copying: { on: { CopyEnds: { target: 'copied' }, Cancel: { target: 'discarding' } } },
            copied: { on: { Index: { target: 'indexing' }, Cancel: { target: 'discarding' } } },
            indexing: {
              on: { IndexEnds: { target: 'indexed' }, Cancel: { target: 'discarding' } },
            },
            indexed: {
              on: { CatchUp: { target: 'catchingUp' }, Cancel: { target: 'discarding' } },
            },
            catchingUp: {
              on: { CatchUpEnds: { target: 'caughtUp' }, Cancel: { target: 'discarding' } },
            },
            caughtUp: { on: { Swap: { target: 'idle' }, Cancel: { target: 'discarding' } } },
            discarding: { on: { DiscardEnds: { target: 'idle' } } },
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

const ALWAYS: readonly SegmentsCall[] = [
  ...(['Open', 'Close', 'CloseAgain', 'Put', 'Overwrite', 'Delete', 'EnsureCapacity'] as const),
  ...(['Capture', 'WriteBlocks', 'WriteEnds', 'AbortWrite', 'Commit', 'CommitEnds'] as const),
  'Release',
];
const RUN: readonly SegmentsCall[] = [
  ...(['Begin', 'Copy', 'CopyEnds', 'Index', 'IndexEnds', 'CatchUp', 'CatchUpEnds'] as const),
  ...(['Swap', 'Cancel', 'DiscardEnds'] as const),
];

/** Everything that may be done to segments which support so much. */
export function segmentsGraph(supports: Supports): Graph {
  const calls: readonly SegmentsCall[] = [
    ...ALWAYS,
    ...(supports.refused ? (['Refuse'] as const) : []),
    ...(supports.optimizers ? RUN : []),
    ...(supports.kill ? (['Kill'] as const) : []),
    ...(supports.powerCut ? (['CutPower'] as const) : []),
    ...(supports.failedWrites ? (['FailFlush', 'FailFlushStored', 'OpenAgain'] as const) : []),
  ];
  return callGraph(segmentsChart, calls);
}
