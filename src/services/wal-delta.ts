import type { ClockTag, ClockTick, WalDelta } from '../types.js';
import type { ClockTicks } from './clock-ticks.js';
import type { TickChange } from './ports.js';
import type { TickHistory } from './tick-history.js';

/** What the answer is drawn from. */
export interface WalDeltaSource {
  history: TickHistory;
  /** Records up to this one are synced and applied; later ones don't count. */
  visible: number;
  /**
   * The tags of the records `from`…`to`, in order; undefined for a record without one. Asked only
   * where the history is coarse. The records must not be forgotten meanwhile.
   */
  tags(from: number, to: number): AsyncIterable<{ opNum: number; clockTag: ClockTag | undefined }>;
}

/**
 * Which records of this log somebody lacks whose newest ticks are `point`; see `WalDelta`.
 *
 * A record without a tag can't be told to be there or not. It counts as there when a record behind
 * it is, because records are taken over in the order of the log.
 *
 * @see Qdrant `lib/collection/src/shards/local_shard/` (`resolve_wal_delta`)
 */
export async function resolveWalDelta(
  point: ClockTicks,
  { history, visible, tags }: WalDeltaSource,
): Promise<WalDelta> {
  if (point.size === 0) return { status: 'empty' };
  const newest = history.newest(visible);
  const given = [...point];
  if (given.some((tick) => newest.of(tick) === 0)) return { status: 'unknownClocks' };
  if (given.some((tick) => tick.tick > newest.of(tick))) return { status: 'higherThanCurrent' };
  const lacks = (tick: ClockTick) => tick.tick > point.of(tick);
  if ([...history.forgotten].some(lacks)) return { status: 'cutOff' };
  const changes = history.changes.filter(({ last }) => last <= visible);
  const lacked = changes.findIndex(({ ticks }) => ticks.some(lacks));
  const change = changes[lacked];
  const before = change === undefined ? changes.at(-1) : changes[lacked - 1];
  const untagged = before?.untagged ?? history.untagged;
  if (change === undefined) return { status: untagged ? 'untagged' : 'equal' };
  const from = await firstLacked(change, untagged, lacks, tags);
  if (typeof from === 'string') return { status: from };
  const isMixed = changes.slice(lacked + 1).some((later) => later.untagged || later.mixed === true);
  return isMixed ? { status: 'untagged' } : { status: 'from', opNum: from };
}

/** The first record of a change that is lacked, unless one without a tag may be lacked as well. */
async function firstLacked(
  { first, last }: TickChange,
  untaggedBefore: boolean,
  lacks: (tick: ClockTick) => boolean,
  tags: WalDeltaSource['tags'],
): Promise<number | 'untagged' | 'notFound'> {
  if (first === last) return untaggedBefore ? 'untagged' : first;
  let untagged = untaggedBefore;
  let from: number | undefined;
  for await (const { opNum, clockTag } of tags(first, last)) {
    if (from === undefined && clockTag !== undefined && lacks(clockTag)) {
      if (untagged) return 'untagged';
      from = opNum;
    }
    untagged = clockTag === undefined;
    if (untagged && from !== undefined) return 'untagged';
  }
  return from ?? 'notFound';
}
