// Payload indexes of a whole collection: declared, used, kept over a reopening, dropped.
import type { Filter } from 'sluice';
import { Collection } from 'sluice';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type CollectionParts, openParts } from '#sluice/collection-parts.js';
import { systemClock } from '#sluice/services/clock.js';
import { Pace } from '#sluice/services/points/pace.js';
import { count } from '#sluice/services/points/scroll.js';
import { newStore, STORES, type Store } from '../support/stores.js';

const DIMENSIONS = 2;
const POINTS = 500;
const where = (key: string, value: string | number): Filter => ({
  must: [{ key, match: { value } }],
});

/** Opens a collection together with what it is made of. */
async function open(store: Store): Promise<{ collection: Collection; parts: CollectionParts }> {
  const parts = await openParts(store.target, { dimensions: DIMENSIONS });
  const collection = new Collection(parts);
  await collection.ready();
  onTestFinished(() => collection.close());
  return { collection, parts };
}

async function fill(collection: Collection): Promise<void> {
  const points = Array.from({ length: POINTS }, (_, id) => ({
    id,
    vector: [1, id],
    payload: { color: `c${id % 50}`, size: [{ cm: id % 100 }, { cm: 0.5 }] },
  }));
  await collection.upsert(points);
}

/** The rows that a count looks at when what it needs has been built. */
async function rowsLookedAt({ holder }: CollectionParts, filter: Filter): Promise<number> {
  const view = holder.view();
  try {
    await count(view, filter, new Pace(systemClock));
    const pace = new Pace(systemClock);
    await count(view, filter, pace);
    return pace.steps;
  } finally {
    view.release();
  }
}

describe.each(STORES)('on $kind', ({ create }) => {
  it('an index is used as soon as it is created, also after reopening, until it is dropped', async () => {
    const store = newStore(create);
    const red = where('color', 'c7');
    const large = { must: [{ key: 'size[].cm', range: { gte: 99 } }] };
    const first = await open(store);
    await fill(first.collection);
    const page = await first.collection.scroll({ filter: red, limit: 5 });
    const hits = await first.collection.search([1, 2], { limit: 5, filter: red });
    expect(await rowsLookedAt(first.parts, red)).toBe(POINTS);
    await first.collection.createPayloadIndex('color', 'keyword');
    await first.collection.createPayloadIndex('size[].cm', 'float');
    const expectUsed = async ({ collection, parts }: typeof first) => {
      expect(await rowsLookedAt(parts, red)).toBe(10);
      expect(await rowsLookedAt(parts, large)).toBe(5);
      expect(await collection.count({ filter: red })).toBe(10);
      expect(await collection.count({ filter: large })).toBe(5);
      expect(await collection.scroll({ filter: red, limit: 5 })).toEqual(page);
      expect(await collection.search([1, 2], { limit: 5, filter: red })).toEqual(hits);
    };
    await expectUsed(first);
    await first.collection.close();
    const again = await open(store);
    await expectUsed(again);
    await again.collection.deletePayloadIndex('color');
    expect(await rowsLookedAt(again.parts, red)).toBe(POINTS);
    expect(await again.collection.count({ filter: red })).toBe(10);
    await again.collection.close();
    const last = await open(store);
    expect(last.collection.info().payloadIndexes).toEqual({ 'size[].cm': 'float' });
    expect(await rowsLookedAt(last.parts, red)).toBe(POINTS);
  });

  it('deletions from an indexed collection are gone after each reopening', async () => {
    const store = newStore(create);
    const { collection } = await open(store);
    await collection.createPayloadIndex('place', 'keyword');
    const ids = [1, 2, 3, 4, 5];
    const payload = { place: 'here' };
    await collection.upsert(ids.map((id) => ({ id, vector: [1, id], payload })));
    const here = { filter: where('place', 'here') };
    expect(await collection.count(here)).toBe(5);
    await collection.delete([4]);
    expect(await collection.count(here)).toBe(4);
    const { collection: killed } = await open(await store.afterKill());
    expect(await killed.count(here)).toBe(4);
    await collection.close();
    const again = await open(store);
    expect(await again.collection.count(here)).toBe(4);
    await again.collection.delete([5]);
    await again.collection.close();
    const last = await open(store);
    expect(await last.collection.count(here)).toBe(3);
    expect((await last.collection.scroll(here)).points.map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  it('an index that is missing or of the wrong type is mended by declaring it; others stay', async () => {
    const store = newStore(create);
    const { collection } = await open(store);
    await fill(collection);
    await collection.createPayloadIndex('color', 'integer');
    await collection.createPayloadIndex('other', 'bool');
    await collection.close();
    const again = await open(store);
    expect(await rowsLookedAt(again.parts, where('color', 'c7'))).toBe(POINTS);
    await again.collection.createPayloadIndex('color', 'keyword');
    await again.collection.createPayloadIndex('size[].cm', 'integer');
    expect(await rowsLookedAt(again.parts, where('color', 'c7'))).toBe(10);
    expect(await rowsLookedAt(again.parts, where('size[].cm', 7))).toBe(5);
    expect(again.collection.info().payloadIndexes).toEqual({
      color: 'keyword',
      other: 'bool',
      'size[].cm': 'integer',
    });
  });

  it('a deletion by filter does the same again in a replay, with an index and without', async () => {
    const store = newStore(create);
    const { collection } = await open(store);
    await fill(collection);
    await collection.flush();
    await collection.createPayloadIndex('color', 'keyword');
    const filter = where('color', 'c7');
    expect(await collection.count({ filter })).toBe(10);
    const moved = await collection.setPayload({ color: 'c8' }, { filter });
    expect(moved).toMatchObject({ affected: 10 });
    await collection.deletePayloadIndex('color');
    const removed = await collection.delete({ filter: where('color', 'c8') });
    expect(removed).toMatchObject({ affected: 20 });
    const { collection: replayed } = await open(await store.afterKill());
    expect(await replayed.scroll({ limit: POINTS })).toEqual(
      await collection.scroll({ limit: POINTS }),
    );
    expect(await replayed.count()).toBe(POINTS - 20);
  });
});
