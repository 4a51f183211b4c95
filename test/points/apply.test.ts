import { isTransient } from 'sluice';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PointOperation } from '#sluice/services/points/operations.js';
import { begin, contents, idsOf, openHolder, upsertOf, Writer } from './support/harness.js';

async function start() {
  const holder = await openHolder();
  return { holder, writer: new Writer(holder) };
}

function codeOf(job: () => unknown): string | undefined {
  try {
    job();
  } catch (error) {
    return (error as { code?: string }).code;
  }
  return undefined;
}

describe('applying operations', () => {
  it('upserts new and existing points and counts both', async () => {
    const { holder, writer } = await start();
    expect(writer.upsert([1, 'a'], 1)).toBe(2);
    expect(writer.upsert([1, 2], 5)).toBe(2);
    expect(await contents(holder)).toEqual(
      new Map<unknown, unknown>([
        [1, { payload: { value: 5 }, vector: [5, -5] }],
        [2, { payload: { value: 5 }, vector: [5, -5] }],
        ['a', { payload: { value: 1 }, vector: [1, -1] }],
      ]),
    );
  });

  it('keeps 1 and "1" apart', async () => {
    const { holder, writer } = await start();
    writer.upsert([1], 1);
    writer.upsert(['1'], 2);
    expect(holder.pointCount).toBe(2);
  });

  it('lets the last of duplicate ids win and counts the point once', async () => {
    const { holder, writer } = await start();
    const vectors = Float32Array.of(1, 1, 2, 2);
    const payloads = [{ n: 1 }, { n: 2 }];
    expect(writer.apply({ kind: 'upsert', ids: [7, 7], vectors, payloads })).toBe(1);
    expect(holder.get([7], { withVector: true })).toEqual([
      { id: 7, payload: { n: 2 }, vector: Float32Array.of(2, 2) },
    ]);
    expect(await holder.count()).toBe(1);
  });

  it('touches nothing with an empty upsert, and moves on', async () => {
    const { holder, writer } = await start();
    expect(writer.upsert([], 1)).toBe(0);
    expect(holder.applied).toBe(1);
  });

  it('puts all new points of an operation into the smallest segment', async () => {
    const { holder, writer } = await start();
    writer.upsert(
      Array.from({ length: 100 }, (_, i) => i),
      1,
    );
    holder.configure({ optimizers: { maxSegmentSizeKb: 0.001 } });
    holder.ensureCapacity();
    writer.upsert([1000, 1001, 1002, 3], 2);
    expect(holder.segments().map(({ points, deleted }) => [points, deleted])).toEqual([
      [99, 1],
      [4, 0],
    ]);
  });

  it('counts only what a delete found', async () => {
    const { holder, writer } = await start();
    writer.upsert([1, 2], 1);
    expect(writer.delete([2, 3, 2])).toBe(1);
    expect(writer.delete([2])).toBe(0);
    expect(holder.get([1, 2]).map(({ id }) => id)).toEqual([1]);
  });

  it('deletes by filter across segments, frozen ones too', async () => {
    const { holder, writer } = await start();
    writer.upsert([1, 2], 1);
    const run = begin(holder, idsOf(holder));
    writer.upsert([3, 4], 1);
    writer.upsert([5], 2);
    const filter = { must: [{ key: 'value', match: { value: 1 } }] };
    expect(writer.apply({ kind: 'delete', selector: { filter } })).toBe(4);
    run.rollback();
    expect([...(await contents(holder)).keys()]).toEqual([5]);
  });

  it('moves a point out of a frozen segment when it is changed, whole and once', async () => {
    const { holder, writer } = await start();
    writer.upsert([123, 456], 42);
    begin(holder, idsOf(holder));
    const set = { kind: 'setPayload', payload: { note: 'x' }, selector: [123] } as const;
    expect(writer.apply(set)).toBe(1);
    expect(holder.segments().map(({ points, rows }) => [points, rows])).toEqual([
      [1, 2],
      [1, 1],
    ]);
    expect(holder.get([123], { withVector: true })).toEqual([
      { id: 123, payload: { value: 42, note: 'x' }, vector: Float32Array.of(42, -42) },
    ]);
  });

  it('keeps consistent rows when upserts overlap through a frozen segment', async () => {
    const { holder, writer } = await start();
    writer.upsert([1], 0);
    begin(holder, idsOf(holder));
    writer.upsert([1, 2], 1);
    writer.upsert([2, 3], 2);
    const values = [...(await contents(holder))].map(([id, { payload }]) => [id, payload.value]);
    expect(values).toEqual([
      [1, 1],
      [2, 2],
      [3, 2],
    ]);
  });

  it.each<[string, PointOperation, unknown]>([
    [
      'set',
      { kind: 'setPayload', payload: { b: 2 }, selector: [1] },
      { a: { x: 1 }, value: 1, b: 2 },
    ],
    [
      'set at a path',
      { kind: 'setPayload', key: 'a', payload: { y: 2 }, selector: [1] },
      { a: { x: 1, y: 2 }, value: 1 },
    ],
    ['overwrite', { kind: 'overwritePayload', payload: { b: 2 }, selector: [1] }, { b: 2 }],
    [
      'delete',
      { kind: 'deletePayload', keys: ['a.x', 'none'], selector: [1] },
      { a: {}, value: 1 },
    ],
    ['clear', { kind: 'clearPayload', selector: [1, 1] }, {}],
  ])('changes payloads: %s', async (_name, operation, expected) => {
    const { holder, writer } = await start();
    writer.upsert([1], 1, { a: { x: 1 }, value: 1 });
    writer.upsert([2], 2);
    expect(writer.apply(operation)).toBe(1);
    expect(holder.get([1, 2]).map(({ payload }) => payload)).toEqual([expected, { value: 2 }]);
  });

  it('changes payloads by filter, as of before the operation', async () => {
    const { holder, writer } = await start();
    writer.upsert([1, 2], 1);
    writer.upsert([3], 2);
    const filter = { must: [{ key: 'value', match: { value: 1 } }] };
    const payload = { value: 2 };
    expect(writer.apply({ kind: 'setPayload', payload, selector: { filter } })).toBe(2);
    expect(writer.apply({ kind: 'setPayload', payload, selector: { filter } })).toBe(0);
    expect(holder.get([1, 2, 3]).map((point) => point.payload.value)).toEqual([2, 2, 2]);
  });

  it('replaces vectors and keeps payloads', async () => {
    const { holder, writer } = await start();
    writer.upsert([1], 1);
    const vectors = Float32Array.of(8, 9);
    expect(writer.apply({ kind: 'updateVectors', ids: [1], vectors })).toBe(1);
    expect(holder.get([1], { withVector: true })).toEqual([
      { id: 1, payload: { value: 1 }, vector: vectors },
    ]);
  });

  it('keeps the schema of payload indexes', async () => {
    const { holder, writer } = await start();
    writer.apply({ kind: 'createPayloadIndex', key: 'year', type: 'integer' });
    writer.apply({ kind: 'createPayloadIndex', key: 'name', type: 'keyword' });
    writer.apply({ kind: 'deletePayloadIndex', key: 'year' });
    expect([...holder.schema]).toEqual([['name', 'keyword']]);
  });
});

