import { describe, expect, it } from 'vitest';
import type { ManifestBody } from '#sluice/services/points/manifest.js';
import { TestBlockStore } from './support/block-store.js';
import {
  begin,
  contents,
  context,
  flush,
  idsOf,
  neverAborted,
  openHolder,
  rebuildAll,
  reload,
  Writer,
} from './support/harness.js';

async function start(dimensions = 2) {
  const store = new TestBlockStore();
  const holder = await openHolder(store, { dimensions });
  return { store, holder, writer: new Writer(holder) };
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('a flush', () => {
  it('stores exactly what a reload gives back', async () => {
    const { store, holder, writer } = await start();
    writer.upsert(['ü', '\u{1f600}', 0, Number.MAX_SAFE_INTEGER], 1);
    const odd = JSON.parse('{"__proto__": {"x": 1}, "lone": "\\ud800", "n": [null, {"a": []}]}');
    writer.upsert([5], 2, odd);
    writer.upsert([0], 3);
    writer.delete(['ü']);
    writer.apply({ kind: 'createPayloadIndex', key: 'n', type: 'float' });
    const clockTag = { peerId: 1, clockId: 2, tick: 3 };
    writer.apply({ kind: 'delete', selector: [99], clockTag });
    await flush(holder);
    const again = await reload(store);
    expect(await contents(again)).toEqual(await contents(holder));
    expect(Object.keys(again.get([5])[0]?.payload ?? {})).toEqual(['__proto__', 'lone', 'n']);
    expect(again.segments()).toEqual(holder.segments());
    expect(again.applied).toBe(6);
    expect([...again.schema]).toEqual([['n', 'float']]);
    expect(again.currentTick(clockTag)).toBe(3);
    expect(again.dirtyBytes()).toBe(0);
  });

  it('writes the state as of its capture, whatever happens meanwhile', async () => {
    const { store, holder, writer } = await start();
    writer.upsert([1, 2, 3], 1);
    await flush(holder);
    writer.upsert([2], 2);
    writer.apply({ kind: 'createPayloadIndex', key: 'a', type: 'bool' });
    const expected = await contents(holder);
    const capture = holder.capture(holder.applied);
    store.onWrite = () => {
      writer.upsert([1, 2, 9], 3);
      writer.delete([3]);
      writer.apply({ kind: 'deletePayloadIndex', key: 'a' });
      holder.configure({ flushIntervalMs: 1 });
    };
    await capture.writeBlocks(neverAborted);
    await capture.commit();
    capture.release();
    store.onWrite = () => {};
    const then = await reload(store);
    expect(capture.applied).toBe(3);
    expect(then.applied).toBe(3);
    expect(await contents(then)).toEqual(expected);
    expect([[...then.schema], then.configuration]).toEqual([[['a', 'bool']], {}]);
    await flush(holder);
    expect(await contents(await reload(store))).toEqual(await contents(holder));
  });

  it('knows whether there is anything to commit', async () => {
    const { holder, writer } = await start();
    const isChanged = () => {
      const capture = holder.capture(holder.applied);
      capture.release();
      return capture.changed;
    };
    expect(isChanged()).toBe(false);
    // Nothing becomes dirty, but `applied` moves.
    writer.delete([1]);
    expect(isChanged()).toBe(true);
    expect(isChanged()).toBe(true);
    await flush(holder);
    expect(isChanged()).toBe(false);
    expect(() => writer.apply({ kind: 'clearPayload', selector: [1] })).toThrow('no point');
    expect(isChanged()).toBe(true);
    await flush(holder);
    holder.ensureCapacity();
    expect(isChanged()).toBe(false);
    begin(holder, idsOf(holder));
    expect(isChanged()).toBe(true);
  });

  it('without a commit counts for nothing, and its blocks are deleted by the next', async () => {
    const { store, holder, writer } = await start();
    writer.upsert([1, 2], 1);
    const before = holder.dirtyBytes();
    const capture = holder.capture(holder.applied);
    await capture.writeBlocks(neverAborted);
    expect(store.disk.blocks.size).toBe(1);
    capture.release();
    capture.release();
    expect(holder.dirtyBytes()).toBe(before);
    expect(before).toBeGreaterThan(0);
    expect((await reload(store)).pointCount).toBe(0);
    writer.delete([1]);
    await flush(holder);
    expect([...store.disk.blocks.keys()]).toEqual([...store.disk.liveKeys]);
    expect([...(await contents(await reload(store))).keys()]).toEqual([2]);
  });

  it.each(['block', 'commit'] as const)('that fails at its %s is made up for', async (step) => {
    const { store, holder, writer } = await start();
    writer.upsert([1, 2], 1);
    await flush(holder);
    writer.upsert([2, 3], 2);
    writer.delete([1]);
    store.onWrite = (at) => {
      if (at === step) throw new Error('full');
    };
    await expect(flush(holder)).rejects.toThrow('full');
    expect([...(await contents(await reload(store))).keys()]).toEqual([1, 2]);
    store.onWrite = () => {};
    writer.upsert([4], 4);
    await flush(holder);
    expect(await contents(await reload(store))).toEqual(await contents(holder));
    expect([...store.disk.blocks.keys()].sort()).toEqual([...store.disk.liveKeys].sort());
  });

  it('that is aborted leaves no block behind', async () => {
    const { store, holder, writer } = await start();
    writer.upsert([1], 1);
    const capture = holder.capture(holder.applied);
    await expect(capture.writeBlocks(AbortSignal.abort())).rejects.toThrow();
    capture.release();
    expect(store.disk.blocks.size).toBe(0);
    await flush(holder);
    expect((await reload(store)).pointCount).toBe(1);
  });

  it('after flush keeps the number of blocks bounded and old blocks untouched', async () => {
    const { store, holder, writer } = await start(256);
    const vectors = new Float32Array(256 * 20);
    for (const round of range(0, 100)) {
      const ids = range(round * 20, round * 20 + 20);
      writer.apply({ kind: 'upsert', ids, vectors, payloads: ids.map(() => ({})) });
      writer.delete([round * 20]);
      await flush(holder);
    }
    // 2 MB in blocks that were closed at 256 KiB, and one of stamps.
    expect(store.disk.blocks.size).toBeLessThan(12);
    expect([...store.disk.blocks.keys()].sort()).toEqual([...store.disk.liveKeys].sort());
    expect((await reload(store, { dimensions: 256 })).pointCount).toBe(1900);
  });

  it('splits much data into blocks of about 1 MiB', async () => {
    const { store, holder, writer } = await start(256);
    const ids = range(0, 4000);
    const vectors = Float32Array.from({ length: 256 * 4000 }, (_, at) => at % 1013);
    writer.apply({ kind: 'upsert', ids, vectors, payloads: ids.map((id) => ({ id })) });
    const estimate = holder.dirtyBytes();
    await flush(holder);
    const sizes = [...store.disk.blocks.values()].map((data) => data.length);
    expect(sizes).toHaveLength(5);
    expect(Math.max(...sizes)).toBeLessThan(1.1 * 1024 * 1024);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(Math.abs(estimate - total) / total).toBeLessThan(0.1);
    expect(await contents(await reload(store, { dimensions: 256 }))).toEqual(
      await contents(holder),
    );
  });
});

describe('a flush beside an optimization', () => {
  it('that swaps during it stores the sources, and the next one the output', async () => {
    const { store, holder, writer } = await start();
    writer.upsert([1, 2], 1);
    await flush(holder);
    writer.delete([1]);
    const run = begin(holder, idsOf(holder));
    await run.copy(context);
    const capture = holder.capture(holder.applied);
    run.swap();
    await capture.writeBlocks(neverAborted);
    await capture.commit();
    capture.release();
    expect((await reload(store)).segments()[0]?.rows).toBe(2);
    await flush(holder);
    const after = await reload(store);
    expect(after.segments()).toEqual(holder.segments());
    expect(after.segments()[0]?.rows).toBe(1);
  });

  it('keeps the output on disk until the commit that names it, and drops the sources then', async () => {
    const { store, holder, writer } = await start();
    writer.upsert([1, 2], 1);
    await flush(holder);
    const run = begin(holder, idsOf(holder));
    await run.copy(context);
    writer.upsert([3], 3);
    await flush(holder);
    run.swap();
    await flush(holder);
    expect([...store.disk.blocks.keys()].sort()).toEqual([...store.disk.liveKeys].sort());
    expect(await contents(await reload(store))).toEqual(await contents(holder));
  });

  it('leaks no block of outputs that were replaced before any commit named them', async () => {
    const { store, holder, writer } = await start();
    writer.upsert([1, 2], 1);
    await flush(holder);
    await rebuildAll(holder, idsOf(holder));
    const run = begin(holder, idsOf(holder));
    await run.copy(context);
    // Names blocks of the first output, which the swap gives up meanwhile.
    const capture = holder.capture(holder.applied);
    await capture.writeBlocks(neverAborted);
    run.swap();
    await capture.commit();
    capture.release();
    expect(store.leaks()).toHaveLength(1);
    await flush(holder);
    expect([...store.disk.blocks.keys()]).toEqual([...store.disk.liveKeys]);
    expect(await contents(await reload(store))).toEqual(await contents(holder));
  });

  it('leaks no tail of an output that was written again before any commit named it', async () => {
    const { store, holder, writer } = await start();
    writer.upsert([1, 2], 1);
    await rebuildAll(holder, idsOf(holder));
    writer.upsert([3], 3);
    await flush(holder);
    expect([...store.disk.blocks.keys()]).toEqual([...store.disk.liveKeys]);
  });
});

describe('a damaged store', () => {
  async function damaged(change: (manifest: ManifestBody, store: TestBlockStore) => void) {
    const { store, holder, writer } = await start();
    writer.upsert([1, 2], 1);
    begin(holder, idsOf(holder));
    writer.upsert([2, 3], 2);
    await flush(holder);
    const { manifest } = store.disk;
    if (manifest === undefined) throw new Error('nothing was committed');
    change(manifest, store);
    return reload(store);
  }

  const first = (manifest: ManifestBody) => {
    const [segment] = manifest.segments;
    if (segment === undefined) throw new Error('no segment');
    return segment;
  };

  it.each<[string, (manifest: ManifestBody, store: TestBlockStore) => void, RegExp]>([
    [
      'a wrong count of points',
      (m) => {
        first(m).live += 1;
      },
      /1 points, not 2/,
    ],
    [
      'a wrong newest operation',
      (m) => {
        first(m).opNumMax -= 1;
      },
      /newest operation/,
    ],
    [
      'an operation from the future',
      (m) => {
        m.applied = 1;
      },
      /ahead of operation 1/,
    ],
    [
      'a lost stamp: a point would be live twice',
      (m) => {
        Object.assign(first(m), { stamps: [], live: 2, opNumMax: 1 });
      },
      /live twice/,
    ],
    [
      'a lost row',
      (m) => {
        first(m).rows = [];
      },
      /lacks the deleted row/,
    ],
    [
      'two segments of one id',
      (m) => {
        first(m).id = 1;
      },
      /same id/,
    ],
    [
      'an id that would be reused',
      (m) => {
        m.nextSegmentId = 1;
      },
      /future id/,
    ],
    [
      'a nonsense manifest',
      (m) => {
        m.dimensions = Number.NaN;
      },
      /bad one/,
    ],
    [
      'a block of another kind',
      (m) => {
        first(m).rows = first(m).stamps;
      },
      /damaged block/,
    ],
    [
      'a block that is no data',
      (_m, store) => {
        for (const [key, data] of store.disk.blocks)
          store.disk.blocks.set(key, data.subarray(0, 20));
      },
      /decoded/,
    ],
    [
      'a wrong count in a block',
      (m) => {
        first(m).rows = first(m).rows.map((block) => ({ ...block, count: 3 }));
      },
      /wrong count/,
    ],
  ])('is refused: %s', async (_name, change, message) => {
    const opening = damaged(change);
    await expect(opening).rejects.toMatchObject({ code: 'SLUICE_DAMAGED' });
    await expect(opening).rejects.toThrow(message);
  });
});
