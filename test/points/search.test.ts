import fc from 'fast-check';
import type { Distance, PointId } from 'sluice';
import { describe, expect, it } from 'vitest';
import { systemClock } from '#sluice/services/clock.js';
import { compareIds } from '#sluice/services/points/ids.js';
import { Pace } from '#sluice/services/points/pace.js';
import {
  begin,
  idsOf,
  openHolder,
  rebuildAll,
  slicingClock,
  upsertOf,
  Writer,
} from './support/harness.js';

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** In double precision, over arrays of numbers: nothing in common with the engine. */
function naiveScore(distance: Distance, a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
  if (distance === 'dot') return dot;
  if (distance === 'euclid') return Math.hypot(...a.map((value, i) => value - (b[i] ?? 0)));
  const norms = Math.hypot(...a) * Math.hypot(...b);
  return norms === 0 ? 0 : dot / norms;
}

const vector = fc.tuple(fc.integer({ min: -4, max: 4 }), fc.integer({ min: -4, max: 4 }));
const id: fc.Arbitrary<PointId> = fc.oneof(fc.nat(9), fc.constantFrom('a', 'b', 'B'));

describe('an exact search', () => {
  it.each<Distance>(['cosine', 'dot', 'euclid'])('finds what brute force finds: %s', (distance) =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ id, vector, group: fc.nat(2) }), { maxLength: 30 }),
        vector,
        fc.nat(8),
        fc.option(fc.nat(2), { nil: undefined }),
        async (points, query, limit, group) => {
          const holder = await openHolder(undefined, { distance });
          const writer = new Writer(holder);
          const model = new Map<PointId, (typeof points)[number]>();
          for (const [index, point] of points.entries()) {
            const { id, vector, group } = point;
            const vectors = Float32Array.from(vector);
            writer.apply({ kind: 'upsert', ids: [id], vectors, payloads: [{ group }] });
            model.set(id, point);
            if (index % 7 === 6) begin(holder, idsOf(holder).slice(-1));
          }
          const sign = distance === 'euclid' ? 1 : -1;
          const expected = [...model.values()]
            .filter((point) => group === undefined || point.group === group)
            .map((point) => ({ ...point, score: naiveScore(distance, point.vector, query) }))
            .sort((a, b) => sign * (a.score - b.score) || compareIds(a.id, b.id));
          const filter = { must: [{ key: 'group', match: { value: group ?? 0 } }] };
          const found = await holder.search(Float32Array.from(query), {
            limit: limit,
            filter: group === undefined ? undefined : filter,
          });
          expect(found).toHaveLength(Math.min(limit, expected.length));
          for (const [place, hit] of found.entries()) {
            // Scores that are equal on paper may differ in the last digit: compare the score at
            // this place, and the hit with its own point.
            expect(hit.score).toBeCloseTo(expected[place]?.score ?? Number.NaN, 10);
            const point = expected.find((other) => other.id === hit.id);
            expect(hit.score).toBeCloseTo(point?.score ?? Number.NaN, 10);
            expect(hit.payload).toEqual({ group: point?.group });
          }
          expect(new Set(found.map((hit) => hit.id)).size).toBe(found.length);
        },
      ),
      { numRuns: 60 },
    ),
  );

  it('orders equal scores by id, across segments', async () => {
    const holder = await openHolder(undefined, { distance: 'dot' });
    const writer = new Writer(holder);
    writer.upsert(['b', 7], 1);
    begin(holder, idsOf(holder));
    writer.upsert([3, 'a'], 1);
    const found = await holder.search(Float32Array.of(1, 0), { limit: 3 });
    expect(found.map((hit) => hit.id)).toEqual([3, 7, 'a']);
  });

  it.each<[Distance, number, PointId[]]>([
    ['dot', 2, [3, 2]],
    ['euclid', 1, [1, 0, 2]],
  ])('keeps to its threshold: %s', async (distance, scoreThreshold, expected) => {
    const holder = await openHolder(undefined, { distance });
    const vectors = Float32Array.of(0, 0, 1, 0, 2, 0, 3, 0);
    const payloads = range(0, 4).map(() => ({}));
    new Writer(holder).apply({ kind: 'upsert', ids: range(0, 4), vectors, payloads });
    const found = await holder.search(Float32Array.of(1, 0), { limit: 9, scoreThreshold });
    expect(found.map((hit) => hit.id)).toEqual(expected);
  });

  it('gives payloads and vectors as asked, and no memory of the store', async () => {
    const holder = await openHolder();
    new Writer(holder).upsert([1], 2, { tags: ['a'] });
    const query = Float32Array.of(1, 1);
    const [bare] = await holder.search(query, { limit: 1, withPayload: false });
    expect(bare).toEqual({ id: 1, score: 0 });
    const [hit] = await holder.search(query, { limit: 1, withVector: true });
    const [point] = holder.get([1], { withVector: true });
    for (const found of [hit, point]) {
      found?.vector?.fill(9);
      if (found?.payload) found.payload.tags = 'changed';
    }
    expect(holder.get([1], { withVector: true })).toEqual([
      { id: 1, payload: { tags: ['a'] }, vector: Float32Array.of(2, -2) },
    ]);
  });
});

