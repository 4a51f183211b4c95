// What an answer promises, what a failing store does to a collection, and how it is closed.
import { type Collection, openCollection, SluiceError } from 'sluice';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type BuildThread, copyGate } from '../support/copy-gate.js';
import { FaultLevel } from '../support/fault-level.js';
import { contentsOf, points, until } from '../support/points.js';
import { newStore, STORES } from '../support/stores.js';

vi.mock('#sluice/services/optimizers/build-thread.js', async (original) => {
  const { copyGate } = await import('../support/copy-gate.js');
  return copyGate.around(await original<BuildThread>());
});

beforeEach(() => copyGate.reset());

const OPTIONS = { dimensions: 2, flushIntervalMs: 1_000_000 };

const diskFull = () =>
  Object.assign(new Error('IO error: No space left on device'), { code: 'LEVEL_IO_ERROR' });

const ioError = () =>
  Object.assign(new Error('IO error: Input/output error'), { code: 'LEVEL_IO_ERROR' });

class FaultyStores {
  readonly wal = new FaultLevel();
  readonly segments = new FaultLevel();

  async open(options: object = OPTIONS): Promise<Collection> {
    const collection = await openCollection(this, options);
    onTestFinished(() => collection.close());
    return collection;
  }
}

async function idsIn(collection: Collection): Promise<unknown[]> {
  return [...(await contentsOf(collection)).keys()];
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'fulfilled',
    (error: unknown) => (error instanceof SluiceError ? error.code : error),
  );
}

describe('an answer', () => {
  it('with wait comes after a synced write and when the point is there', async () => {
    const stores = new FaultyStores();
    const collection = await stores.open();
    const before = stores.wal.writes.length;
    const { status } = await collection.upsert(points(1, 1, 2));
    expect(status).toBe('completed');
    expect(stores.wal.writes.slice(before)).toMatchObject([{ sync: true }]);
    expect(await idsIn(collection)).toEqual([1]);
  });

  it('without wait comes after an unsynced write', async () => {
    const stores = new FaultyStores();
    const collection = await stores.open();
    const before = stores.wal.writes.length;
    const { status } = await collection.upsert(points(1, 1, 2), { wait: false });
    expect(status).toBe('acknowledged');
    expect(stores.wal.writes.slice(before)).toMatchObject([{ sync: false }]);
  });

  it('is shared: operations of one turn need one sync', async () => {
    const stores = new FaultyStores();
    const collection = await stores.open();
    const before = stores.wal.writes.length;
    await Promise.all([1, 2, 3, 4].map((id) => collection.upsert(points(id, 1, 2))));
    expect(stores.wal.writes.slice(before)).toMatchObject([{ sync: true }]);
  });

  it('that was waited for survives a power cut, with everything before it', async () => {
    const stores = new FaultyStores();
    const collection = await stores.open();
    await collection.upsert(points(1, 2, 2), { wait: false });
    await collection.upsert(points(3, 1, 2));
    await collection.upsert(points(4, 1, 2), { wait: false });
    await collection.plunge();
    // What isn't synced is lost.
    await stores.wal.powerCut(() => false);
    await stores.segments.powerCut(() => false);
    await collection.close();
    expect(await idsIn(await stores.open())).toEqual([1, 2, 3]);
  });

  it('after a timeout or an abort says what became of the operation', async () => {
    const stores = new FaultyStores();
    const collection = await stores.open();
    const controller = new AbortController();
    const update = collection.upsert(points(1, 1, 2), { signal: controller.signal });
    controller.abort();
    expect(await codeOf(update)).toBe('SLUICE_ABORTED');
    await collection.plunge();
    expect(await idsIn(collection)).toEqual([]);
    expect(collection.info().wal.last).toBe(0);
    const late = new AbortController();
    const handedOver = collection.upsert(points(2, 1, 2), { signal: late.signal });
    await Promise.resolve().then(() => Promise.resolve());
    await new Promise<void>((resolve) => queueMicrotask(resolve));
    late.abort();
    const result = await handedOver;
    expect(['waitTimeout', 'completed']).toContain(result.status);
    await collection.plunge();
    expect(await idsIn(collection)).toEqual([2]);
  });
});

