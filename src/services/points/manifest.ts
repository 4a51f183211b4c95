import { SluiceError } from '../../errors.js';
import type { Distance, JsonValue } from '../../types.js';
import type { ClockRecord } from '../clocks.js';
import { checkNotes } from '../log-notes.js';
import type { LogNotes } from '../ports.js';
import type { VectorIndexRecord } from '../vector-index/vector-index.js';
import { PAYLOAD_INDEX_TYPES, type PayloadIndexType } from './operations.js';

/** A block on disk. */
export interface BlockRef {
  key: string;
  bytes: number;
}

/** A block that holds `count` entries of a segment's log of rows or of stamps. */
export interface SavedBlock extends BlockRef {
  count: number;
}

/** The blocks of a segment, in the order of its logs. */
export interface SavedSegment {
  rows: readonly SavedBlock[];
  stamps: readonly SavedBlock[];
}

/** Nothing on disk. */
export const EMPTY_SAVED: SavedSegment = { rows: [], stamps: [] };

/** A segment in the manifest; the counts are checked when it is loaded. */
export interface SegmentRecord extends SavedSegment {
  id: number;
  live: number;
  opNumMax: number;
  /** Its vector index, which lies in a file of its own. */
  index?: VectorIndexRecord;
}

/** The one record that says what the store holds: the effects of operations 1…applied. */
export interface ManifestBody {
  applied: number;
  dimensions: number;
  distance: Distance;
  configuration: { [key: string]: JsonValue };
  /** Payload indexes by path. */
  schema: [key: string, type: PayloadIndexType][];
  /** What `ClockMap.toJSON` gave. */
  clocks: ClockRecord[];
  /** About the log; absent from what the first versions wrote. */
  notes?: LogNotes;
  nextSegmentId: number;
  segments: SegmentRecord[];
}

/** Where blocks and the manifest are kept; `SegmentStore` of the LevelDB side is one. */
export interface BlockStore {
  /** Opens or creates the store; gives the last manifest, or undefined when there is none yet. */
  open(options: { storeId: string }): Promise<ManifestBody | undefined>;
  /**
   * Writes blocks that nothing refers to yet, durably; sees to what it wrote when it rejects. The
   * memory of a payload is used again when the next one is asked for.
   */
  putBlocks(payloads: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<readonly BlockRef[]>;
  readBlock(ref: BlockRef): Promise<Uint8Array>;
  /** One durable step to a new manifest, which also deletes what it dropped or was discarded. */
  commit(body: ManifestBody, liveKeys: Iterable<string>): Promise<void>;
  /** Gives up blocks that no commit will name again; the next one deletes them. */
  discard(keys: Iterable<string>): void;
  /** Deletes blocks that no manifest names. */
  deleteBlocks(keys: readonly string[]): Promise<void>;
  /** Gives the space of deleted blocks back to the disk, if it doesn't do that at once anyway. */
  reclaim?(signal: AbortSignal): Promise<void>;
  /** Bytes on disk that `reclaim` can give back, about; undefined: unknown. */
  garbageBytes?(): Promise<number | undefined>;
  close(): Promise<void>;
}

/** What a new store holds. */
export function emptyManifest({
  dimensions,
  distance,
}: Pick<ManifestBody, 'dimensions' | 'distance'>): ManifestBody {
  return {
    applied: 0,
    dimensions,
    distance,
    configuration: {},
    schema: [],
    clocks: [],
    nextSegmentId: 0,
    segments: [],
  };
}

/** The keys of all blocks of a segment. */
export function keysOf(saved: SavedSegment): string[] {
  return [...saved.rows, ...saved.stamps].map((block) => block.key);
}

/** Entries in a run of blocks. */
export function countOf(blocks: readonly SavedBlock[]): number {
  return blocks.reduce((sum, block) => sum + block.count, 0);
}

/** Checks the shape of a manifest. Throws `SLUICE_DAMAGED`. */
export function checkManifest(body: ManifestBody): void {
  if (!isObject(body)) throw damaged('it is no object');
  const counts = [body.applied, body.dimensions, body.nextSegmentId];
  const isSound =
    counts.every(isCount) &&
    body.dimensions > 0 &&
    ['cosine', 'dot', 'euclid'].includes(body.distance) &&
    typeof body.configuration === 'object' &&
    Array.isArray(body.schema) &&
    body.schema.every(isIndex) &&
    Array.isArray(body.segments);
  if (!isSound) throw damaged('it lacks a field or has a bad one');
  if (body.notes !== undefined) checkNotes(body.notes, body.applied);
  if (!body.segments.every(isSegment)) throw damaged('a segment lacks a field');
  const ids = new Set(body.segments.map((segment) => segment.id));
  if (ids.size !== body.segments.length) throw damaged('two segments have the same id');
  for (const segment of body.segments) {
    const blocks: unknown[] = [...segment.rows, ...segment.stamps];
    if (![segment.id, segment.live, segment.opNumMax].every(isCount)) {
      throw damaged('a segment has a bad number');
    }
    if (!blocks.every(isBlock)) {
      throw damaged(`segment ${segment.id} has a bad block`);
    }
    if (segment.id >= body.nextSegmentId) throw damaged(`segment ${segment.id} has a future id`);
    if (segment.opNumMax > body.applied) {
      throw damaged(`segment ${segment.id} is ahead of operation ${body.applied}`);
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isSegment(value: unknown): boolean {
  return isObject(value) && Array.isArray(value.rows) && Array.isArray(value.stamps);
}

function isBlock(value: unknown): boolean {
  return isObject(value) && typeof value.key === 'string' && isCount(value.count);
}

function isIndex(entry: unknown): boolean {
  if (!Array.isArray(entry)) return false;
  const [key, type] = entry;
  return typeof key === 'string' && PAYLOAD_INDEX_TYPES.includes(type);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function damaged(why: string): SluiceError {
  return new SluiceError('SLUICE_DAMAGED', `the manifest is damaged: ${why}`);
}
