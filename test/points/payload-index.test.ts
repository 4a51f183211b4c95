import type { Filter, JsonValue, Payload } from 'sluice';
import { describe, expect, it } from 'vitest';
import { systemClock } from '#sluice/services/clock.js';
import type { PointHolder } from '#sluice/services/points/holder.js';
import type { PayloadIndexType } from '#sluice/services/points/operations.js';
import { Pace } from '#sluice/services/points/pace.js';
import { RowFilter } from '#sluice/services/points/row-filter.js';
import { count } from '#sluice/services/points/scroll.js';
import { LIVE, Segment } from '#sluice/services/points/segment.js';
import type { View } from '#sluice/services/points/view.js';
import { TestBlockStore } from './support/block-store.js';
import {
  begin,
  context,
  flush,
  idsOf,
  openHolder,
  rebuildAll,
  reload,
  slicingClock,
  Writer,
} from './support/harness.js';

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const where = (key: string, value: string | number | boolean): Filter => ({
  must: [{ key, match: { value } }],
});

class IndexWriter extends Writer {
  index(key: string, type: PayloadIndexType): void {
    this.apply({ kind: 'createPayloadIndex', key, type });
  }

  drop(key: string): void {
    this.apply({ kind: 'deletePayloadIndex', key });
  }

  /** One point for each value, at the key `v`. */
  values(values: readonly JsonValue[]): void {
    for (const [id, v] of values.entries()) this.upsert([id], id, { v });
  }
}

/** Points 0…999 in one segment; `group` is one of 50, `word` too, `share` grows from 0 to 1. */
async function thousand(holder?: PointHolder) {
  const opened = holder ?? (await openHolder());
  const writer = new IndexWriter(opened);
  for (const id of range(0, 1000)) writer.upsert([id], id, payloadOf(id));
  return { holder: opened, writer };
}

const payloadOf = (id: number): Payload => ({
  group: id % 50,
  word: `w${id % 50}`,
  share: id / 1000,
  even: id % 2 === 0,
});

/** The number of points that pass as a view has it, and the steps that telling it took. */
async function counted(view: View, filter: Filter) {
  const pace = new Pace(systemClock);
  const found = await count(view, filter, pace);
  return { found, steps: pace.steps };
}

/** As `counted`, now; what is built first isn't among the steps. */
async function countedNow(holder: PointHolder, filter: Filter) {
  const view = holder.view();
  try {
    await count(view, filter, new Pace(systemClock));
    return await counted(view, filter);
  } finally {
    view.release();
  }
}

/** Indexes in memory, of all segments. */
function indexCount(holder: PointHolder): number {
  const view = holder.view();
  view.release();
  return view.segments.reduce((sum, { segment }) => sum + segment.payloadIndexes.size, 0);
}

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

describe('building a payload index', () => {
  it('takes turns with others, and is shared by those who read at once', async () => {
    const clock = slicingClock(() => {});
    const { holder, writer } = await thousand(await openHolder(undefined, { clock }));
    writer.index('group', 'integer');
    const filter = where('group', 7);
    const { turns } = clock;
    expect(await Promise.all([holder.count({ filter }), holder.count({ filter })])).toEqual([
      20, 20,
    ]);
    expect(clock.turns - turns).toBeGreaterThan(10);
    expect(clock.turns - turns).toBeLessThan(25);
  });

  it.each<[string, (writer: IndexWriter) => void]>([
    ['dropped', (writer) => writer.drop('group')],
    ['changed', (writer) => writer.index('group', 'bool')],
  ])('ends when it is %s meanwhile; the reader finds the same', async (_, change) => {
    let isDue = true;
    const clock = slicingClock(() => {
      if (isDue) change(writer);
      isDue = false;
    });
    const holder = await openHolder(undefined, { clock });
    const { writer } = await thousand(holder);
    writer.index('group', 'integer');
    expect(await holder.count({ filter: where('group', 7) })).toBe(20);
    expect(isDue).toBe(false);
    expect(indexCount(holder)).toBe(holder.schema.size);
  });

  it('stops with its reader, and the next one goes on from there', async () => {
    const reader = new AbortController();
    const clock = slicingClock(() => reader.abort());
    const { holder, writer } = await thousand(await openHolder(undefined, { clock }));
    writer.index('group', 'integer');
    const read = holder.count({ filter: where('group', 7), signal: reader.signal });
    await expect(read).rejects.toMatchObject({ code: 'SLUICE_CANCELLED' });
    expect(holder.openViews).toBe(0);
    expect(await holder.count({ filter: where('group', 7) })).toBe(20);
  });

  it('is bounded within an operation, which can take no turns', async () => {
    const { holder, writer } = await thousand();
    for (const from of range(1, 5)) {
      writer.upsert(range(from * 1000, from * 1000 + 1000), 1, { group: 1 });
    }
    writer.index('group', 'integer');
    const [part] = holder.view().segments;
    const rows = () => part?.segment.payloadIndexes.of('group', 'integer').rows;
    const remove = (group: number) =>
      writer.apply({ kind: 'delete', selector: { filter: where('group', group) } });
    expect([remove(7), rows()]).toEqual([20, 4096]);
    expect([remove(8), rows()]).toEqual([20, 5000]);
    expect(remove(1)).toBe(4020);
  });

  it('begins anew for rows that were taken back', async () => {
    const segment = new Segment(0, { dimensions: 1, distance: 'dot' });
    const schema = new Map([['v', 'integer' as const]]);
    const add = (id: number, v: number) =>
      segment.append({ id, payload: { v }, insertedAt: 1, deletedAt: LIVE }, Float32Array.of(1));
    for (const id of range(0, 9)) add(id, id);
    const mark = segment.mark();
    add(9, 1);
    const filter = new RowFilter(where('v', 1), schema);
    filter.prepareNow(segment, 100);
    expect([...(filter.candidates(segment, 10) ?? [])]).toEqual([1, 9]);
    segment.restore(mark);
    add(10, 2);
    filter.prepareNow(segment, 100);
    expect([...(filter.candidates(segment, 10) ?? [])]).toEqual([1]);
    // What was known at the mark is kept.
    segment.restore(segment.mark());
    expect(segment.payloadIndexes.of('v', 'integer').rows).toBe(10);
  });
});

