import { type Clock, type Filter, type SluiceError, systemClock } from 'sluice';
import { describe, expect, it } from 'vitest';
import { TestBlockStore } from './support/block-store.js';
import { FakeIndexes } from './support/fake-indexes.js';
import {
  begin,
  contents,
  context,
  flush,
  makeHolder,
  neverAborted,
  openHolder,
  slicingClock,
  Writer,
} from './support/harness.js';

const N = 400;
const ANGLE = (2 * Math.PI) / N;
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const unit = (at: number) => [Math.cos(at * ANGLE), Math.sin(at * ANGLE)];

/** Points around a circle: point `id` lies at `id` steps. */
function circle(ids: readonly number[]) {
  return {
    kind: 'upsert',
    ids,
    vectors: Float32Array.from(ids.flatMap(unit)),
    payloads: ids.map((id) => ({ id, even: id % 2 === 0, tenth: id % 10 === 0 })),
  } as const;
}

/** 400 points in segment 0, whose index a rebuild has made. */
async function start(
  hnsw: { [option: string]: number } = { fullScanThresholdKb: 0 },
  clock: Clock = systemClock,
) {
  const indexes = new FakeIndexes();
  const store = new TestBlockStore();
  const configuration = { optimizers: { indexingThresholdKb: 1 }, hnsw };
  const options = { indexes, configuration, cpus: 4, clock };
  const holder = await openHolder(store, options);
  const writer = new Writer(holder);
  writer.apply(circle(range(0, N)));
  const run = begin(holder, [0]);
  await run.copy(context);
  return { indexes, store, options, holder, writer, run };
}

async function indexed(hnsw?: { [option: string]: number }, clock?: Clock) {
  const all = await start(hnsw, clock);
  await all.run.index({ ...context, permits: 2 });
  await all.run.catchUp(context);
  all.run.swap();
  return all;
}

type Started = Awaited<ReturnType<typeof start>>;

async function nearest({ holder }: Pick<Started, 'holder'>, at: number, options = {}) {
  const query = Float32Array.from(unit(at));
  const hits = await holder.search(query, { limit: 5, ...options });
  return hits.map(({ id }) => id);
}

/** Opens what is on disk, as another process would. */
async function reopened({ store, options }: Pick<Started, 'store' | 'options'>) {
  const problems: [string, string | null][] = [];
  const holder = makeHolder(new TestBlockStore(store.disk.copy()), options);
  await holder.open({
    storeId: 'test',
    signal: neverAborted,
    onProgress: () => {},
    onProblem: (what: string, error: SluiceError | null) => {
      problems.push([what, error === null ? null : error.code]);
    },
  });
  const lost = () => problems.filter(([what]) => what === 'vectorIndex').map(([, code]) => code);
  return { holder, lost };
}

