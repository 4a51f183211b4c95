// A snapshot has the vector indexes of the collection, or none that is not what it should be.
import { appendFileSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Collection, openCollection, verifyStore } from 'sluice';
import { describe, expect, it, onTestFinished } from 'vitest';
import { contentsOf, points } from '../support/points.js';
import { newStore, STORES } from '../support/stores.js';
import { temporaryDirectory } from '../support/temporary.js';

const DIMENSIONS = 16;
const COUNT = 2000;
const OPTIONS = {
  dimensions: DIMENSIONS,
  optimizers: { indexingThresholdKb: 50, defaultSegmentNumber: 2 },
};

async function fill(collection: Collection): Promise<Collection> {
  await collection.upsert(points(0, COUNT, DIMENSIONS));
  await collection.optimize();
  await collection.delete([3, 4, 5]);
  await collection.upsert(points(COUNT, 10, DIMENSIONS));
  return collection;
}

const indexed = (collection: Collection) =>
  collection.info().segments.filter((segment) => segment.indexed).length;

async function opened(path: string): Promise<Collection> {
  const collection = await openCollection(path);
  onTestFinished(() => collection.close());
  return collection;
}

describe.each(STORES)('a snapshot of a collection in $kind with a vector index', ({ create }) => {
  it('has the index, and nothing to do', async () => {
    const source = await fill(await newStore(create).open(OPTIONS));
    const target = join(await temporaryDirectory(), 'copy');
    await source.snapshot(target);
    expect(await verifyStore(target)).toMatchObject({
      ok: true,
      checked: { indexes: 1, points: COUNT + 7 },
    });
    const copy = await opened(target);
    expect(copy.status()).toEqual({ color: 'green', reasons: [], errors: [] });
    expect(indexed(copy)).toBe(1);
    expect(await contentsOf(copy)).toEqual(await contentsOf(source));
    const [point] = points(7, 1, DIMENSIONS);
    const query = point?.vector ?? [];
    const wanted = await source.search(query, { limit: 5 });
    expect(await copy.search(query, { limit: 5 })).toEqual(wanted);
    expect(copy.optimizations().completed).toEqual([]);
  });
});

describe('a snapshot of a collection whose index file', () => {
  const cases: [string, (file: string) => void][] = [
    ['is gone', (file) => rmSync(file)],
    ['is damaged', (file) => appendFileSync(file, 'x')],
  ];
  it.each(cases)('%s has none, and builds it anew without an error', async (_, harm) => {
    const place = await temporaryDirectory();
    const source = await fill(await openCollection(join(place, 'source'), OPTIONS));
    onTestFinished(() => source.close());
    const folder = join(source.info().path ?? '', 'vector-index');
    for (const name of readdirSync(folder)) harm(join(folder, name));
    const target = join(place, 'copy');
    await source.snapshot(target);
    expect(await verifyStore(target)).toMatchObject({ ok: true, checked: { indexes: 0 } });
    expect(
      existsSync(join(target, 'vector-index')) ? readdirSync(join(target, 'vector-index')) : [],
    ).toEqual([]);
    const copy = await opened(target);
    expect(await copy.optimize()).toEqual({ color: 'green', reasons: [], errors: [] });
    expect(indexed(copy)).toBe(1);
    expect(await contentsOf(copy)).toEqual(await contentsOf(source));
  });
});

describe('a snapshot that is given up', () => {
  it('leaves nothing, no index file either', async () => {
    const place = await temporaryDirectory();
    const source = await fill(await openCollection(join(place, 'source'), OPTIONS));
    onTestFinished(() => source.close());
    const controller = new AbortController();
    const onProgress = ({ done, total }: { done: number; total: number }) => {
      // Rows and deletions are written: what follows are the files.
      if (done === total) setImmediate(() => controller.abort());
    };
    const target = join(place, 'copy');
    const options = { signal: controller.signal, onProgress };
    await expect(source.snapshot(target, options)).rejects.toMatchObject({
      code: 'SLUICE_ABORTED',
    });
    expect(existsSync(target)).toBe(false);
  });
});