describe('an operation that is declined', () => {
  afterEach(() => vi.unstubAllGlobals());

  it.each<[string, PointOperation]>([
    ['updateVectors', { kind: 'updateVectors', ids: [1, 9], vectors: new Float32Array(4) }],
    ['setPayload', { kind: 'setPayload', payload: { b: 1 }, selector: [1, 9] }],
    ['clearPayload', { kind: 'clearPayload', selector: [1, 9] }],
  ])('changes nothing but has had its number: %s', async (_name, operation) => {
    const { holder, writer } = await start();
    writer.upsert([1, 2], 1);
    const before = [holder.segments(), await contents(holder)];
    expect(codeOf(() => writer.apply(operation))).toBe('SLUICE_POINT_NOT_FOUND');
    expect([holder.segments(), await contents(holder)]).toEqual(before);
    expect(holder.applied).toBe(2);
    expect(writer.upsert([1], 3)).toBe(1);
  });

  it('leaves no trace for an optimization either', async () => {
    const { holder, writer } = await start();
    writer.upsert([1, 2], 1);
    const [source] = idsOf(holder);
    const run = begin(holder, [source ?? 0]);
    expect(() =>
      writer.apply({ kind: 'updateVectors', ids: [1, 9], vectors: new Float32Array(4) }),
    ).toThrow('no point 9');
    await run.copy({ signal: new AbortController().signal, permits: 1, onProgress: () => {} });
    expect(run.swap()).toBe(2);
    expect([...(await contents(holder)).keys()]).toEqual([1, 2]);
  });

  it('by its clock leaves no effect, points and schema alike', async () => {
    const { holder, writer } = await start();
    const tag = (tick: number, token: number) => ({ peerId: 1, clockId: 2, tick, token });
    writer.apply({ ...upsertOf([1], 1), clockTag: tag(5, 1) });
    const stale = { clockTag: tag(4, 2) };
    expect(codeOf(() => writer.apply({ ...upsertOf([1, 2], 2), ...stale }))).toBe(
      'SLUICE_CLOCK_REJECTED',
    );
    const index = { kind: 'createPayloadIndex', key: 'year', type: 'integer', ...stale } as const;
    expect(codeOf(() => writer.apply(index))).toBe('SLUICE_CLOCK_REJECTED');
    expect([...holder.schema]).toEqual([]);
    expect(holder.get([1, 2]).map(({ payload }) => payload)).toEqual([{ value: 1 }]);
    expect(holder.applied).toBe(3);
    // The same operation sent again has no other effect, so it is no decline.
    expect(writer.apply({ ...upsertOf([1], 1), clockTag: tag(5, 1) })).toBe(1);
    expect(holder.currentTick({ peerId: 1, clockId: 2 })).toBe(5);
  });

  it('is not declined for want of memory: it is transient and can be applied later', async () => {
    const dimensions = 100_000;
    const holder = await openHolder(undefined, { dimensions });
    const upsert = (ids: number[]) => ({
      kind: 'upsert' as const,
      ids,
      vectors: new Float32Array(dimensions * ids.length),
      payloads: ids.map(() => ({})),
      clockTag: { peerId: 1, clockId: 1, tick: 1 },
    });
    const { SharedArrayBuffer: real } = globalThis;
    let left = 1;
    const scarce = (bytes: number) => {
      left -= 1;
      if (left < 0) throw new RangeError('Array buffer allocation failed');
      return new real(bytes);
    };
    vi.stubGlobal('SharedArrayBuffer', scarce);
    let thrown: unknown;
    try {
      holder.apply(1, upsert([1, 2]));
    } catch (error) {
      thrown = error;
    }
    vi.unstubAllGlobals();
    expect(isTransient(thrown)).toBe(true);
    expect([holder.applied, holder.pointCount]).toEqual([0, 0]);
    expect(holder.currentTick({ peerId: 1, clockId: 1 })).toBe(0);
    expect(holder.apply(1, upsert([1, 2]))).toBe(2);
  });

  it.each([
    ['ids', 'Int32Array', Int32Array, 2, {}],
    ['payloads', 'Uint8Array', Uint8Array, 1024, { text: 'x'.repeat(2000) }],
  ] as const)('leaves nothing of what it did before memory for %s lacked', async (...given) => {
    const [, name, real, lengthMax, payload] = given;
    const { holder, writer } = await start();
    // As many as the first table takes.
    writer.upsert([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 1);
    const before = [await contents(holder), holder.segments()];
    const ids = [11, 5, 12, 5];
    const payloads = ids.map(() => payload);
    const upsert = { kind: 'upsert' as const, ids, vectors: new Float32Array(8).fill(2), payloads };
    const scarce = (length: number) => {
      if (length > lengthMax) throw new RangeError('Array buffer allocation failed');
      return new real(length);
    };
    vi.stubGlobal(name, scarce);
    let thrown: unknown;
    try {
      holder.apply(2, upsert);
    } catch (error) {
      thrown = error;
    }
    vi.unstubAllGlobals();
    expect(isTransient(thrown)).toBe(true);
    expect([await contents(holder), holder.segments()]).toEqual(before);
    expect(holder.apply(2, upsert)).toBe(3);
    expect(holder.get([5, 11, 12]).map((point) => point.payload)).toEqual(payloads.slice(1));
    expect(holder.pointCount).toBe(12);
  });

  it('never goes back in the log', async () => {
    const { holder, writer } = await start();
    writer.upsert([1], 1);
    expect(() => holder.apply(1, upsertOf([2], 2))).toThrow('invariant');
    expect(holder.pointCount).toBe(1);
  });
});