describe('a rebuild', () => {
  it('wants processors when its output is large, and builds on those it is given', async () => {
    const { run, indexes, holder } = await start();
    expect(run.cpus).toBe(4);
    const seen: unknown[] = [];
    await run.index({ ...context, permits: 3, onProgress: (progress) => seen.push(progress) });
    expect(seen).toEqual([{ copied: N, indexed: N / 2, total: N }]);
    expect(indexes.builds[0]).toMatchObject({ m: 16, efConstruct: 100, threads: 3 });
    expect(run.swap()).toBe(N);
    expect(holder.segments()).toMatchObject([
      { points: N, indexed: true, hnsw: { m: 16, efConstruct: 100 }, appendable: false },
      { points: 0, indexed: false, hnsw: null, appendable: true },
    ]);
  });

  it('has as many threads as the options say', async () => {
    expect((await start({ maxIndexingThreads: 2 })).run.cpus).toBe(2);
  });

  it('builds no index for a small output', async () => {
    const { holder, writer } = await start();
    writer.apply(circle([N + 1]));
    const run = begin(holder, [1]);
    await run.copy(context);
    expect(run.cpus).toBe(0);
    run.swap();
    expect(holder.segments().map((segment) => segment.indexed)).toEqual([false, false]);
  });

  it('stops its build when too few points for an index are left', async () => {
    const { run, indexes, writer, holder } = await start();
    indexes.onBuild = () => {
      const [build] = indexes.builds;
      writer.delete(range(0, 272));
      build?.onProgress(N);
      expect(build?.signal.aborted).toBe(false);
      writer.delete([300]);
      build?.onProgress(N);
      build?.signal.throwIfAborted();
    };
    await run.index(context);
    await run.catchUp(context);
    expect(run.swap()).toBe(N - 273);
    expect(indexes.files.size).toBe(0);
    expect(holder.segments()).toMatchObject([{ points: N - 273, indexed: false }]);
  });

  it('fails with its build while the index is wanted', async () => {
    const { run, indexes } = await start();
    indexes.onBuild = () => {
      throw new RangeError('as an example');
    };
    await expect(run.index(context)).rejects.toThrow('as an example');
  });

  it('that is rolled back after its index was built leaves no file', async () => {
    const { run, indexes, holder } = await start();
    await run.index(context);
    expect(indexes.files.size).toBe(1);
    run.rollback();
    await run.discard();
    expect(indexes.files.size).toBe(0);
    expect(holder.segments()).toMatchObject([{ id: 0, indexed: false, appendable: true }]);
  });

  it('that is aborted at the end of its build leaves no file', async () => {
    const { run, indexes } = await start();
    const controller = new AbortController();
    indexes.onBuild = () => controller.abort();
    const building = run.index({ ...context, signal: controller.signal });
    await expect(building).rejects.toMatchObject({ code: 'SLUICE_CANCELLED' });
    run.rollback();
    await run.discard();
    expect(indexes.files.size).toBe(0);
  });
});