describe.each([
  { what: 'a full disk', error: diskFull, code: 'SLUICE_DISK_FULL' },
  { what: 'an I/O error', error: undefined, code: 'SLUICE_IO' },
])('after $what', ({ error, code }) => {
  const failing = { ...(error === undefined ? {} : { error: error() }) };

  /** Broken: nothing is taken any more, reading goes on. */
  async function expectBroken(collection: Collection, ids: readonly number[]): Promise<void> {
    await until(() => collection.handler.state === 'broken');
    expect(collection.status()).toMatchObject({ color: 'red' });
    expect(collection.status().errors.map((entry) => entry.code)).toContain(code);
    for (const wait of [true, false]) {
      expect(await codeOf(collection.upsert(points(99, 1, 2), { wait }))).toBe('SLUICE_BROKEN');
    }
    expect(await codeOf(collection.flush())).toBe('SLUICE_BROKEN');
    expect(await codeOf(collection.plunge())).toBe('SLUICE_BROKEN');
    expect(await codeOf(collection.configure({}))).toBe('SLUICE_BROKEN');
    expect(await idsIn(collection)).toEqual(ids);
    expect((await collection.search([1, 1], { limit: 1 })).length).toBe(1);
  }

  it.each([false, true])(
    'of the log (record stored: %s) reopening tells what is there',
    async (stored) => {
      const stores = new FaultyStores();
      const collection = await stores.open();
      await collection.upsert(points(1, 2, 2));
      await collection.upsert(points(3, 1, 2), { wait: false });
      // Acknowledged is not yet applied: readers see it when it is.
      await collection.plunge();
      stores.wal.failWrite({ ...failing, stored });
      expect(await codeOf(collection.upsert(points(4, 1, 2)))).toBe(code);
      await expectBroken(collection, [1, 2, 3]);
      await collection.reopen();
      // The failed one was never acknowledged: it is there if it was written, and whole.
      expect(await idsIn(collection)).toEqual(stored ? [1, 2, 3, 4] : [1, 2, 3]);
      expect(collection.status()).toMatchObject({ color: 'green' });
      await collection.upsert(points(5, 1, 2));
      await collection.close();
      expect(await idsIn(await stores.open())).toEqual(stored ? [1, 2, 3, 4, 5] : [1, 2, 3, 5]);
    },
  );

  it('of the log while it is replayed leaves readers what they saw', async () => {
    const stores = new FaultyStores();
    const collection = await stores.open();
    await collection.upsert(points(1, 2, 2));
    await collection.flush();
    await collection.upsert(points(3, 1, 2));
    await collection.delete([1]);
    stores.wal.failWrite({ ...failing, stored: false });
    expect(await codeOf(collection.upsert(points(4, 1, 2)))).toBe(code);
    // The log can be opened, and not be read once the segments have been loaded.
    const load = vi.spyOn(stores.segments, 'get');
    const scan = stores.wal.iterator.bind(stores.wal);
    const scans = vi.spyOn(stores.wal, 'iterator').mockImplementation((options) => {
      const iterator = scan(options as object);
      if (load.mock.calls.length > 0) vi.spyOn(iterator, 'nextv').mockRejectedValue(ioError());
      return iterator;
    });
    expect(await codeOf(collection.reopen())).toBe('SLUICE_BROKEN');
    expect(load).toHaveBeenCalled();
    await expectBroken(collection, [2, 3]);
    expect(collection.info().points).toBe(2);
    scans.mockRestore();
    load.mockRestore();
    await collection.reopen();
    expect(await idsIn(collection)).toEqual([2, 3]);
    await collection.upsert(points(5, 1, 2));
    expect(await idsIn(collection)).toEqual([2, 3, 5]);
  });

  it.each([0, 1])('of the segments at write %i of a flush nothing is lost', async (after) => {
    const stores = new FaultyStores();
    const collection = await stores.open();
    await collection.upsert(points(1, 2, 2));
    await collection.flush();
    await collection.upsert(points(3, 2, 2));
    await collection.delete([1]);
    stores.segments.failWrite({ ...failing, after });
    expect(await codeOf(collection.flush())).toBe(code);
    await expectBroken(collection, [2, 3, 4]);
    await collection.reopen();
    expect(await idsIn(collection)).toEqual([2, 3, 4]);
    await collection.flush();
    expect(collection.status()).toMatchObject({ color: 'green' });
    await collection.close();
    expect(await idsIn(await stores.open())).toEqual([2, 3, 4]);
  });

  it('of an optimization its changes are kept, and it is done after reopening', async () => {
    const stores = new FaultyStores();
    const optimizers = { deletedThreshold: 0.1, vacuumMinVectorNumber: 5 };
    const collection = await stores.open({ ...OPTIONS, optimizers });
    await collection.upsert(points(1, 10, 2));
    await collection.flush();
    copyGate.close();
    await collection.delete([1, 2, 3]);
    await copyGate.reached();
    await collection.delete([4]);
    await collection.setPayload({ set: true }, [5]);
    stores.segments.failWrite(failing);
    copyGate.open();
    await expectBroken(collection, [5, 6, 7, 8, 9, 10]);
    expect(collection.info().segments.filter(({ frozen }) => frozen)).toEqual([]);
    await collection.reopen();
    expect(await collection.optimize()).toMatchObject({ color: 'green' });
    expect(await idsIn(collection)).toEqual([5, 6, 7, 8, 9, 10]);
    expect((await collection.get([5]))[0]?.payload).toEqual({ number: 5, set: true });
    await collection.close();
    expect(await idsIn(await stores.open())).toEqual([5, 6, 7, 8, 9, 10]);
  });

  it('everyone who waits is answered', async () => {
    const stores = new FaultyStores();
    const collection = await stores.open();
    await collection.upsert(points(0, 5, 2));
    stores.wal.failWrite(failing);
    const answers = await Promise.all([
      ...Array.from({ length: 20 }, (_, n) => codeOf(collection.upsert(points(n, 1, 2)))),
      codeOf(collection.plunge()),
    ]);
    for (const answer of answers.slice(0, 20)) expect([code, 'SLUICE_BROKEN']).toContain(answer);
    await expectBroken(collection, [0, 1, 2, 3, 4]);
  });

  it('a collection that is broken can be closed, and opened', async () => {
    const stores = new FaultyStores();
    const collection = await stores.open();
    await collection.upsert(points(1, 3, 2));
    stores.wal.failWrite(failing);
    await codeOf(collection.upsert(points(4, 1, 2)));
    await collection.close();
    expect(await idsIn(await stores.open())).toEqual([1, 2, 3]);
  });

  it('while it is created a new collection is refused, and then created', async () => {
    for (const name of ['wal', 'segments'] as const) {
      const stores = new FaultyStores();
      stores[name].failWrite(failing);
      expect(await codeOf(openCollection(stores, OPTIONS))).toBe(code);
      expect(await idsIn(await stores.open())).toEqual([]);
    }
  });

  it('while it is closed, it is told by the log only: nothing acknowledged is lost', async () => {
    const stores = new FaultyStores();
    const collection = await stores.open();
    await collection.upsert(points(1, 3, 2));
    stores.segments.failWrite(failing);
    await collection.close();
    expect(await idsIn(await stores.open())).toEqual([1, 2, 3]);
  });
});

