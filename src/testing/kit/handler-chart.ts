import { setup } from 'xstate';
import type { Graph } from '../graph.js';
import { callGraph } from './call-graph.js';
import type { Supports } from './place.js';

/** What callers do with a store that runs on the core. */
export type HandlerCall =
  | 'Open'
  | 'Put'
  | 'PutUnsynced'
  | 'PutMany'
  | 'Delete'
  | 'Refuse'
  | 'Plunge'
  | 'Flush'
  | 'BeginFlush'
  | 'FailApply'
  | 'Trigger'
  | 'Optimize'
  | 'Reconfigure'
  | 'Stop'
  | 'StopOpening'
  | 'StopInOpening'
  | 'StopInRecovering'
  | 'StopInPausing'
  | 'StopInApplying'
  | 'StopInUpdates'
  | 'StopInOptimizing'
  | 'StopInFlushing'
  | 'StopInClosing'
  | 'StopInBreaking'
  | 'StopInReopening'
  | 'Kill'
  | 'CutPower'
  | 'FailWrite'
  | 'FailWriteStored'
  | 'Reopen';

const stays = { target: 'running' } as const;
const closes = { target: 'closed' } as const;

/** The order in which callers may do it: mostly any. */
const handlerChart = setup({
  types: { events: {} as { type: HandlerCall } },
}).createMachine({
  id: 'handler',
  initial: 'closed',
  states: {
    closed: {
      on: {
        Open: { target: 'running' },
        ...{ StopOpening: closes, StopInOpening: closes, StopInRecovering: closes },
      },
    },
    running: {
      on: {
        ...{ Put: stays, PutUnsynced: stays, PutMany: stays, Delete: stays, Refuse: stays },
        ...{ Plunge: stays, Flush: stays, BeginFlush: stays, FailApply: stays },
        ...{ Trigger: stays, Optimize: stays, Reconfigure: stays },
        ...{ Stop: closes, StopInPausing: closes, StopInApplying: closes, StopInUpdates: closes },
        ...{ StopInOptimizing: closes, StopInFlushing: closes, StopInClosing: closes },
        ...{ StopInBreaking: closes, Kill: closes, CutPower: closes },
        FailWrite: { target: 'broken' },
        FailWriteStored: { target: 'broken' },
      },
    },
    broken: {
      on: {
        Reopen: { target: 'running' },
        ...{ StopInReopening: closes, Stop: closes, Kill: closes },
      },
    },
  },
});

const ALWAYS: readonly HandlerCall[] = [
  ...([
    'Open',
    'Put',
    'PutUnsynced',
    'PutMany',
    'Delete',
    'Plunge',
    'Flush',
    'BeginFlush',
  ] as const),
  ...(['FailApply', 'Trigger', 'Reconfigure', 'Stop', 'StopOpening'] as const),
  ...(['StopInOpening', 'StopInRecovering', 'StopInPausing', 'StopInApplying'] as const),
  ...(['StopInUpdates', 'StopInOptimizing', 'StopInFlushing', 'StopInClosing'] as const),
];

const BREAKING: readonly HandlerCall[] = [
  ...(['FailWrite', 'FailWriteStored', 'Reopen', 'StopInBreaking', 'StopInReopening'] as const),
];

/** Everything that may be done to a store which supports so much. */
export function handlerGraph(supports: Supports): Graph {
  const calls: readonly HandlerCall[] = [
    ...ALWAYS,
    ...(supports.refused ? (['Refuse'] as const) : []),
    ...(supports.optimizers ? (['Optimize'] as const) : []),
    ...(supports.kill ? (['Kill'] as const) : []),
    ...(supports.powerCut ? (['CutPower'] as const) : []),
    ...(supports.failedWrites ? BREAKING : []),
  ];
  return callGraph(handlerChart, calls);
}
