import { assert, SluiceError, throwIfAborted } from '../../errors.js';
import type { PointId } from '../../types.js';
import type { Clock } from '../clock.js';
import { decodeRows, decodeStamps, type RowsBlock } from './blocks.js';
import type { BlockRef, BlockStore, ManifestBody, SegmentRecord } from './manifest.js';
import { Pace } from './pace.js';
import { LIVE, Segment } from './segment.js';

/** Vectors that may wait to be copied to their places: until then their blocks stay in memory. */
const WAITING_BYTES_MAX = 64 * 1024 * 1024;

/** Blocks that are being read, the one that is waited for among them. */
const READ_AHEAD = 4;

/** What loading needs beside the manifest. */
export interface LoadOptions {
  store: BlockStore;
  clock: Clock;
  signal: AbortSignal;
  /** Told of blocks read, of all blocks. */
  onProgress: (done: number, total: number) => void;
}

/**
 * Reads the segments that a manifest names, and checks every count in it and that no point is live
 * twice. Throws `SLUICE_DAMAGED`, or `SLUICE_CANCELLED` when the signal fires.
 */
export async function loadSegments(body: ManifestBody, options: LoadOptions): Promise<Segment[]> {
  const loader = new Loader(body, options);
  for (const record of body.segments) await loader.load(record);
  return loader.segments;
}

/** Copies the vectors of loaded segments to their places, in slices, as long as it `isDue`. */
export async function settleVectors(
  segments: readonly Segment[],
  clock: Clock,
  isDue: () => boolean,
): Promise<void> {
  await clock.yield();
  const pace = new Pace(clock);
  for (const { slab } of segments) await slab.settle(pace, isDue);
}

/** Op numbers of deletions by row, in the order in which they were given. */
type Stamps = ReadonlyMap<number, number>;

class Loader {
  readonly segments: Segment[] = [];
  readonly #body: ManifestBody;
  readonly #options: LoadOptions;
  readonly #pace: Pace;
  readonly #blocksTotal: number;
  #blocksDone = 0;
  /** Of vectors that were taken in. */
  #vectorBytes = 0;

  constructor(body: ManifestBody, options: LoadOptions) {
    this.#body = body;
    this.#options = options;
    this.#pace = new Pace(options.clock, options.signal);
    const blocks = body.segments.flatMap(({ rows, stamps }) => [...rows, ...stamps]);
    this.#blocksTotal = blocks.length;
  }

  async load(record: SegmentRecord): Promise<void> {
    const segment = new Segment(record.id, this.#body);
    const stamps = await this.#readStamps(record);
    for await (const { ref, data } of this.#blocks(record.rows)) {
      const block = decodeRows(data, this.#body.dimensions);
      if (block.ids.length !== ref.count)
        throw damaged(record, `block ${ref.key} has a wrong count`);
      await this.#addRows(segment, block, stamps, record);
    }
    for (const row of stamps.keys()) {
      if (row >= segment.rows) throw damaged(record, `it lacks the deleted row ${row}`);
    }
    segment.loadStamps(stamps.keys());
    segment.saved = { rows: record.rows, stamps: record.stamps };
    if (segment.live !== record.live) {
      throw damaged(record, `it has ${segment.live} points, not ${record.live}`);
    }
    if (segment.opNumMax !== record.opNumMax) {
      throw damaged(record, `its newest operation is ${segment.opNumMax}, not ${record.opNumMax}`);
    }
    this.segments.push(segment);
  }

  async #readStamps(record: SegmentRecord): Promise<Stamps> {
    const stamps = new Map<number, number>();
    for await (const { ref, data } of this.#blocks(record.stamps)) {
      const { rows, deletedAt } = decodeStamps(data);
      if (rows.length !== ref.count) throw damaged(record, `block ${ref.key} has a wrong count`);
      for (const [index, row] of rows.entries()) {
        const opNum = deletedAt[index] ?? LIVE;
        // Written so that NaN fails as well.
        if (!(opNum <= this.#body.applied)) throw damaged(record, `row ${row} is deleted too late`);
        if (stamps.has(row)) throw damaged(record, `row ${row} is deleted twice`);
        stamps.set(row, opNum);
      }
    }
    return stamps;
  }

  async #addRows(
    segment: Segment,
    block: RowsBlock,
    stamps: Stamps,
    record: SegmentRecord,
  ): Promise<void> {
    segment.loadColumns(block);
    const { ids, insertedAt } = block;
    for (let index = 0; index < ids.length; index += 1) {
      const deletedAt = stamps.get(segment.rows) ?? LIVE;
      this.#addRow(segment, ids[index] as PointId, insertedAt[index] as number, deletedAt, record);
      if (this.#pace.isDue()) await this.#pace.rest();
    }
    this.#vectorBytes += block.vectors.length;
    if (this.#vectorBytes > WAITING_BYTES_MAX) await segment.slab.settle(this.#pace);
  }

  #addRow(
    segment: Segment,
    id: PointId,
    insertedAt: number,
    deletedAt: number,
    record: SegmentRecord,
  ): void {
    if (!(insertedAt <= Math.min(this.#body.applied, deletedAt))) {
      throw damaged(record, `row ${segment.rows} is newer than it can be`);
    }
    const isNew = segment.loadRow(id, insertedAt, deletedAt);
    if (!isNew || (deletedAt === LIVE && this.#isLiveBefore(id))) {
      throw damaged(record, `point ${JSON.stringify(id)} is live twice`);
    }
  }

  /** Whether a segment that was loaded before has the point. */
  #isLiveBefore(id: PointId): boolean {
    for (const segment of this.segments) if (segment.rowOf(id) !== undefined) return true;
    return false;
  }

  /** Blocks in their order; while one is taken in, the next ones are being read. */
  async *#blocks<Ref extends BlockRef>(
    refs: readonly Ref[],
  ): AsyncGenerator<{ ref: Ref; data: Uint8Array }> {
    const ahead: Promise<Uint8Array>[] = [];
    for (const [at, ref] of refs.entries()) {
      for (const next of refs.slice(at + ahead.length, at + READ_AHEAD)) {
        const reading = this.#read(next);
        // Told when it is waited for, unless another one ends the loading.
        reading.catch(() => {});
        ahead.push(reading);
      }
      const data = await ahead.shift();
      assert(data !== undefined, 'a block is read before it is waited for');
      yield { ref, data };
    }
  }

  async #read(ref: BlockRef): Promise<Uint8Array> {
    const { store, signal, onProgress } = this.#options;
    throwIfAborted(signal);
    const data = await store.readBlock(ref);
    this.#blocksDone += 1;
    onProgress(this.#blocksDone, this.#blocksTotal);
    return data;
  }
}

function damaged(record: SegmentRecord, why: string): SluiceError {
  return new SluiceError('SLUICE_DAMAGED', `segment ${record.id} is damaged: ${why}`);
}