describe('damage', () => {
  /** A closed collection with a flushed and an unflushed part. */
  async function closedStores(): Promise<FaultyStores> {
    const stores = new FaultyStores();
    const collection = await stores.open();
    await collection.upsert(points(1, 50, 2));
    await collection.flush();
    const release = collection.keepWalFrom(2);
    await collection.upsert(points(51, 3, 2));
    await collection.upsert(points(54, 3, 2));
    await collection.close();
    release();
    return stores;
  }

  it('of any value or the lack of it is a coded error at opening, or nobody misses it', async () => {
    const complete = Array.from({ length: 56 }, (_, n) => n + 1);
    for (const name of ['wal', 'segments'] as const) {
      const { [name]: template } = await closedStores();
      await template.open();
      const keys = await template.keys().all();
      await template.close();
      expect(keys.length).toBeGreaterThanOrEqual(2);
      for (const [index] of keys.entries()) {
        for (const kind of ['flipped', 'cut', 'missing'] as const) {
          const stores = await closedStores();
          await damage(stores[name], index, kind);
          const outcome = await openCollection(stores).then(
            async (collection) => {
              const ids = await idsIn(collection);
              await collection.close();
              return ids;
            },
            (error: unknown) => (error instanceof SluiceError ? error.code : error),
          );
          if (Array.isArray(outcome))
            expect(outcome, `${name} ${keys[index]} ${kind}`).toEqual(complete);
          else expect(outcome, `${name} ${keys[index]} ${kind}`).toBe('SLUICE_DAMAGED');
        }
      }
    }
  });

  async function damage(
    store: FaultLevel,
    index: number,
    kind: 'flipped' | 'cut' | 'missing',
  ): Promise<void> {
    await store.open();
    const [key, value] = (await store.iterator().all())[index] ?? [];
    if (key === undefined || value === undefined) throw new Error('there is such a value');
    const copy = value.slice(0, kind === 'cut' ? -1 : undefined);
    if (kind === 'flipped') copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 4;
    if (kind === 'missing') await store.del(key);
    else await store.put(key, copy);
    await store.close();
  }
});

