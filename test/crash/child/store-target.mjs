// The smallest collection on the store's own layers: a directory with a log and a segment store. A
// step is a record of the log; a flush writes all points as blocks, commits them and forgets the
// records. Options: `walWriteBufferBytes`, `segmentsWriteBufferBytes`, `unsyncedBytesMax`.
import { openDirectory } from '#sluice/services/level/directory.js';
import { SegmentStore } from '#sluice/services/level/segment-store.js';
import { LevelWal } from '#sluice/services/level/wal.js';
import { effects } from './fold.mjs';

const BLOCK_POINTS = 10;
const encode = (value) => new TextEncoder().encode(JSON.stringify(value));
const decode = (data) => JSON.parse(new TextDecoder().decode(data));

class StoreSession {
  #wal;
  #segments;
  #directory;
  #points = new Map();
  #applied = 0;
  #appends = Promise.resolve();
  #flushes = Promise.resolve();

  constructor(directory, options) {
    this.#directory = directory;
    this.#wal = new LevelWal(directory.wal, { unsyncedBytesMax: options.unsyncedBytesMax });
    this.#segments = new SegmentStore(directory.segments);
  }

  async open() {
    const { storeId, acked, last } = await this.#wal.open();
    const manifest = await this.#segments.open({ storeId });
    await this.#directory.finishCreation();
    for (const block of manifest?.blocks ?? []) {
      const points = decode(await this.#segments.readBlock(block));
      for (const [id, value] of points) this.#points.set(id, value);
    }
    this.#applied = manifest?.applied ?? 0;
    if (this.#applied < acked || this.#applied > last) {
      throw new Error(`applied is ${this.#applied}, the log has ${acked + 1} to ${last}`);
    }
    for await (const { opNum, data } of this.#wal.read(this.#applied + 1, last)) {
      this.#apply(opNum, decode(data));
    }
  }

  perform(step) {
    if (step.kind === 'flush') {
      this.#flushes = this.#flushes.then(() => this.#flush());
      return this.#flushes.then(() => ({}));
    }
    const appended = this.#appends.then(async () => {
      const [opNum] = await this.#wal.append([encode(step)], { sync: step.wait });
      this.#apply(opNum, step);
      return { opNum };
    });
    this.#appends = appended;
    return appended;
  }

  async read() {
    const points = [...this.#points].map(([id, value]) => ({ id, ...value }));
    return { points, count: points.length };
  }

  async close() {
    await this.#appends;
    await this.#flushes;
    await this.#wal.close();
    await this.#segments.close();
    await this.#directory.close();
  }

  #apply(opNum, step) {
    for (const [id, value] of effects(this.#points, step)) {
      if (value === undefined) this.#points.delete(id);
      else this.#points.set(id, value);
    }
    this.#applied = opNum;
  }

  async #flush() {
    const applied = this.#applied;
    const points = [...this.#points];
    // A commit must not name an operation that the log may still lose.
    await this.#wal.sync();
    const parts = [];
    for (let at = 0; at < points.length; at += BLOCK_POINTS) {
      parts.push(encode(points.slice(at, at + BLOCK_POINTS)));
    }
    const blocks = await this.#segments.putBlocks(parts, new AbortController().signal);
    const keys = blocks.map(({ key }) => key);
    await this.#segments.commit({ applied, blocks }, keys);
    await this.#wal.acknowledge(applied);
  }
}

export const target = {
  async open(path, options) {
    const directory = await openDirectory(path, { create: true, ...options });
    const session = new StoreSession(directory, options);
    try {
      await session.open();
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  },
  async verify() {
    return [];
  },
};
