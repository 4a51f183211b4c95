import type { Filter, JsonValue } from 'sluice';
import { describe, expect, it } from 'vitest';
import type { PayloadIndexType } from '#sluice/services/points/operations.js';
import { begin, idsOf, openHolder, rebuildAll } from './support/harness.js';
import {
  counted,
  countedNow,
  IndexWriter,
  indexCount,
  range,
  thousand,
  where,
} from './support/indexed.js';

describe('a payload index', () => {
  it.each<[string, PayloadIndexType, Filter, number]>([
    ['a keyword', 'keyword', where('word', 'w7'), 20],
    ['an integer', 'integer', where('group', 7), 20],
    ['a float', 'float', where('share', 0.5), 1],
    ['a list', 'keyword', { must: [{ key: 'word', match: { any: ['w7', 'w8'] } }] }, 40],
    ['an empty list', 'keyword', { must: [{ key: 'word', match: { any: [] } }] }, 0],
    ['a range of integers', 'integer', { must: [{ key: 'group', range: { lt: 2 } }] }, 40],
    ['a range', 'float', { must: [{ key: 'share', range: { gt: 0.1, lte: 0.2 } }] }, 100],
    ['an empty range', 'float', { must: [{ key: 'share', range: { gt: 0.2, lt: 0.1 } }] }, 0],
    ['should', 'keyword', { should: [...(where('word', 'w7').must ?? [])] }, 20],
    ['a nested filter', 'integer', { must: [{ should: [where('group', 7)] }] }, 20],
  ])('lets a count look at those rows alone that may pass: %s', async (_, type, filter, found) => {
    const { holder, writer } = await thousand();
    expect(await countedNow(holder, filter)).toEqual({ found, steps: 1000 });
    for (const key of ['word', 'group', 'share']) writer.index(key, type);
    expect(await countedNow(holder, filter)).toEqual({ found, steps: found });
  });

  it('is intersected with others', async () => {
    const { holder, writer } = await thousand();
    writer.index('group', 'integer');
    writer.index('share', 'float');
    const filter = {
      must: [...(where('group', 7).must ?? []), { key: 'share', range: { lt: 0.2 } }],
    };
    expect(await countedNow(holder, filter)).toEqual({ found: 4, steps: 4 });
  });

  it.each<[string, Filter]>([
    ['what must not be', { mustNot: [{ key: 'group', match: { value: 7 } }] }],
    ['all but some', { must: [{ key: 'group', match: { except: [7] } }] }],
    ['a branch without index', { should: [where('group', 7), where('word', 'w8')] }],
    ['a branch that passes all', { should: [where('group', 7), {}] }],
    ['most rows', { must: [{ key: 'group', range: { gte: 10 } }] }],
    ['no condition', {}],
  ])('is of no use for %s', async (_, filter) => {
    const { holder, writer } = await thousand();
    const before = await countedNow(holder, filter);
    writer.index('group', 'integer');
    expect(await countedNow(holder, filter)).toEqual(before);
    expect(before.steps).toBe(1000);
  });

  it('also finds points by their ids, in every segment', async () => {
    const { holder, writer } = await thousand();
    begin(holder, idsOf(holder));
    writer.upsert([1000, 1001], 1);
    expect(await countedNow(holder, { must: [{ hasId: [3, 1001, 2000] }] })).toEqual({
      found: 2,
      steps: 2,
    });
  });

  const VALUES: readonly JsonValue[] = [
    ...['a', 'b', '', '1', 1, 0, -0, 2, -3, 0.5, 2 ** 53, -(2 ** 53) + 1, 1e300, true, false],
    ...[null, [], [[]], {}, ['a', 'b', 'a'], [1, 'a', 0.5, null], [[1]], { v: 1 }, 'ä', '\ud800'],
  ];

  it.each<PayloadIndexType>(['keyword', 'integer', 'float', 'bool'])(
    'of type %s answers as a scan does, whatever the values are',
    async (type) => {
      const [plain, indexed] = [await openHolder(), await openHolder()];
      new IndexWriter(plain).values(VALUES);
      const writer = new IndexWriter(indexed);
      writer.values(VALUES);
      writer.index('v', type);
      const scalars = VALUES.filter((value) => !['object', 'undefined'].includes(typeof value));
      const filters: Filter[] = scalars.map((value) => where('v', value as string));
      for (const bound of [-3, 0, 0.5, 1, 2 ** 53]) {
        for (const name of ['gt', 'gte', 'lt', 'lte']) {
          filters.push({ must: [{ key: 'v', range: { [name]: bound } }] });
        }
      }
      for (const filter of filters) {
        const found = await indexed.scroll({ filter, limit: 100 });
        expect(found).toEqual(await plain.scroll({ filter, limit: 100 }));
        const all = VALUES.length;
        expect((await countedNow(plain, filter)).steps).toBe(all);
        // Whatever the type of the index: strays of one kind are fewer than half of all.
        expect((await countedNow(indexed, filter)).steps).toBeLessThan(all);
      }
    },
  );

  it('follows nested paths', async () => {
    const holder = await openHolder();
    const writer = new IndexWriter(holder);
    for (const id of range(0, 100)) writer.upsert([id], 1, { a: [{ b: id }, { b: `${id}` }, {}] });
    writer.index('a[].b', 'integer');
    expect(await countedNow(holder, where('a[].b', 3))).toEqual({ found: 1, steps: 1 });
  });

  it('created again with another type takes the place of the first', async () => {
    const { holder, writer } = await thousand();
    writer.index('group', 'keyword');
    // All numbers are strays of an index of keywords.
    expect(await countedNow(holder, where('group', 7))).toEqual({ found: 20, steps: 1000 });
    writer.index('group', 'integer');
    expect(indexCount(holder)).toBe(0);
    expect(await countedNow(holder, where('group', 7))).toEqual({ found: 20, steps: 20 });
    expect(indexCount(holder)).toBe(1);
  });

  it('of another type is not used for segments that only a view has', async () => {
    const { holder, writer } = await thousand();
    writer.index('group', 'keyword');
    const view = holder.view();
    await counted(view, where('group', 7));
    await rebuildAll(holder, idsOf(holder));
    writer.index('group', 'integer');
    await counted(view, where('group', 7));
    expect(await counted(view, where('group', 7))).toEqual({ found: 20, steps: 20 });
    view.release();
  });

  it('gives its memory back when it is dropped, and is built by no older view again', async () => {
    const { holder, writer } = await thousand();
    writer.index('group', 'integer');
    const view = holder.view();
    await counted(view, where('group', 7));
    expect(indexCount(holder)).toBe(1);
    writer.drop('group');
    expect(indexCount(holder)).toBe(0);
    expect(await counted(view, where('group', 7))).toEqual({ found: 20, steps: 1000 });
    view.release();
    expect(indexCount(holder)).toBe(0);
  });

  it('that a declined operation would have dropped goes on', async () => {
    const { holder, writer } = await thousand();
    const clockTag = { peerId: 1, clockId: 1, tick: 5 };
    writer.apply({ kind: 'createPayloadIndex', key: 'group', type: 'integer', clockTag });
    await countedNow(holder, where('group', 7));
    const late = { ...clockTag, tick: 4 };
    const drop = { kind: 'deletePayloadIndex', key: 'group', clockTag: late } as const;
    expect(() => writer.apply(drop)).toThrow('comes after tick');
    expect((await countedNow(holder, where('group', 7))).steps).toBe(20);
    expect(() => writer.apply({ ...drop, kind: 'createPayloadIndex', type: 'bool' })).toThrow();
    expect((await countedNow(holder, where('group', 7))).steps).toBe(20);
  });

  it('knows what was written after it was built', async () => {
    const { holder, writer } = await thousand();
    writer.index('word', 'keyword');
    expect((await countedNow(holder, where('word', 'w7'))).found).toBe(20);
    writer.upsert([7], 1, { word: 'w8' });
    writer.upsert([2000], 1, { word: 'w7' });
    writer.apply({ kind: 'clearPayload', selector: { filter: where('word', 'w9') } });
    const found = async (word: string) => (await countedNow(holder, where('word', word))).found;
    expect([await found('w7'), await found('w8'), await found('w9')]).toEqual([20, 21, 0]);
  });

  it('serves views of older versions', async () => {
    const { holder, writer } = await thousand();
    writer.index('group', 'integer');
    const before = holder.view();
    writer.apply({ kind: 'delete', selector: { filter: where('group', 7) } });
    writer.upsert([8], 1, { group: 7 });
    await countedNow(holder, where('group', 7));
    const after = holder.view();
    writer.delete([8]);
    for (const [view, found] of [
      [before, 20],
      [after, 1],
    ] as const) {
      expect((await counted(view, where('group', 7))).found).toBe(found);
      expect((await counted(view, { must: [{ hasId: [7, 8, 9] }] })).found).toBe(
        view === before ? 3 : 2,
      );
      view.release();
    }
    expect(await holder.count({ filter: where('group', 7) })).toBe(0);
  });
});
