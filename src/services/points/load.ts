import { assert, SluiceError, throwIfAborted } from '../../errors.js';
import type { PointId } from '../../types.js';
import type { Clock } from '../clock.js';
import { decodeRows, decodeStamps, type RowsBlock } from './blocks.js';
import type { BlockRef, BlockStore, ManifestBody, SegmentRecord } from './manifest.js';
import { Pace } from './pace.js';
import { EMPTY_PAYLOAD } from './payload-text.js';
import { LIVE, type Row, Segment } from './segment.js';

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

/** Op numbers of deletions by row, in the order in which they were given. */
type Stamps = ReadonlyMap<number, number>;

class Loader {
  readonly segments: Segment[] = [];
  readonly #body: ManifestBody;
  readonly #options: LoadOptions;
  readonly #pace: Pace;
  readonly #blocksTotal: number;
  #blocksDone = 0;

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
    segment.slab.fill(block.vectors);
    for (let index = 0; index < block.ids.length; index += 1) {
      this.#addRow(segment, rowAt(block, index, stamps.get(segment.rows)), record);
      if (this.#pace.isDue()) await this.#pace.rest();
    }
  }

  #addRow(segment: Segment, row: Row, record: SegmentRecord): void {
    if (!(row.insertedAt <= Math.min(this.#body.applied, row.deletedAt))) {
      throw damaged(record, `row ${segment.rows} is newer than it can be`);
    }
    if (row.deletedAt === LIVE && this.#isLive(row.id, segment)) {
      throw damaged(record, `point ${JSON.stringify(row.id)} is live twice`);
    }
    segment.adopt(row);
  }

  #isLive(id: PointId, newest: Segment): boolean {
    if (newest.rowOf(id) !== undefined) return true;
    return this.segments.some((segment) => segment.rowOf(id) !== undefined);
  }

  /** Blocks in their order; while one is taken in, the next is being read. */
  async *#blocks<Ref extends BlockRef>(
    refs: readonly Ref[],
  ): AsyncGenerator<{ ref: Ref; data: Uint8Array }> {
    let ahead: Promise<Uint8Array> | undefined;
    for (const [at, ref] of refs.entries()) {
      const data = await (ahead ?? this.#read(ref));
      const next = refs[at + 1];
      ahead = next && this.#read(next);
      // Told when it is waited for, unless this one ends the loading.
      ahead?.catch(() => {});
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

function rowAt({ ids, payloads, insertedAt }: RowsBlock, index: number, deletedAt = LIVE): Row {
  const id = ids[index];
  assert(id !== undefined, 'a block has its rows');
  const payload = payloads[index] ?? EMPTY_PAYLOAD;
  return { id, payload, insertedAt: insertedAt[index] ?? LIVE, deletedAt };
}

function damaged(record: SegmentRecord, why: string): SluiceError {
  return new SluiceError('SLUICE_DAMAGED', `segment ${record.id} is damaged: ${why}`);
}
