// Reads equal a brute force of the test's own: on films, with each distance, and by each filter.
import type { Collection, Distance, Filter, Payload, PointId, PointInput } from 'sluice';
import { describe, expect, it } from 'vitest';
import { bruteForce } from '../support/brute-force.js';
import { films } from '../support/films.js';
import { newStore, STORES } from '../support/stores.js';

const DIMENSIONS = 64;

/** A collection of films in several segments, with deleted and replaced rows among them. */
async function openFilms(create: (typeof STORES)[number]['create'], distance: Distance) {
  const store = newStore(create);
  const collection = await store.open({
    dimensions: DIMENSIONS,
    distance,
    optimizers: { maxSegmentSizeKb: 50, maxOptimizationThreads: 0 },
  });
  const all = films().slice(0, 600);
  const wrong = all.map(({ id }) => ({ id, vector: new Float32Array(DIMENSIONS).fill(1) }));
  for (let at = 0; at < all.length; at += 150) {
    await collection.upsert(wrong.slice(at, at + 150));
    await collection.upsert(all.slice(at, at + 150));
    collection.trigger();
    await collection.plunge();
  }
  const gone = new Set<PointId>(all.filter((_, index) => index % 7 === 0).map(({ id }) => id));
  await collection.delete([...gone]);
  return { store, collection, kept: all.filter(({ id }) => !gone.has(id)) };
}

function idsOf(hits: readonly { id: PointId }[]): PointId[] {
  return hits.map(({ id }) => id);
}

async function expectNearest(
  collection: Collection,
  kept: readonly PointInput[],
  distance: Distance,
): Promise<void> {
  for (const [index, filter] of [undefined, FILTERS[0]?.filter, undefined].entries()) {
    const query = kept[index * 40]?.vector ?? [];
    const candidates = kept.filter(
      ({ payload }) => index !== 1 || FILTERS[0]?.passes(payload ?? {}),
    );
    const expected = bruteForce(candidates, query, distance).slice(0, 25);
    const options = { limit: 25, exact: true, ...(filter === undefined ? {} : { filter }) };
    const hits = await collection.search(query, options);
    expect(idsOf(hits)).toEqual(idsOf(expected));
    for (const [rank, { score, payload }] of hits.entries()) {
      expect(score).toBeCloseTo(expected[rank]?.score ?? Number.NaN, 4);
      expect(payload).toEqual(expected[rank]?.point.payload ?? {});
    }
    const threshold = expected[10]?.score ?? 0;
    const near = await collection.search(query, {
      ...options,
      scoreThreshold: threshold,
    });
    expect(near.length).toBeLessThan(25);
    expect(near.length).toBeGreaterThanOrEqual(10);
    expect(idsOf(near)).toEqual(idsOf(expected).slice(0, near.length));
  }
}

const FILTERS: { name: string; filter: Filter; passes: (payload: Payload) => boolean }[] = [
  {
    name: 'match of one value in an array',
    filter: { must: [{ key: 'genres', match: { value: 'Drama' } }] },
    passes: (payload) => list(payload.genres).includes('Drama'),
  },
  {
    name: 'match of any value',
    filter: { must: [{ key: 'genres', match: { any: ['Western', 'Comedy'] } }] },
    passes: (payload) => list(payload.genres).some((g) => g === 'Western' || g === 'Comedy'),
  },
  {
    name: 'match of a value that is none of those',
    filter: { must: [{ key: 'genres', match: { except: ['Drama'] } }] },
    passes: (payload) => list(payload.genres).some((genre) => genre !== 'Drama'),
  },
  {
    name: 'range',
    filter: { must: [{ key: 'year', range: { gte: 1975, lt: 1990 } }] },
    passes: ({ year }) => Number(year) >= 1975 && Number(year) < 1990,
  },
  {
    name: 'should',
    filter: {
      should: [
        { key: 'year', range: { gt: 1999 } },
        { key: 'genres', match: { value: 'Western' } },
      ],
    },
    passes: ({ year, genres }) => Number(year) > 1999 || list(genres).includes('Western'),
  },
  {
    name: 'mustNot',
    filter: { mustNot: [{ key: 'genres', match: { value: 'Comedy' } }] },
    passes: (payload) => !list(payload.genres).includes('Comedy'),
  },
  {
    name: 'is empty',
    filter: { must: [{ isEmpty: { key: 'cast' } }] },
    passes: (payload) => list(payload.cast).length === 0,
  },
  {
    name: 'exists',
    filter: { must: [{ exists: { key: 'genres' } }] },
    passes: (payload) => payload.genres !== undefined && payload.genres !== null,
  },
  {
    name: 'nested clauses',
    filter: {
      must: [
        { key: 'year', range: { lte: 1995 } },
        {
          should: [
            { key: 'genres', match: { value: 'Western' } },
            { mustNot: [{ key: 'genres', match: { any: ['Drama', 'Comedy'] } }] },
          ],
        },
      ],
    },
    passes: ({ year, genres }) =>
      Number(year) <= 1995 &&
      (list(genres).includes('Western') ||
        !list(genres).some((genre) => genre === 'Drama' || genre === 'Comedy')),
  },
];

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

