import type { Filter } from 'sluice';
import { describe, expect, it } from 'vitest';
import { systemClock } from '#sluice/services/clock.js';
import { Pace } from '#sluice/services/points/pace.js';
import { encodePayload } from '#sluice/services/points/payload-text.js';
import { RowFilter } from '#sluice/services/points/row-filter.js';
import { Segment } from '#sluice/services/points/segment.js';
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
} from './support/harness.js';
import {
  countedNow,
  type IndexWriter,
  indexCount,
  range,
  thousand,
  where,
} from './support/indexed.js';

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
    await expect(read).rejects.toMatchObject({ code: 'SLUICE_ABORTED' });
    expect(holder.openViews).toBe(0);
    expect(await holder.count({ filter: where('group', 7) })).toBe(20);
  });

  it('is bounded within an operation, which can take no turns', async () => {
    const { holder, writer } = await thousand();
    for (const from of range(1, 5)) {
      writer.upsert(range(from * 1000, from * 1000 + 1000), 1, { group: 1 });
    }
    writer.upsert([4999], 1, { group: 99 });
    writer.index('group', 'integer');
    const [part] = holder.view().segments;
    const rows = () => part?.segment.payloadIndexes.of('group', 'integer').rows;
    const remove = (group: number) =>
      writer.apply({ kind: 'delete', selector: { filter: where('group', group) } });
    // The last row isn't in the index yet.
    expect([remove(99), rows()]).toEqual([1, 4096]);
    expect([remove(7), rows()]).toEqual([20, 5001]);
    expect(remove(1)).toBe(4019);
  });

  it('begins anew for rows that were taken back', async () => {
    const segment = new Segment(0, { dimensions: 1, distance: 'dot' });
    const schema = new Map([['v', 'integer' as const]]);
    const add = (id: number, v: number) =>
      segment.append({ id, payload: encodePayload({ v }), insertedAt: 1 }, Float32Array.of(1));
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
  it('a rewrite has made them when it is seen, but none that was dropped', async () => {
    const { holder, writer } = await thousand();
    writer.index('group', 'integer');
    writer.index('word', 'keyword');
    const run = begin(holder, idsOf(holder));
    await run.copy(context);
    await run.catchUp(context);
    writer.drop('word');
    run.swap();
    const view = holder.view();
    const indexes = view.segments.map(({ segment }) => segment.payloadIndexes);
    view.release();
    expect(Math.max(...indexes.map((each) => each.of('group', 'integer').rows))).toBe(1000);
    expect(indexCount(holder)).toBe(indexes.length);
  });

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
    writer.index('tags', 'keyword');
    writer.upsert([1000], 1, { tags: ['a', 'a'] });
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
    expect(await estimate({ must: [{ key: 'tags', match: { any: ['a', 'b'] } }] })).toBe(1);
    const late = new RowFilter(where('word', 'w7'), new Map([['word', 'keyword' as const]]));
    expect(late.estimate(part.segment, part.rows)).toBe(1001);
    const byId = new RowFilter({ must: [{ hasId: [1, 2] }] }, view.schema);
    expect(byId.estimate(part.segment, part.rows)).toBeUndefined();
    view.release();
  });
});