describe('an index', () => {
  it('finds what is nearest, also after a reopening', async () => {
    const all = await indexed();
    expect(await nearest(all, 10)).toEqual([10, 9, 11, 8, 12]);
    expect(all.indexes.searches).toEqual([64]);
    await flush(all.holder);
    const again = await reopened(all);
    expect(again.lost()).toEqual([]);
    expect(await nearest(again, 200.2)).toEqual([200, 201, 199, 202, 198]);
    expect(all.indexes.searches.length).toBe(2);
    expect(again.holder.segments()[0]).toMatchObject({ indexed: true, appendable: false });
  });

  it('gives way to an exact search when it is asked to', async () => {
    const all = await indexed();
    expect(await nearest(all, 10, { exact: true })).toEqual([10, 9, 11, 8, 12]);
    expect(all.indexes.searches).toEqual([]);
  });

  it('is asked for as many candidates as the options or the search say, or the limit', async () => {
    const all = await indexed({ ef: 7 });
    await nearest(all, 1, { limit: 1 });
    await nearest(all, 1, { limit: 1, ef: 9 });
    await nearest(all, 1, { limit: 8, ef: 8 });
    // Eight candidates for eight hits would leave no margin.
    expect(all.indexes.searches).toEqual([7, 9, 12]);
    all.writer.delete(range(100, 300));
    await nearest(all, 1, { limit: 8, ef: 16 });
    // Half of them are gone.
    expect(all.indexes.searches.slice(3)).toEqual([32]);
  });

  it('is not asked for more candidates than it can find quickly when there are few rows', async () => {
    const all = await indexed();
    expect(await nearest(all, 10, { ef: 1024 })).toEqual([10, 9, 11, 8, 12]);
    expect(await nearest(all, 10, { ef: 1025 })).toEqual([10, 9, 11, 8, 12]);
    expect(all.indexes.searches).toEqual([400]);
  });

  it('lets others have a turn after each look, and still shows one state', async () => {
    let turn = () => {};
    const clock = slicingClock(() => turn());
    const all = await indexed({ fullScanThresholdKb: 0 }, clock);
    // Most of the first candidates are gone, so that it is asked again.
    all.writer.delete([9, 11]);
    turn = () => all.writer.delete([10]);
    const { turns } = clock;
    expect(await nearest(all, 10, { limit: 2, ef: 2 })).toEqual([10, 8]);
    expect(all.indexes.searches).toHaveLength(2);
    expect(clock.turns - turns).toBeGreaterThanOrEqual(2);
    expect(await nearest(all, 10, { limit: 2 })).toEqual([8, 12]);
  });

  it('never gives what was deleted or overwritten, and gives the new versions', async () => {
    const all = await indexed();
    const { writer, holder, indexes } = all;
    writer.delete([10, 11]);
    writer.apply({ ...circle([300]), vectors: Float32Array.from(unit(10)) });
    expect(await nearest(all, 10)).toEqual([300, 9, 8, 12, 7]);
    expect(await nearest(all, 300)).toEqual([299, 301, 298, 302, 297]);
    writer.delete(range(0, 380));
    indexes.searches.length = 0;
    expect(await nearest(all, 10)).toEqual([399, 398, 397, 396, 395]);
    // So few are left that looking at all of them is cheaper.
    expect(indexes.searches).toEqual([]);
    expect(await holder.count()).toBe(20);
  });

  it('shows a view what was there when it was taken', async () => {
    const all = await indexed();
    const { writer, holder } = all;
    const view = holder.view();
    writer.delete([10]);
    view.release();
    expect((await nearest(all, 10)).includes(10)).toBe(false);
  });

  it('covers its segment only: new points are found beside it', async () => {
    const all = await indexed();
    all.writer.apply({ ...circle([1000]), vectors: Float32Array.from(unit(10.1)) });
    expect(await nearest(all, 10.1)).toEqual([1000, 10, 11, 9, 12]);
  });

  it.each<[string, Filter, (id: number) => boolean]>([
    [
      'half of the points',
      { must: [{ key: 'even', match: { value: true } }] },
      (id) => id % 2 === 0,
    ],
    ['a tenth', { must: [{ key: 'tenth', match: { value: true } }] }, (id) => id % 10 === 0],
    [
      'the far side',
      { must: [{ key: 'id', range: { gte: 200, lt: 210 } }] },
      (id) => id >= 200 && id < 210,
    ],
    ['nothing', { must: [{ key: 'id', range: { gt: 1000 } }] }, () => false],
  ])('finds the nearest of those that pass a filter: %s', async (_, filter, passes) => {
    const all = await indexed();
    const steps = (id: number) => Math.min(Math.abs(id - 10.3), N - Math.abs(id - 10.3));
    const expected = range(0, N).filter(passes);
    expected.sort((a, b) => steps(a) - steps(b));
    expect(await nearest(all, 10.3, { filter })).toEqual(expected.slice(0, 5));
  });

  it('is passed over when the points that pass have little data', async () => {
    const filter = { must: [{ key: 'even', match: { value: true } }] };
    // 200 points of 8 bytes.
    for (const [fullScanThresholdKb, searches] of [
      [1.5, 1],
      [1.6, 0],
    ] as const) {
      const all = await indexed({ fullScanThresholdKb });
      expect(await nearest(all, 10.3, { filter })).toEqual([10, 12, 8, 14, 6]);
      expect(all.indexes.searches.length).toBe(searches);
    }
  });

  it('respects the score threshold', async () => {
    const all = await indexed();
    const scoreThreshold = Math.cos(1.5 * ANGLE);
    expect(await nearest(all, 10, { scoreThreshold })).toEqual([10, 9, 11]);
  });
});

