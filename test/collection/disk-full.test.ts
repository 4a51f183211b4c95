// Real disks that fill up: in spite of the guard, and with it.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Collection, openCollection, SluiceError, verifyStore } from 'sluice';
import { describe, expect, it, onTestFinished } from 'vitest';
import { points, until } from '../support/points.js';
import { type SmallDisk, smallDiskUnavailable, withSmallDisk } from '../support/small-disk.js';

const MIB = 1024 * 1024;
const DIMENSIONS = 256;
/** Points of one operation. */
const BATCH = 100;

const OPTIONS = {
  dimensions: DIMENSIONS,
  flushIntervalMs: 100,
  optimizers: { vacuumMinVectorNumber: 50, deletedThreshold: 0.1, maxSegmentSizeKb: 512 },
};

const unavailable = smallDiskUnavailable();
if (unavailable !== undefined) console.warn(`full disks are skipped: ${unavailable}`);

/** Writes batches with ids of their own, and remembers which were answered. */
class Filler {
  readonly collection: Collection;
  /** The first ids of batches that must be there. */
  readonly promised = new Set<number>();
  /** Those of batches that may be there, wholly. */
  readonly possible = new Set<number>();
  /** What readers see even if nothing is applied any more: what was completed, and all before it. */
  #visible = new Set<number>();
  #next = 0;

  constructor(collection: Collection) {
    this.collection = collection;
  }

  /** Writes until an update is rejected, and gives the error. */
  async fill(batchesMax = 2000): Promise<SluiceError> {
    for (let count = 0; count < batchesMax; count += 1) {
      const first = this.#next;
      this.#next += BATCH;
      this.possible.add(first);
      const batch = points(first, BATCH, DIMENSIONS);
      try {
        const wait = count % 3 === 0;
        await this.collection.upsert(batch, { wait });
        this.promised.add(first);
        if (wait) this.#visible = new Set(this.promised);
      } catch (error) {
        if (error instanceof SluiceError) return error;
        throw error;
      }
    }
    return expect.unreachable('the disk should be full by now');
  }

  /** Deletes the oldest batches, but not so many. */
  async deleteAllBut(kept: number): Promise<void> {
    const ids = [...this.promised];
    for (const first of ids.slice(0, Math.max(0, ids.length - kept))) {
      await this.collection.delete(Array.from({ length: BATCH }, (_, index) => first + index));
      this.promised.delete(first);
      this.possible.delete(first);
    }
  }

  /** As `check`, of a collection that is broken: what the log alone has is there when it is reopened. */
  async checkBroken(): Promise<void> {
    await this.#check(this.collection, this.#visible);
  }

  /** Nothing promised is missing, and nothing is there in part or that was never written. */
  async check(collection: Collection = this.collection): Promise<void> {
    await this.#check(collection, this.promised);
  }

  async #check(collection: Collection, sure: ReadonlySet<number>): Promise<void> {
    let found = 0;
    for (const first of this.possible) {
      const ids = Array.from({ length: BATCH }, (_, index) => first + index);
      const { length } = await collection.get(ids);
      expect(length, `batch ${first}`).toBe(length === 0 && !sure.has(first) ? 0 : BATCH);
      found += length;
    }
    expect(await collection.count()).toBe(found);
  }
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'fulfilled',
    (error: SluiceError) => error.code,
  );
}

async function openOn(disk: SmallDisk, options: object): Promise<Collection> {
  const collection = await openCollection(join(disk.path, 'store'), { ...OPTIONS, ...options });
  onTestFinished(() => collection.close().catch(() => {}));
  return collection;
}

const isCapacityStanding = (collection: Collection) =>
  collection
    .status()
    .errors.some(({ what, recoveredAt }) => what === 'capacity' && recoveredAt === null);

const TIME_LIMIT_MS = 90_000;

