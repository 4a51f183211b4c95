import type { HandlerCall } from './handler-chart.js';
import type { LogCall } from './log-chart.js';
import type { SegmentsCall } from './segments-chart.js';

/**
 * What happens every day, as short paths that are taken before the generated ones: what is broken
 * there is told by a path that one can read.
 */
export const logScenes: readonly (readonly LogCall[])[] = [
  ['Open', 'AppendSynced', 'AppendEnds', 'AppendSynced', 'AppendEnds', 'Read', 'Close', 'Open'],
  ['Open', 'AppendUnsynced', 'AppendEnds', 'AppendUnsynced', 'AppendEnds', 'Close', 'Open'],
  ['Open', 'AppendUnsynced', 'AppendEnds', 'AppendUnsynced', 'AppendEnds', 'Kill', 'Open'],
  ['Open', 'AppendUnsynced', 'AppendEnds', 'Sync', 'SyncEnds', 'CutPower', 'Open', 'Read'],
  ['Open', 'AppendUnsynced', 'AppendEnds', 'AppendSynced', 'AppendEnds', 'CutPower', 'Open'],
  ['Open', 'AppendSynced', 'AppendEnds', 'Acknowledge', 'AcknowledgeEnds', 'Close', 'Open'],
];

const FLUSH = ['Capture', 'WriteBlocks', 'WriteEnds', 'Commit', 'CommitEnds', 'Release'] as const;
const REOPEN = ['Close', 'Open'] as const;
const RUN = [
  ...(['Begin', 'Copy', 'CopyEnds', 'Index', 'IndexEnds', 'CatchUp', 'CatchUpEnds'] as const),
];

/** The same for segments. */
export const segmentsScenes: readonly (readonly SegmentsCall[])[] = [
  ['Open', 'Put', 'Put', 'Put', 'Overwrite', 'Delete', ...FLUSH, ...REOPEN],
  ['Open', 'Put', ...FLUSH, 'Put', 'Capture', 'WriteBlocks', 'WriteEnds', 'Release', ...REOPEN],
  [
    ...(['Open', 'Put', 'Put', 'Capture', 'Put', 'Overwrite', 'Delete', 'WriteBlocks'] as const),
    ...(['Put', 'WriteEnds', 'Put', 'Commit', 'CommitEnds', 'Release', ...REOPEN] as const),
  ],
  ['Open', 'Put', ...FLUSH, 'Put', 'Overwrite', ...FLUSH, 'CutPower', 'Open', ...REOPEN],
  ['Open', ...RUN, 'Swap', ...FLUSH, 'Put', ...FLUSH, ...REOPEN],
  [
    ...(['Open', 'Begin', 'Copy', 'Delete', 'Overwrite', 'CopyEnds', 'Delete', 'Cancel'] as const),
    ...(['DiscardEnds', ...FLUSH, 'Put', ...FLUSH, ...REOPEN] as const),
  ],
  [
    ...(['Open', 'Put', ...FLUSH, ...RUN, 'Capture', 'WriteBlocks', 'Swap', 'WriteEnds'] as const),
    ...(['Commit', 'CommitEnds', 'Release', ...REOPEN] as const),
  ],
];

/** The same for a whole store. */
export const handlerScenes: readonly (readonly HandlerCall[])[] = [
  ['Open', 'Put', 'PutUnsynced', 'Delete', 'Plunge', 'Flush', 'Stop', 'Open'],
  ['Open', 'PutMany', 'Refuse', 'PutMany', 'Plunge', 'Stop', 'Open', 'Plunge'],
  ['Open', 'PutMany', 'Flush', 'PutMany', 'BeginFlush', 'Kill', 'Open', 'Plunge'],
  ['Open', 'Put', 'Flush', 'Put', 'PutUnsynced', 'CutPower', 'Open', 'Plunge'],
  ['Open', 'Put', 'FailWriteStored', 'Reopen', 'Put', 'Flush', 'Stop', 'StopOpening', 'Open'],
];
