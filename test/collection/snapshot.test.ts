// A snapshot holds the exact effects of operations 1…opNum, whatever else goes on.
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Collection, openCollection, type SluiceError, verifyStore } from 'sluice';
import { describe, expect, it, onTestFinished } from 'vitest';
import { contentsOf, inOrder, points, until } from '../support/points.js';
import { Random } from '../support/random.js';
import { smallDiskUnavailable, withSmallDisk } from '../support/small-disk.js';
import { newStore, STORES } from '../support/stores.js';
import { temporaryDirectory } from '../support/temporary.js';
import { Writer } from './support/writer.js';

const DIMENSIONS = 8;
const MIB = 1024 * 1024;

async function filled(count = 3000): Promise<{ collection: Collection; place: string }> {
  const place = await temporaryDirectory();
  const collection = await openCollection(join(place, 'source'), { dimensions: DIMENSIONS });
  onTestFinished(() => collection.close());
  await collection.upsert(points(0, count, DIMENSIONS));
  return { collection, place };
}

/** What an existing collection holds, opened for as long as that takes. */
async function storedAt(path: string) {
  await using copy = await openCollection(path);
  return { contents: await contentsOf(copy), info: copy.info() };
}

async function failure(promise: Promise<unknown>): Promise<SluiceError> {
  return promise.then(
    () => expect.unreachable('should have been rejected'),
    (error: SluiceError) => error,
  );
}

describe('snapshots taken while everything else goes on', () => {
  it('each open as the collection was after one operation, and are sound', async () => {
    const place = await temporaryDirectory();
    const writer = new Writer(new Random(7), DIMENSIONS);
    const collection = await openCollection(join(place, 'source'), {
      dimensions: DIMENSIONS,
      flushIntervalMs: 5,
      optimizers: {
        defaultSegmentNumber: 2,
        deletedThreshold: 0.1,
        vacuumMinVectorNumber: 50,
        maxSegmentSizeKb: 8,
      },
    });
    onTestFinished(() => collection.close());
    let isOver = false;
    const writing = writer.write(collection, () => isOver);
    const taken = [];
    for (let number = 0; number < 4; number += 1) {
      const before = writer.completed;
      const result = await collection.snapshot(join(place, `copy-${number}`));
      expect(result.opNum).toBeGreaterThanOrEqual(before);
      taken.push(result);
    }
    isOver = true;
    await writing;
    expect(collection.optimizations().completed.length).toBeGreaterThan(0);
    for (const { path, opNum, points: count } of taken) {
      expect(await verifyStore(path)).toMatchObject({ ok: true, problems: [] });
      const { contents, info } = await storedAt(path);
      expect(contents).toEqual(inOrder(writer.modelAt(opNum)));
      expect(contents.size).toBe(count);
      expect(info.wal).toEqual({ acked: opNum, applied: opNum, last: opNum });
    }
    expect(await contentsOf(collection)).toEqual(inOrder(writer.modelAt(writer.completed)));
  }, 60_000);
});

describe.each(STORES)('a snapshot of a collection in $kind', ({ create }) => {
  it('is a collection of its own, with configuration, schema, clocks and numbers', async () => {
    const source = await newStore(create).open({
      dimensions: DIMENSIONS,
      distance: 'dot',
      optimizers: { deletedThreshold: 0.35 },
    });
    const clockTag = (tick: number) => ({ peerId: 1, clockId: 2, tick });
    await source.createPayloadIndex('number', 'integer');
    await source.upsert(points(0, 100, DIMENSIONS), { clockTag: clockTag(5) });
    const target = join(await temporaryDirectory(), 'copy');
    const { opNum, path } = await source.snapshot(target);
    expect({ opNum, path }).toEqual({ opNum: 2, path: target });
    await source.upsert(points(0, 200, DIMENSIONS), { clockTag: clockTag(9) });

    const copy = await openCollection(target);
    onTestFinished(() => copy.close());
    expect(copy.info()).toMatchObject({
      points: 100,
      distance: 'dot',
      payloadIndexes: { number: 'integer' },
      configuration: { optimizers: { deletedThreshold: 0.35 } },
    });
    const again = await copy.upsert(points(1, 1, DIMENSIONS), { clockTag: clockTag(4) });
    expect(again.status).toBe('clockRejected');
    const next = await copy.upsert(points(500, 1, DIMENSIONS), { clockTag: clockTag(6) });
    expect(next).toMatchObject({ opNum: 3, status: 'completed' });
    expect([await copy.count(), await source.count()]).toEqual([101, 200]);
  });

  it('may be empty', async () => {
    const source = await newStore(create).open({ dimensions: 3 });
    const target = join(await temporaryDirectory(), 'a/b/copy');
    expect(await source.snapshot(target)).toEqual({ path: target, opNum: 0, points: 0 });
    expect(await verifyStore(target)).toMatchObject({ ok: true });
    expect((await storedAt(target)).info).toMatchObject({ points: 0, dimensions: 3 });
  });
});

