import type { Clock } from '../clock.js';
import type { VectorIndexRecord } from '../vector-index/vector-index.js';
import {
  type BlockStore,
  EMPTY_SAVED,
  keysOf,
  type ManifestBody,
  type SegmentRecord,
} from './manifest.js';
import { pictureOf, type SegmentPicture, saveSegments, wholeBytes } from './save.js';
import type { Segment } from './segment.js';

/** How far the writing of a snapshot has come: rows and deletions written, of all there are. */
export interface SnapshotProgress {
  done: number;
  total: number;
}

/** What writing a snapshot needs beside the store. */
export interface SnapshotTools {
  storeId: string;
  clock: Clock;
  signal: AbortSignal;
  onProgress(progress: SnapshotProgress): void;
  /** Copies the file of a vector index; when it can't, the copy has none, and builds it anew. */
  copyIndex(index: VectorIndexRecord): Promise<boolean>;
}

/**
 * Everything as of one operation, taken in one step, on its way into a store of its own. The logs
 * of segments only grow, so that writes, flushes and swaps go on beside it; a segment that a swap
 * drops meanwhile stays in memory until it has been written.
 */
export class PointSnapshot {
  /** The effects of operations 1…opNum, and of no other, are in it. */
  readonly opNum: number;
  readonly points: number;
  /** What it takes on disk, about. */
  readonly bytes: number;
  readonly #manifest: Omit<ManifestBody, 'segments'>;
  readonly #pictures: readonly SegmentPicture[];
  readonly #records: readonly Omit<SegmentRecord, 'index'>[];
  readonly #indexes: readonly (VectorIndexRecord | undefined)[];

  constructor(manifest: Omit<ManifestBody, 'segments'>, segments: readonly Segment[]) {
    this.opNum = manifest.applied;
    this.points = segments.reduce((sum, segment) => sum + segment.live, 0);
    this.bytes = segments.reduce((sum, segment) => {
      return sum + wholeBytes(segment) + (segment.index?.record.bytes ?? 0);
    }, 0);
    this.#manifest = manifest;
    // Nothing of it is in the other store yet.
    this.#pictures = segments.map((segment) => ({ ...pictureOf(segment), saved: EMPTY_SAVED }));
    this.#records = segments.map(({ id, live, opNumMax }) => {
      return { id, live, opNumMax, ...EMPTY_SAVED };
    });
    this.#indexes = segments.map(({ index }) => index?.record);
  }

  /** Writes it into an empty store, in slices. */
  async write(store: BlockStore, tools: SnapshotTools): Promise<void> {
    const { storeId, clock, signal, onProgress, copyIndex } = tools;
    const total = this.#pictures.reduce((sum, { rows, stamps }) => sum + rows + stamps, 0);
    let done = 0;
    const onEncoded = (entries: number) => {
      done += entries;
      onProgress({ done, total });
    };
    await store.open({ storeId });
    const written = await saveSegments(store, this.#pictures, clock, signal, onEncoded);
    const segments: SegmentRecord[] = [];
    for (const [at, record] of this.#records.entries()) {
      const index = this.#indexes[at];
      const isCopied = index !== undefined && (await copyIndex(index));
      segments.push({ ...record, ...written[at], ...(isCopied && { index }) });
    }
    await store.commit({ ...this.#manifest, segments }, written.flatMap(keysOf));
  }
}