describe('segments present and future have their payload indexes', () => {
  it('new ones, outputs of rebuilds, and after a change while one runs', async () => {
    const { holder, writer } = await thousand();
    writer.index('group', 'integer');
    const run = begin(holder, idsOf(holder));
    await run.copy(context);
    writer.upsert(range(2000, 2100), 1, { group: 7 });
    writer.index('word', 'keyword');
    writer.drop('group');
    expect(await countedNow(holder, where('word', 'w7'))).toEqual({ found: 20, steps: 20 });
    run.swap();
    expect(await countedNow(holder, where('word', 'w7'))).toEqual({ found: 20, steps: 20 });
    expect(await countedNow(holder, where('group', 7))).toEqual({ found: 120, steps: 1100 });
    await rebuildAll(holder, idsOf(holder));
    writer.index('group', 'integer');
    expect(await countedNow(holder, where('group', 7))).toEqual({ found: 120, steps: 120 });
  });

  it('those of a rebuild that was rolled back too', async () => {
    const { holder, writer } = await thousand();
    const run = begin(holder, idsOf(holder));
    writer.index('group', 'integer');
    await run.copy(context);
    writer.apply({ kind: 'delete', selector: { filter: where('group', 8) } });
    run.rollback();
    await run.discard();
    expect(await countedNow(holder, where('group', 7))).toEqual({ found: 20, steps: 20 });
    expect((await countedNow(holder, where('group', 8))).found).toBe(0);
  });

  it('loaded ones, and a damaged schema is refused', async () => {
    const store = new TestBlockStore();
    const { holder, writer } = await thousand(await openHolder(store));
    writer.index('group', 'integer');
    await flush(holder);
    const again = await reload(store);
    expect(await countedNow(again, where('group', 7))).toEqual({ found: 20, steps: 20 });
    const { manifest } = store.disk;
    for (const entry of [['a', 'text'], [1, 'bool'], null]) {
      Object.assign(manifest ?? {}, { schema: [entry] });
      await expect(reload(store)).rejects.toMatchObject({ code: 'SLUICE_DAMAGED' });
    }
  });
});

describe('an estimate of a row filter', () => {
  it('is at least what passes, and is there when something narrows', async () => {
    const { holder, writer } = await thousand();
    writer.index('group', 'integer');
    const view = holder.view();
    const [part] = view.segments;
    if (part === undefined) throw new Error('there is a segment');
    const estimate = async (where: Filter) => {
      const filter = new RowFilter(where, view.schema);
      await filter.prepare(part.segment, part.rows, new Pace(systemClock));
      return filter.estimate(part.segment, part.rows, part.stamps);
    };
    expect(await estimate(where('group', 7))).toBe(20);
    expect(await estimate({ must: [where('word', 'w7'), where('group', 7)] })).toBe(20);
    expect(await estimate({ should: [where('group', 7), where('group', 8)] })).toBe(40);
    expect(await estimate({ must: [{ key: 'group', range: { gte: 0 } }] })).toBe(1000);
    expect(await estimate({ must: [{ hasId: [1, 2] }] })).toBe(2);
    expect(await estimate(where('word', 'w7'))).toBeUndefined();
    expect(await estimate({ mustNot: [where('group', 7)] })).toBeUndefined();
    const late = new RowFilter(where('word', 'w7'), new Map([['word', 'keyword' as const]]));
    expect(late.estimate(part.segment, part.rows)).toBe(1000);
    const byId = new RowFilter({ must: [{ hasId: [1, 2] }] }, view.schema);
    expect(byId.estimate(part.segment, part.rows)).toBeUndefined();
    view.release();
  });
});