describe('the place of a snapshot', () => {
  it('may be an empty directory, and tells how far it is', async () => {
    const { collection, place } = await filled();
    const target = join(place, 'copy');
    mkdirSync(target);
    const seen: number[] = [];
    await collection.snapshot(target, {
      onProgress: ({ done, total }) => {
        expect(total).toBe(3000);
        seen.push(done);
      },
    });
    expect(seen.at(-1)).toBe(3000);
    expect((await storedAt(target)).info.points).toBe(3000);
  });

  it('must not hold anything, which is left as it was', async () => {
    const { collection, place } = await filled(10);
    const other = join(place, 'other');
    await (await openCollection(other, { dimensions: 2 })).close();
    mkdirSync(join(place, 'foreign'));
    for (const file of ['foreign/letter', 'file']) writeFileSync(join(place, file), 'dear');
    for (const name of ['other', 'foreign', 'file']) {
      expect(await failure(collection.snapshot(join(place, name)))).toMatchObject({
        code: 'SLUICE_EXISTS',
        kind: 'declined',
      });
    }
    expect(readdirSync(join(place, 'foreign'))).toEqual(['letter']);
    expect((await storedAt(other)).info.dimensions).toBe(2);
    expect(collection.status().color).toBe('green');
  });

  it('must not be the collection itself or lie in it, by no name', async () => {
    const { collection, place } = await filled(10);
    symlinkSync(join(place, 'source'), join(place, 'alias'));
    for (const name of ['source', 'source/copy', 'alias/deep/copy', 'x/../source/wal']) {
      const error = await failure(collection.snapshot(`${place}/${name}`));
      expect(error.code).toBe('SLUICE_BAD_OPTION');
    }
    expect(readdirSync(join(place, 'source')).sort()).toEqual(['FORMAT', 'segments', 'wal']);
    const sibling = await collection.snapshot(join(place, 'source-2'));
    expect(sibling.points).toBe(10);
  });

  it('must be a path, and options what they can be', async () => {
    const { collection, place } = await filled(1);
    for (const path of ['', undefined, 7]) {
      await expect(collection.snapshot(path as string)).rejects.toThrow(TypeError);
    }
    const odd = { speed: 1 } as object;
    expect((await failure(collection.snapshot(join(place, 'copy'), odd))).code).toBe(
      'SLUICE_BAD_OPTION',
    );
  });

  it('may be what a killed process has left of another one', async () => {
    const { collection, place } = await filled(10);
    const target = join(place, 'copy');
    mkdirSync(target);
    writeFileSync(join(target, 'CREATING'), '');
    const early = await failure(openCollection(target));
    expect(early).toMatchObject({ code: 'SLUICE_NOT_FOUND' });
    expect(early.message).toContain('never finished');
    await collection.snapshot(target);
    expect((await storedAt(target)).info.points).toBe(10);
  });

  it('is taken by one of several at once', async () => {
    const { collection, place } = await filled(2000);
    const target = join(place, 'copy');
    const ends = await Promise.allSettled([1, 2, 3].map(() => collection.snapshot(target)));
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await storedAt(target)).info.points).toBe(2000);
  });
});

