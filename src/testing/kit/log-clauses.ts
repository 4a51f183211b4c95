import type { Clause } from './protocol.js';

/** What `Wal` promises, sentence by sentence. */
export const logClauses = {
  allowed: { text: 'what a caller may do succeeds, and comes to an end' },
  shape: { text: 'the log says whether it has other writers, and has every method' },
  identity: { text: 'a log keeps its store id as long as it exists, and no other log has it' },
  numbers: { text: 'numbers grow in the order of the records, in a dense log by one from 1 on' },
  records: { text: 'records come back as they were written, in the order of their numbers' },
  range: { text: 'a read gives each record of its range and no other, and may end early' },
  beside: { text: 'a read beside writes leaves out nothing but what is forgotten meanwhile' },
  kept: { text: 'what was appended is there after the log was closed' },
  killed: { text: 'what was appended survives the death of the process', needs: ['kill'] },
  synced: {
    text: 'what was appended with sync, before a sync or before an open survives a power cut',
    needs: ['powerCut'],
  },
  whole: { text: 'an append is in the log as a whole or not at all', needs: ['kill'] },
  report: { text: 'opening tells the newest number and the bytes that are in the log' },
  forgotten: { text: 'acknowledging is remembered, and forgets nothing above its number' },
  closing: { text: 'closing ends the writes in flight, and may be done twice' },
  reclaim: {
    text: 'giving space back changes nothing, and ends soon after its signal',
    needs: ['logReclaim'],
  },
  bytesOnDisk: {
    text: 'the bytes that records take are a number, or not known',
    needs: ['logBytesOnDisk'],
  },
  watched: {
    text: 'records of other writers are told of, as long as somebody watches',
    needs: ['otherWriters'],
  },
  failed: {
    text: 'a failed append leaves the log as it was or with the whole of it; no number comes twice',
    needs: ['failedWrites'],
  },
  refusing: {
    text: 'after a failure that leaves open what is written, nothing is written until it is opened',
    needs: ['failedWrites'],
  },
} as const satisfies Record<string, Clause>;

export type LogClause = keyof typeof logClauses;