describe.each(STORES)('on $kind', ({ create }) => {
  it.each<Distance>(['cosine', 'dot', 'euclid'])(
    'exact search by %s equals a brute force, also after reopening',
    async (distance) => {
      const { store, collection, kept } = await openFilms(create, distance);
      expect(collection.info().segments.length).toBeGreaterThan(1);
      await expectNearest(collection, kept, distance);
      await collection.close();
      await expectNearest(await store.open(), kept, distance);
    },
  );

  it('each filter selects the same points in count, scroll, search and delete', async () => {
    const { store, collection, kept } = await openFilms(create, 'cosine');
    const query = kept[0]?.vector ?? [];
    for (const { name, filter, passes } of FILTERS) {
      const expected = new Set(idsOf(kept.filter(({ payload }) => passes(payload ?? {}))));
      expect(expected.size, name).toBeGreaterThan(0);
      expect(await collection.count({ filter }), name).toBe(expected.size);
      const page = await collection.scroll({ filter, limit: 1000 });
      expect(new Set(idsOf(page.points)), name).toEqual(expected);
      const hits = await collection.search(query, { filter, limit: 1000 });
      expect(new Set(idsOf(hits)), name).toEqual(expected);
    }
    const [drama] = FILTERS;
    const left = kept.filter(({ payload }) => !drama?.passes(payload ?? {}));
    const { affected } = await collection.delete({ filter: drama?.filter ?? {} });
    expect(affected).toBe(kept.length - left.length);
    await collection.close();
    const page = await (await store.open()).scroll({ limit: 1000 });
    expect(new Set(idsOf(page.points))).toEqual(new Set(idsOf(left)));
  });

  it('a filter by id finds numbers and strings, and nothing twice', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 1 });
    await collection.upsert([1, '1', 2, 'b'].map((id) => ({ id, vector: [0] })));
    const filter: Filter = { must: [{ hasId: ['1', 2, 2, 99] }] };
    expect(idsOf((await collection.scroll({ filter })).points)).toEqual([2, '1']);
    expect(await collection.count({ filter: { mustNot: [{ hasId: [1, 'b'] }] } })).toBe(2);
  });

  it('pages of a scroll follow each other by id, numbers before strings, without a gap', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 1 });
    const ids: PointId[] = [...Array.from({ length: 23 }, (_, n) => n * 3), 'a', 'b', 'B', 'é'];
    await collection.upsert([...ids].reverse().map((id) => ({ id, vector: [1] })));
    const seen: PointId[] = [];
    let offset: PointId | undefined;
    let pages = 0;
    do {
      const page = await collection.scroll({
        limit: 5,
        ...(offset === undefined ? {} : { offset }),
      });
      seen.push(...idsOf(page.points));
      offset = page.nextOffset;
      pages += 1;
    } while (offset !== undefined);
    expect(seen).toEqual([...ids.filter((id) => typeof id === 'number'), 'B', 'a', 'b', 'é']);
    expect(pages).toBe(6);
  });

  it('get keeps the order asked and leaves out what is missing', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 1 });
    await collection.upsert([3, 'x', 1].map((id) => ({ id, vector: [2], payload: { id } })));
    const found = await collection.get([1, 404, 'x', 3]);
    expect(found).toEqual([1, 'x', 3].map((id) => ({ id, payload: { id } })));
    expect(await collection.get([3], { withVector: true })).toEqual([
      { id: 3, payload: { id: 3 }, vector: Float32Array.of(2) },
    ]);
  });

  it("what a read gives out is nobody else's: changing it changes nothing", async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 1 });
    const payload = { list: [1], deep: { a: 1 } };
    const vector = Float32Array.of(4);
    await collection.upsert([{ id: 1, vector, payload }]);
    payload.list.push(2);
    vector[0] = 9;
    const [point] = await collection.get([1], { withVector: true });
    if (point?.vector) point.vector[0] = 7;
    Object.assign(point?.payload ?? {}, { deep: 0 });
    expect(await collection.get([1], { withVector: true })).toEqual([
      { id: 1, payload: { list: [1], deep: { a: 1 } }, vector: Float32Array.of(4) },
    ]);
  });

  it('a read sees one state, however many writes come while it works', async () => {
    const store = newStore(create);
    const collection = await store.open({ dimensions: 1 });
    const version = (n: number) =>
      Array.from({ length: 20_000 }, (_, id) => ({ id, vector: [n], payload: { n } }));
    await collection.upsert(version(0));
    const counting = Promise.all(
      [0, 1].map((value) =>
        collection.count({ filter: { must: [{ key: 'n', match: { value } }] } }),
      ),
    );
    const paging = collection.scroll({ limit: 20_000 });
    await collection.upsert(version(1));
    expect(await counting).toEqual([20_000, 0]);
    const page = await paging;
    expect(page.points).toHaveLength(20_000);
    expect(page.points.every(({ payload }) => payload.n === 0)).toBe(true);
    expect(await collection.count({ filter: { must: [{ key: 'n', match: { value: 1 } }] } })).toBe(
      20_000,
    );
  });
});