describe('a snapshot that is not finished', () => {
  it('leaves nothing when it is aborted, before or in the middle', async () => {
    const { collection, place } = await filled();
    const target = join(place, 'copy');
    const early = collection.snapshot(target, { signal: AbortSignal.abort() });
    expect((await failure(early)).code).toBe('SLUICE_ABORTED');
    const controller = new AbortController();
    const { signal } = controller;
    const onProgress = () => controller.abort();
    const late = collection.snapshot(target, { signal, onProgress });
    expect((await failure(late)).code).toBe('SLUICE_ABORTED');
    expect(existsSync(target)).toBe(false);
    expect(collection.status().color).toBe('green');
    expect((await collection.snapshot(target)).points).toBe(3000);
  });

  it('takes away the directories above it that it has made', async () => {
    const { collection, place } = await filled();
    const controller = new AbortController();
    const { signal } = controller;
    const onProgress = () => controller.abort();
    const given = collection.snapshot(join(place, 'a/b/copy'), { signal, onProgress });
    expect((await failure(given)).code).toBe('SLUICE_ABORTED');
    expect(readdirSync(place)).toEqual(['source']);
  });

  it('keeps others off its place until nothing is left of it', async () => {
    const { collection, place } = await filled(500);
    const target = join(place, 'copy');
    for (let round = 0; round < 8; round += 1) {
      const controller = new AbortController();
      const { signal } = controller;
      const onProgress = () => controller.abort();
      const givenUp = failure(collection.snapshot(target, { signal, onProgress }));
      await until(() => signal.aborted);
      for (let taken = 0; taken === 0; ) {
        try {
          taken = (await collection.snapshot(target)).points;
        } catch (error) {
          expect(error).toMatchObject({ code: 'SLUICE_LOCKED' });
        }
      }
      expect((await givenUp).code).toBe('SLUICE_ABORTED');
      expect((await storedAt(target)).info.points).toBe(500);
      rmSync(target, { recursive: true });
    }
  });

  it('leaves an empty directory empty', async () => {
    const { collection, place } = await filled();
    const target = join(place, 'copy');
    mkdirSync(target);
    const onProgress = () => {
      throw new RangeError('a defect of the caller');
    };
    await expect(collection.snapshot(target, { onProgress })).rejects.toThrow(RangeError);
    expect(readdirSync(target)).toEqual([]);
  });

  it('is finished first when the collection is closed', async () => {
    const { collection, place } = await filled();
    const target = join(place, 'copy');
    const taking = await new Promise<Promise<unknown>>((resolve) => {
      const running = collection.snapshot(target, { onProgress: () => resolve(running) });
    });
    await collection.close();
    expect(await taking).toMatchObject({ points: 3000 });
    expect((await storedAt(target)).info.points).toBe(3000);
    const late = collection.snapshot(join(place, 'late'));
    expect((await failure(late)).code).toBe('SLUICE_STOPPED');
  });

  it('is given up by a close that comes before it has begun', async () => {
    const { collection, place } = await filled(1);
    const refused = failure(collection.snapshot(join(place, 'copy')));
    await collection.close();
    expect((await refused).code).toBe('SLUICE_STOPPED');
    expect(existsSync(join(place, 'copy'))).toBe(false);
  });
});

/** What a snapshot holds in its segments. */
async function sizeOf(collection: Collection, target: string): Promise<{ bytes: number }> {
  const { path } = await collection.snapshot(target);
  const { checked } = await verifyStore(path);
  return checked;
}

const unavailable = smallDiskUnavailable();
if (unavailable !== undefined) console.warn(`full targets are skipped: ${unavailable}`);

describe.skipIf(unavailable !== undefined)('a snapshot on a full disk', () => {
  it('leaves the collection on the same disk the room that it needs', async () => {
    await withSmallDisk(24 * MIB, async (disk) => {
      const options = { dimensions: DIMENSIONS, flushIntervalMs: 100 };
      const collection = await openCollection(join(disk.path, 'source'), options);
      onTestFinished(() => collection.close());
      await collection.upsert(points(0, 30_000, DIMENSIONS));
      await collection.flush();
      const target = join(disk.path, 'copy');
      const { bytes } = await sizeOf(collection, join(await temporaryDirectory(), 'copy'));
      // Enough for the snapshot alone.
      disk.leave(2 * bytes + 2 * MIB);
      const error = await failure(collection.snapshot(target));
      expect(error).toMatchObject({ code: 'SLUICE_NOT_ENOUGH_SPACE', kind: 'declined' });
      expect(error.message).toContain('the collection itself needs');
      disk.leave(24 * MIB);
      expect((await collection.snapshot(target)).points).toBe(30_000);
    });
  });

  it('is refused before it begins when there is too little room', async () => {
    const { collection } = await filled();
    await withSmallDisk(2 * MIB, async (disk) => {
      disk.leave(600 * 1024);
      const target = join(disk.path, 'copy');
      const error = await failure(collection.snapshot(target));
      expect(error).toMatchObject({ code: 'SLUICE_NOT_ENOUGH_SPACE', kind: 'declined' });
      expect(existsSync(target)).toBe(false);
    });
  });

  it('leaves nothing of it when the disk fills up meanwhile, and the collection well', async () => {
    const { collection } = await filled(40_000);
    await withSmallDisk(8 * MIB, async (disk) => {
      const target = join(disk.path, 'copy');
      const onProgress = () => disk.leave(100 * 1024);
      const error = await failure(collection.snapshot(target, { onProgress }));
      expect(error).toMatchObject({ code: 'SLUICE_DISK_FULL', kind: 'declined' });
      expect(existsSync(target)).toBe(false);
      expect(collection.status().color).toBe('green');
      await collection.upsert(points(1, 1, DIMENSIONS));
      disk.leave(8 * MIB);
      expect((await collection.snapshot(target)).points).toBe(40_000);
      expect(await verifyStore(target)).toMatchObject({ ok: true });
    });
  });
});