describe.skipIf(unavailable !== undefined)('a disk that is really full', () => {
  it(
    'breaks the collection; reads go on, and reopening finds all that was acknowledged',
    async () => {
      // Several times what the three fillings and LevelDB's garbage come to: without them there is room.
      const size = 48 * MIB;
      await withSmallDisk(size, async (disk) => {
        // The guard believes in a disk without end.
        const collection = await openOn(disk, { freeBytes: async () => 1e15 });
        const filler = new Filler(collection);
        for (const room of [1 * MIB, 2.2 * MIB, 3.5 * MIB]) {
          disk.leave(room);
          const error = await filler.fill();
          expect(['SLUICE_DISK_FULL', 'SLUICE_BROKEN']).toContain(error.code);
          await until(() => collection.status().color === 'red');
          expect(await codeOf(collection.delete([1]))).toBe('SLUICE_BROKEN');
          await filler.checkBroken();
          disk.leave(0);
          expect(await codeOf(collection.reopen())).toBe('SLUICE_DISK_FULL');
          await filler.checkBroken();
          disk.leave(size);
          await collection.reopen();
          await filler.check();
          await collection.optimize();
          expect(collection.status().color).toBe('green');
        }
        await collection.close();
        const path = join(disk.path, 'store');
        expect(await verifyStore(path)).toMatchObject({ ok: true, problems: [] });
        await using again = await openCollection(path);
        await filler.check(again);
      });
    },
    TIME_LIMIT_MS,
  );
});

describe.skipIf(unavailable !== undefined)(
  'a disk that is full when the collection is closed',
  () => {
    it(
      'keeps all that was acknowledged for who opens it when there is space',
      async () => {
        await withSmallDisk(8 * MIB, async (disk) => {
          const collection = await openOn(disk, { freeBytes: async () => 1e15 });
          const filler = new Filler(collection);
          disk.leave(3 * MIB);
          const error = await filler.fill();
          expect(['SLUICE_DISK_FULL', 'SLUICE_BROKEN']).toContain(error.code);
          disk.leave(0);
          // The last flush can't be written: the log has everything.
          await collection.close();
          const path = join(disk.path, 'store');
          expect(await codeOf(openCollection(path))).toBe('SLUICE_DISK_FULL');
          disk.leave(8 * MIB);
          await using again = await openCollection(path);
          await filler.check(again);
          await again.upsert(points(1_000_000, 1, DIMENSIONS));
          expect(await again.get([1_000_000])).toHaveLength(1);
        });
      },
      TIME_LIMIT_MS,
    );
  },
);

describe.skipIf(unavailable !== undefined)('a disk that gets full', () => {
  it(
    'is never filled: updates are refused, and accepted again when space was freed',
    async () => {
      await withSmallDisk(16 * MIB, async (disk) => {
        const collection = await openOn(disk, {});
        const filler = new Filler(collection);
        for (let round = 0; round < 2; round += 1) {
          // Freed space comes back bit by bit, and so may what is accepted.
          do {
            await until(() => !isCapacityStanding(collection));
            const error = await filler.fill();
            expect(error).toMatchObject({ code: 'SLUICE_NOT_ENOUGH_SPACE', kind: 'declined' });
          } while (filler.promised.size <= 20);
          expect(isCapacityStanding(collection)).toBe(true);
          await filler.deleteAllBut(10);
          await until(() => !isCapacityStanding(collection));
          await filler.check();
        }
        const errors = collection.status().errors.map(({ code }) => code);
        expect(errors).not.toContain('SLUICE_DISK_FULL');
        await collection.close();
        expect(await verifyStore(join(disk.path, 'store'))).toMatchObject({ ok: true });
      });
    },
    TIME_LIMIT_MS,
  );

  it(
    'refuses what comes when another one has taken the space, until it gives it back',
    async () => {
      await withSmallDisk(16 * MIB, async (disk) => {
        const collection = await openOn(disk, {});
        const filler = new Filler(collection);
        disk.leave(1.5 * MIB);
        // Updates are judged by the last look at the disk, two seconds old at most while they come.
        for (const end = performance.now() + 2200; performance.now() < end; await sleep(20)) {
          await collection.delete([1_000_000], { wait: false });
        }
        expect(await filler.fill()).toMatchObject({ code: 'SLUICE_NOT_ENOUGH_SPACE' });
        disk.leave(16 * MIB);
        await until(() => !isCapacityStanding(collection));
        expect(await codeOf(collection.upsert(points(1_000_000, 1, DIMENSIONS)))).toBe('fulfilled');
        expect(await collection.get([1_000_000])).toHaveLength(1);
        await collection.close();
      });
    },
    TIME_LIMIT_MS,
  );
});
