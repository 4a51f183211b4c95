import { assert } from '../../errors.js';
import type { Clock } from '../clock.js';
import { type EncodedBlock, encodeRows, encodeStamps, ROW_BYTES, STAMP_BYTES } from './blocks.js';
import { type BlockStore, countOf, type SavedBlock, type SavedSegment } from './manifest.js';
import { Pace } from './pace.js';
import type { Segment } from './segment.js';

/** A last block smaller than this is written again with what follows, so that blocks stay few. */
const TAIL_BYTES_MIN = 256 * 1024;

/** What is to be on disk of a segment: the first `rows` rows and `stamps` stamps. */
export interface SegmentPicture {
  segment: Segment;
  rows: number;
  stamps: number;
  /** What of it is there already. */
  saved: SavedSegment;
}

/** One log of a segment on its way to disk. */
interface LogPlan {
  /** Blocks that stay as they are. */
  kept: readonly SavedBlock[];
  fresh: SavedBlock[];
  encode(pace: Pace): AsyncIterable<EncodedBlock>;
}

/** A segment as it is now. */
export function pictureOf(segment: Segment): SegmentPicture {
  const { rows, stamps, saved } = segment;
  return { segment, rows, stamps: stamps.length, saved };
}

/**
 * Writes what isn't on disk yet and gives the blocks of each picture, old and new. Nothing refers
 * to the new ones; when it rejects, none are left. Encodes in slices; `onEncoded` is told of the
 * rows and stamps of each block.
 */
export async function saveSegments(
  store: BlockStore,
  pictures: readonly SegmentPicture[],
  clock: Clock,
  signal: AbortSignal,
  onEncoded: (entries: number) => void = () => {},
): Promise<SavedSegment[]> {
  const plans = pictures.map((picture) => ({
    rows: planRows(picture),
    stamps: planStamps(picture),
  }));
  const logs = plans.flatMap((plan) => [plan.rows, plan.stamps]);
  const written: { log: LogPlan; count: number }[] = [];
  async function* payloads(pace: Pace): AsyncGenerator<Uint8Array> {
    for (const log of logs) {
      for await (const { data, count } of log.encode(pace)) {
        written.push({ log, count });
        onEncoded(count);
        // Its checksum and its copy for the database take about as long as encoding it did.
        if (pace.isOver()) await pace.rest();
        yield data;
      }
    }
  }
  const refs = await store.putBlocks(payloads(new Pace(clock, signal)), signal);
  assert(refs.length === written.length, 'the store wrote each block');
  for (const [index, { key, bytes }] of refs.entries()) {
    const block = written[index];
    block?.log.fresh.push({ key, bytes, count: block.count });
  }
  return plans.map(({ rows, stamps }) => ({
    rows: [...rows.kept, ...rows.fresh],
    stamps: [...stamps.kept, ...stamps.fresh],
  }));
}

function planRows({ segment, rows, saved }: SegmentPicture): LogPlan {
  const kept = keptBlocks(saved.rows, rows);
  const encode = (pace: Pace) => encodeRows(segment, countOf(kept), rows, pace);
  return { kept, fresh: [], encode };
}

function planStamps({ segment, stamps, saved }: SegmentPicture): LogPlan {
  const kept = keptBlocks(saved.stamps, stamps);
  const encode = (pace: Pace) => encodeStamps(segment, countOf(kept), stamps, pace);
  return { kept, fresh: [], encode };
}

function keptBlocks(saved: readonly SavedBlock[], length: number): readonly SavedBlock[] {
  const count = countOf(saved);
  assert(count <= length, 'a log never gets shorter than what is on disk');
  const tail = saved.at(-1);
  const isOpen = tail !== undefined && count < length && tail.bytes < TAIL_BYTES_MIN;
  return isOpen ? saved.slice(0, -1) : saved;
}

/** Bytes of a segment's live rows on disk, about. */
export function segmentBytes(segment: Segment): number {
  return Math.ceil(segment.live * rowBytes(segment));
}

/** Bytes of all rows and stamps of a segment on disk, about. */
export function wholeBytes(segment: Segment): number {
  return Math.ceil(segment.rows * rowBytes(segment) + segment.stamps.length * STAMP_BYTES);
}

/** Bytes that the next flush would write of a segment, about. */
export function unsavedBytes(segment: Segment): number {
  const { rows, stamps } = segment.saved;
  const newRows = segment.rows - countOf(rows);
  const newStamps = segment.stamps.length - countOf(stamps);
  return Math.ceil((newRows > 0 ? newRows * rowBytes(segment) : 0) + newStamps * STAMP_BYTES);
}

/** The mean size of a row on disk, or of the rows to be written when none is there. */
function rowBytes(segment: Segment): number {
  const { rows } = segment.saved;
  const count = countOf(rows);
  if (count > 0) return rows.reduce((sum, block) => sum + block.bytes, 0) / count;
  const { payloads } = segment;
  const payloadBytes = payloads.length === 0 ? 0 : payloads.bytes / payloads.length;
  return segment.slab.dimensions * Float32Array.BYTES_PER_ELEMENT + ROW_BYTES + payloadBytes;
}
