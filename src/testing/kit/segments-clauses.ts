import type { Clause } from './protocol.js';

/** What `SegmentHolder`, `FlushCapture` and `SegmentOptimizer` promise, sentence by sentence. */
export const segmentsClauses = {
  allowed: { text: 'what a caller may do succeeds, and comes to an end' },
  shape: { text: 'the segments have every method, and what is said to be supported' },
  effect: { text: 'an operation takes effect for readers at once, all of it' },
  refused: {
    text: 'a refused operation changes nothing, and is refused again when it is replayed',
    needs: ['refused'],
  },
  pure: { text: 'the same operations give the same entries and refusals in a new store' },
  counts: { text: 'a key is there once, and the segments count each entry once' },
  ids: { text: 'an id is never used again, and listing the segments changes nothing' },
  touched: {
    text: '`touched` names the segments that a put went to, and none after a delete',
    needs: ['touched'],
  },
  capacity: { text: 'after `ensureCapacity` there is a segment that takes new entries' },
  loaded: { text: 'opening gives exactly what the last commit wrote, and its number' },
  replay: { text: 'operations that are replayed after an opening give what they gave before' },
  identity: { text: 'segments of another log are refused, once anything was committed' },
  check: { text: 'an opening that its caller refuses changes nothing, and may be repeated' },
  closing: { text: 'closing may be done twice' },
  changed: { text: '`changed` is false when the last commit has it all, true after operations' },
  dirty: {
    text: '`dirtyBytes` is above 0 while something waits to be written, and less afterwards',
  },
  quiet: { text: 'a flush changes nothing for readers' },
  picture: { text: 'a commit holds what was there when it was captured, and nothing later' },
  released: { text: 'a flush that is released without a commit leaves the last commit in force' },
  aborted: { text: 'a flush whose signal fires ends soon; if badly, with SLUICE_CANCELLED' },
  notes: { text: 'the notes of a commit are given back by the opening', needs: ['notes'] },
  killed: { text: 'the last commit survives the death of the process', needs: ['kill'] },
  power: {
    text: 'the last commit survives a power cut, and a younger one as a whole',
    needs: ['powerCut'],
  },
  failed: {
    text: 'a failed flush leaves the last commit in force, or counts as a whole',
    needs: ['failedWrites'],
  },
  blocks: { text: 'blocks that count are stored, and after a flush no others', needs: ['blocks'] },
  select: {
    text: 'optimizers choose segments that are there and not busy, twice the same',
    needs: ['optimizers'],
  },
  begin: {
    text: 'freezing leaves the entries where they are, and a segment for new ones',
    needs: ['optimizers'],
  },
  frozen: { text: 'segments that are frozen or gone are not frozen again', needs: ['optimizers'] },
  beside: {
    text: 'operations take effect at once beside an optimization, also on frozen entries',
    needs: ['optimizers'],
  },
  unseen: {
    text: 'until its swap an optimization changes nothing for readers',
    needs: ['optimizers'],
  },
  swap: {
    text: 'a swap puts the output in the place of its sources, in one step without a loss',
    needs: ['optimizers'],
  },
  swapped: {
    text: 'what an optimization has made is written like everything else',
    needs: ['optimizers'],
  },
  swapBeside: { text: 'a swap beside a flush harms neither', needs: ['optimizers'] },
  rollback: {
    text: 'a cancelled optimization leaves everything as if it had never been',
    needs: ['optimizers'],
  },
  cancelled: {
    text: 'an optimization whose signal fires ends soon; if badly, with SLUICE_CANCELLED',
    needs: ['optimizers'],
  },
  reclaim: {
    text: 'giving space back changes nothing, and ends soon after its signal',
    needs: ['reclaim'],
  },
  garbageBytes: {
    text: 'the bytes that reclaiming segments can give back are a number, or not known',
    needs: ['garbageBytes'],
  },
  diskUse: {
    text: 'the use of the disk counts what is stored, and nothing under way that has ended',
    needs: ['diskUse'],
  },
  deaths: {
    text: 'the death counter gives what was written last, and keeps what was synced',
    needs: ['deathCounter'],
  },
  converges: { text: 'the optimizers come to an end', needs: ['optimizers'] },
} as const satisfies Record<string, Clause>;

export type SegmentsClause = keyof typeof segmentsClauses;