describe('the file of an index', () => {
  it('goes with the first commit that no longer names it', async () => {
    const all = await indexed();
    const { holder, indexes } = all;
    await flush(holder);
    const [first] = [...indexes.files.keys()];
    const run = begin(holder, [holder.segments()[0]?.id ?? -1]);
    await run.copy(context);
    await run.index(context);
    // Taken before the swap: its manifest still names the old file.
    const capture = holder.capture();
    run.swap();
    await capture.writeBlocks(neverAborted);
    await capture.commit();
    capture.release();
    expect(indexes.files.has(first ?? '')).toBe(true);
    expect((await reopened(all)).lost()).toEqual([]);
    // Opening has swept what the manifest on disk didn't name: the new one.
    expect([...indexes.files.keys()]).toEqual([first]);
  });

  it('is deleted after the swap, and the new one stays', async () => {
    const { holder, indexes } = await indexed();
    await flush(holder);
    const run = begin(holder, [holder.segments()[0]?.id ?? -1]);
    await run.copy(context);
    await run.index(context);
    run.swap();
    expect([...indexes.files.keys()]).toEqual(['1.fake', '2.fake']);
    await flush(holder);
    expect([...indexes.files.keys()]).toEqual(['2.fake']);
  });

  it('that is lost is told, its segment is searched and can be indexed again', async () => {
    const all = await indexed();
    const expected = await contents(all.holder);
    await flush(all.holder);
    all.indexes.files.clear();
    const { holder, lost } = await reopened(all);
    expect(lost()).toEqual(['SLUICE_INDEX_LOST']);
    expect(await contents(holder)).toEqual(expected);
    expect(await nearest({ holder }, 10)).toEqual([10, 9, 11, 8, 12]);
    const [{ id } = { id: -1 }] = holder.segments();
    expect(holder.segments()[0]).toMatchObject({ indexed: false, hnsw: null, appendable: true });
    const run = begin(holder, [id]);
    await run.copy(context);
    await run.index(context);
    run.swap();
    expect(lost()).toEqual(['SLUICE_INDEX_LOST', null]);
    expect(await contents(holder)).toEqual(expected);
  });

  it('that is lost is no longer missed when the configuration wants none', async () => {
    const all = await indexed();
    await flush(all.holder);
    all.indexes.files.clear();
    const { holder, lost } = await reopened(all);
    holder.configure({ optimizers: { indexingThresholdKb: 0 } });
    expect(lost()).toEqual(['SLUICE_INDEX_LOST', null]);
  });

  it('must cover the rows that its segment has', async () => {
    const all = await indexed();
    await flush(all.holder);
    const [segment] = all.store.disk.manifest?.segments ?? [];
    if (segment?.index === undefined) throw new Error('the manifest names an index');
    segment.index = { ...segment.index, rows: N - 1 };
    expect((await reopened(all)).lost()).toEqual(['SLUICE_INDEX_LOST']);
  });
});

describe('room on disk', () => {
  const N_BYTES = N * 2 * 4;

  it('is kept for the file of an index until it has been written or given up', async () => {
    const { holder, run, indexes } = await start();
    const { largest, underway = 0 } = holder.diskUse();
    expect(underway).toBeGreaterThan(N_BYTES);
    // With two dimensions the links are most of a file.
    expect(largest).toBeGreaterThan(10 * N_BYTES);
    let during = 0;
    indexes.onBuild = () => {
      during = holder.diskUse().underway ?? 0;
    };
    await run.index({ ...context, permits: 1 });
    expect(during).toBe(underway);
    expect(holder.diskUse().underway).toBe(0);
    run.swap();

    const given = await start();
    given.run.rollback();
    expect(given.holder.diskUse().underway).toBe(0);
  });

  it('is looked for before the rewriting begins', async () => {
    let free = Number.POSITIVE_INFINITY;
    const { options, store } = await start();
    const holder = await openHolder(store, { ...options, freeBytes: async () => free });
    new Writer(holder).apply(circle(range(0, N)));
    const [segment] = holder.segments();
    // Enough for the rows, twice, but not for the links.
    free = 2 * holder.dirtyBytes() + 3 * holder.diskUse().stored + N_BYTES;
    const run = begin(holder, [segment?.id ?? 0]);
    await expect(run.copy(context)).rejects.toMatchObject({
      code: 'SLUICE_NOT_ENOUGH_SPACE',
      message: expect.stringContaining('a vector index needs'),
    });
    run.rollback();
    await run.discard();
    expect(holder.diskUse().underway).toBe(0);
  });
});
