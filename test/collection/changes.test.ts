// A collection's log as a feed, and what a reopening knows of it.
import { MemoryLevel } from 'memory-level';
import { type Change, type Collection, openCollection, type PointOperation } from 'sluice';
import { describe, expect, it } from 'vitest';
import { MANIFEST_KEY } from '#sluice/services/level/keys.js';
import { manifestEntry, readManifest } from '#sluice/services/level/manifest.js';
import { collect } from '../support/collect.js';
import { points, until } from '../support/points.js';
import { Random } from '../support/random.js';
import { newStore, STORES } from '../support/stores.js';

const OPTIONS = { dimensions: 2, flushIntervalMs: 1_000_000 };

/** What was declined, among all that the log still has. */
async function declinedIn(collection: Collection): Promise<Record<number, boolean>> {
  const changes = await collect(collection.changes());
  return Object.fromEntries(changes.map(({ opNum, declined }) => [opNum, declined]));
}

async function declinedUpdate(collection: Collection): Promise<void> {
  await expect(collection.setPayload({ a: 1 }, [404])).rejects.toMatchObject({
    code: 'SLUICE_POINT_NOT_FOUND',
  });
}

describe.each(STORES)('changes of a collection in $kind', ({ create }) => {
  it('gives each operation as it was written', async () => {
    const collection = await newStore(create).open(OPTIONS);
    const clockTag = { peerId: 1, clockId: 2, tick: 3 };
    await collection.upsert([{ id: 1, vector: [1, 2], payload: { title: 'Alien' } }], { clockTag });
    await collection.setPayload({ year: 1979 }, [1], { key: 'info' });
    await declinedUpdate(collection);
    await collection.delete({ filter: { must: [{ key: 'title', match: { value: 'Alien' } }] } });
    const changes = await collect<Change<PointOperation>>(collection.changes());
    expect(changes).toMatchObject([
      {
        opNum: 1,
        operation: {
          kind: 'upsert',
          ids: [1],
          vectors: Float32Array.of(1, 2),
          payloads: [{ title: 'Alien' }],
          clockTag,
        },
        declined: false,
      },
      { opNum: 2, operation: { kind: 'setPayload', key: 'info' }, declined: false },
      { opNum: 3, operation: { kind: 'setPayload', payload: { a: 1 } }, declined: true },
      { opNum: 4, operation: { kind: 'delete' }, declined: false },
    ]);
  });

  it('a follower sees what is written while it waits, until the collection is closed', async () => {
    const collection = await newStore(create).open(OPTIONS);
    const seen: number[] = [];
    const follow = async () => {
      for await (const { opNum } of collection.changes({ follow: true })) seen.push(opNum);
    };
    const ended = expect(follow()).rejects.toMatchObject({ code: 'SLUICE_STOPPED' });
    for (let id = 1; id <= 20; id += 1) await collection.upsert(points(id, 1, 2));
    await collection.upsert(points(21, 1, 2), { wait: false });
    await collection.plunge();
    await collection.flush();
    await until(() => seen.length === 21);
    await collection.close();
    await ended;
    expect(seen).toEqual(Array.from({ length: 21 }, (_, at) => at + 1));
    expect(() => collection.changes()).toThrowError(
      expect.objectContaining({ code: 'SLUICE_STOPPED' }),
    );
  });

  it('knows after a reopening what was declined, whether it is replayed or not', async () => {
    const store = newStore(create);
    const collection = await store.open({ ...OPTIONS, keepWalFrom: 2 });
    await collection.upsert(points(1, 1, 2));
    await declinedUpdate(collection);
    await collection.upsert(points(2, 1, 2));
    await declinedUpdate(collection);
    await declinedUpdate(collection);
    await collection.flush();
    await declinedUpdate(collection);
    await collection.upsert(points(3, 1, 2));
    const expected = { 2: true, 3: false, 4: true, 5: true, 6: true, 7: false };
    expect(await declinedIn(collection)).toEqual(expected);
    const killed = await (await store.afterKill()).open({ ...OPTIONS, keepWalFrom: 2 });
    expect(await declinedIn(killed)).toEqual(expected);
    await collection.close();
    const again = await store.open({ ...OPTIONS, keepWalFrom: 5 });
    expect(await declinedIn(again)).toEqual(expected);
    await again.flush();
    await again.upsert(points(4, 1, 2));
    await again.flush();
    expect(await declinedIn(again)).toEqual({ 5: true, 6: true, 7: false, 8: false });
  });

  it('gives from any place what a model of the log has', async () => {
    const random = new Random(12);
    const store = newStore(create);
    let collection = await store.open({ ...OPTIONS, keepWalFrom: 0 });
    const model: boolean[] = [];
    let kept = 0;
    for (let step = 0; step < 90; step += 1) {
      const dice = random.next();
      if (dice < 0.45) {
        const wait = random.chance(0.5);
        await collection.upsert(points(random.between(1, 9), 1, 2), { wait });
        model.push(false);
      } else if (dice < 0.65) {
        await declinedUpdate(collection);
        model.push(true);
      } else if (dice < 0.8) {
        await collection.flush();
      } else if (dice < 0.9) {
        await collection.close();
        kept = random.between(kept, model.length);
        collection = await store.open({ ...OPTIONS, keepWalFrom: kept });
      }
      if (random.chance(0.7)) continue;
      await collection.plunge();
      await collection.flush();
      const { acked } = collection.info().wal;
      expect(acked).toBe(Math.max(kept - 1, 0));
      const from = random.between(acked + 1, Math.max(model.length, acked + 1));
      const changes = await collect(collection.changes({ from }));
      const declined = changes.map((change) => [change.opNum, change.declined]);
      expect(declined).toEqual(model.map((each, at) => [at + 1, each]).slice(from - 1));
    }
    expect(model.length).toBeGreaterThan(30);
    expect(model).toContain(true);
  });
});

it('a manifest without notes about the log still opens', async () => {
  const stores = {
    wal: new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' }),
    segments: new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' }),
  };
  const collection = await openCollection(stores, { ...OPTIONS, keepWalFrom: 0 });
  const clockTag = { peerId: 1, clockId: 0, tick: 4 };
  await collection.upsert(points(1, 2, 2), { clockTag });
  await collection.close();
  await stores.segments.open();
  const value = await stores.segments.get(MANIFEST_KEY);
  if (value === undefined) throw new Error('there is a manifest');
  const manifest = readManifest(value);
  const { notes, ...body } = manifest.body as Record<string, unknown>;
  expect(notes).toMatchObject({ changes: [{ first: 1 }] });
  const [key, old] = manifestEntry({ ...manifest, body });
  await stores.segments.put(key, old);
  const again = await openCollection(stores, OPTIONS);
  expect(again.info()).toMatchObject({ points: 2, wal: { acked: 0, applied: 1 } });
  expect(again.recoveryPoint()).toEqual([clockTag]);
  expect(await again.walDelta([{ ...clockTag, tick: 3 }])).toEqual({ status: 'cutOff' });
  expect(await declinedIn(again)).toEqual({ 1: false });
  await again.close();
});