describe('reads in slices', () => {
  it('give way to others and still see one state', async () => {
    let turn = () => {};
    const clock = slicingClock(() => turn());
    const holder = await openHolder(undefined, { clock, distance: 'dot' });
    const writer = new Writer(holder);
    writer.upsert(range(0, 1000), 1);
    begin(holder, idsOf(holder)).rollback();
    let next = 0;
    turn = () => {
      writer.upsert([next, 5000 + next], 100);
      writer.delete([999 - next]);
      next += 1;
    };
    const [hits, page, count] = await Promise.all([
      holder.search(Float32Array.of(1, 0), { limit: 2000 }),
      holder.scroll({ limit: 2000 }),
      holder.count({ filter: { must: [{ key: 'value', range: { gte: 1 } }] } }),
    ]);
    expect(clock.turns).toBeGreaterThan(30);
    expect(hits.map((hit) => hit.id)).toEqual(range(0, 1000));
    expect(new Set(hits.map((hit) => hit.score))).toEqual(new Set([1]));
    expect(page.points.map((point) => point.id)).toEqual(range(0, 1000));
    expect(count).toBe(1000);
    expect(holder.openViews).toBe(0);
  });

  it('see their state also when the segments are swapped beneath them', async () => {
    let swapped: Promise<number> | undefined;
    const clock = slicingClock(() => {
      swapped ??= rebuildAll(holder, idsOf(holder));
    });
    const holder = await openHolder(undefined, { clock });
    const writer = new Writer(holder);
    writer.upsert(range(0, 1000), 1);
    writer.delete(range(0, 500));
    expect(await holder.count()).toBe(500);
    expect(await swapped).toBe(500);
    expect(await holder.count()).toBe(500);
  });
});

describe('a slice', () => {
  it('ends after 2 ms, or when the clock is set back', () => {
    let now = 100;
    const pace = new Pace({ ...systemClock, now: () => now });
    const looks = () => range(0, 64).some(() => pace.isDue());
    expect(looks()).toBe(false);
    now = 102;
    expect(looks()).toBe(true);
    now = 99;
    expect(looks()).toBe(true);
  });
});

describe('a scroll', () => {
  it('pages through all points by id, each once', () =>
    fc.assert(
      fc.asyncProperty(fc.uniqueArray(id), fc.integer({ min: 1, max: 5 }), async (ids, limit) => {
        const holder = await openHolder();
        const writer = new Writer(holder);
        for (const id of ids) writer.upsert([id], 1);
        const seen: PointId[] = [];
        let offset: PointId | undefined;
        do {
          const page = await holder.scroll({ limit, offset });
          expect(page.points.length).toBeLessThanOrEqual(limit);
          seen.push(...page.points.map((point) => point.id));
          offset = page.nextOffset;
        } while (offset !== undefined);
        expect(seen).toEqual([...ids].sort(compareIds));
      }),
      { numRuns: 50 },
    ));

  it('keeps the smallest ids of many, filtered', async () => {
    const holder = await openHolder();
    const ids = range(0, 997).map((index) => (index * 501) % 997);
    const payloads = ids.map((id) => ({ even: id % 2 === 0 }));
    const operation = { ...upsertOf(ids, 1), payloads };
    new Writer(holder).apply(operation);
    const filter = { must: [{ key: 'even', match: { value: true } }] };
    const page = await holder.scroll({ filter, limit: 3, offset: 99 });
    expect(page.points.map((point) => point.id)).toEqual([100, 102, 104]);
    expect(page.nextOffset).toBe(106);
    expect(await holder.count({ filter })).toBe(499);
  });

  it('gives ten points, without vectors, unless told otherwise', async () => {
    const holder = await openHolder();
    new Writer(holder).upsert(range(0, 12), 1);
    const page = await holder.scroll();
    expect(page.points).toHaveLength(10);
    expect(page.points[0]).toEqual({ id: 0, payload: { value: 1 } });
    expect(await holder.scroll({ limit: 0 })).toEqual({ points: [], nextOffset: 0 });
  });
});

describe('getting points', () => {
  it('keeps the order asked and leaves out the missing', async () => {
    const holder = await openHolder();
    new Writer(holder).upsert([1, 2, 3], 1);
    expect(holder.get([3, 9, 1]).map((point) => point.id)).toEqual([3, 1]);
  });
});