describe.each(STORES)('closing, on $kind', ({ create }) => {
  it('applies and keeps what has been submitted, and refuses what comes later', async () => {
    const store = newStore(create);
    const collection = await store.open(OPTIONS);
    const updates = Array.from({ length: 50 }, (_, n) =>
      collection.upsert(points(n, 1, 2), { wait: n % 2 === 0 }),
    );
    const closing = collection.close();
    const late = codeOf(collection.upsert(points(1000, 1, 2)));
    const results = await Promise.all(updates.map((update) => update.catch(() => undefined)));
    await closing;
    expect(await late).toBe('SLUICE_STOPPED');
    const acknowledged = results.flatMap((result, n) => (result === undefined ? [] : [n]));
    expect(acknowledged).toHaveLength(50);
    expect(await idsIn(await store.open())).toEqual(acknowledged);
  });

  it('twice is closing once; afterwards everything is refused with a code', async () => {
    const store = newStore(create);
    const collection = await store.open(OPTIONS);
    await collection.upsert(points(0, 3, 2));
    await Promise.all([collection.close(), collection.close()]);
    await collection.close();
    const uses: (() => Promise<unknown>)[] = [
      () => collection.upsert(points(0, 1, 2)),
      () => collection.delete([1]),
      () => collection.get([1]),
      () => collection.scroll(),
      () => collection.count(),
      () => collection.search([1, 2], { limit: 1 }),
      () => collection.flush(),
      () => collection.plunge(),
      () => collection.optimize(),
      () => collection.configure({ flushIntervalMs: 5 }),
    ];
    for (const use of uses) expect(await codeOf(use()), String(use)).toBe('SLUICE_STOPPED');
    expect(await codeOf(collection.reopen())).toBe('SLUICE_NOT_OPEN');
    expect(collection.status().reasons).toEqual([{ reason: 'state', state: 'stopped' }]);
    expect(() => collection.trigger()).not.toThrow();
    expect(collection.telemetry().operations.applied).toBe(1);
  });

  it('waits for readers: they end with the state they saw', async () => {
    const store = newStore(create);
    const collection = await store.open(OPTIONS);
    await collection.upsert(points(0, 20_000, 2));
    const reading = [collection.count(), collection.search([1, 2], { limit: 5 })] as const;
    const paging = collection.scroll({ limit: 20_000 });
    await collection.close();
    expect(await reading[0]).toBe(20_000);
    expect(await reading[1]).toHaveLength(5);
    expect((await paging).points).toHaveLength(20_000);
  });

  it('is done by await using', async () => {
    const store = newStore(create);
    let kept: Collection;
    {
      await using collection = await store.open(OPTIONS);
      kept = collection;
      await collection.upsert(points(0, 2, 2), { wait: false });
    }
    expect(kept.handler.state).toBe('stopped');
    expect(await idsIn(await store.open())).toEqual([0, 1]);
  });

  it('right after opening, and an opening that is given up, leave a store that opens', async () => {
    const store = newStore(create);
    await (await store.open(OPTIONS)).close();
    const controller = new AbortController();
    const opening = store.open({ signal: controller.signal });
    controller.abort();
    expect(await codeOf(opening)).toBe('SLUICE_ABORTED');
    expect(await codeOf(store.open({ signal: AbortSignal.abort() }))).toBe('SLUICE_ABORTED');
    expect(await (await store.open()).count()).toBe(0);
  });
});
