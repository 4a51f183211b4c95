// The whole job on real films: ingest, optimize until green, search, verify, reopen.
import { type Collection, type PointId, verifyStore } from 'sluice';
import { expect, it } from 'vitest';
import { bruteForce } from '../support/brute-force.js';
import { films } from '../support/films.js';
import { newStore } from '../support/stores.js';

const QUERIES = 12;

function expectWhole(collection: Collection): void {
  const info = collection.info();
  expect(info).toMatchObject({ dimensions: 64, distance: 'cosine', points: films().length });
  expect(info.segments.reduce((sum, { points }) => sum + points, 0)).toBe(films().length);
  expect(info.wal.last).toBe(Math.ceil(films().length / 100));
  expect(collection.status()).toMatchObject({ color: 'green', errors: [] });
  expect(collection.telemetry().operations.declined).toBe(0);
}

/** As `sluice search --id` does: the nearest of a film that is there, which is left out. */
async function similar(collection: Collection, id: PointId): Promise<PointId[]> {
  const [film] = await collection.get([id], { withVector: true });
  const filter = { mustNot: [{ hasId: [id] }] };
  const hits = await collection.search(film?.vector ?? [], { limit: 10, filter });
  return hits.map((hit) => hit.id);
}

async function expectSimilar(collection: Collection): Promise<void> {
  const all = films();
  for (let query = 0; query < QUERIES; query += 1) {
    const film = all[Math.floor((query * all.length) / QUERIES)];
    if (film === undefined) throw new Error('there is such a film');
    const others = all.filter(({ id }) => id !== film.id);
    const nearest = bruteForce(others, film.vector, 'cosine').slice(0, 10);
    expect(await similar(collection, film.id)).toEqual(nearest.map(({ id }) => id));
  }
}

it('films are ingested, optimized until green, found, and whole after reopening', async () => {
  const all = films();
  expect(all.length).toBeGreaterThanOrEqual(2000);
  const store = newStore();
  const collection = await store.open({
    dimensions: 64,
    optimizers: { defaultSegmentNumber: 2, maxSegmentSizeKb: 100 },
  });
  const answers = [];
  for (let from = 0; from < all.length; from += 100) {
    answers.push(collection.upsert(all.slice(from, from + 100), { wait: false }));
  }
  await Promise.all(answers);
  await collection.configure({ optimizers: { maxSegmentSizeKb: null } });
  let looks = 0;
  const status = await collection.optimize({
    onProgress: () => {
      looks += 1;
    },
  });
  expect(status.color).toBe('green');
  expect(looks).toBeGreaterThan(0);
  expect(collection.info().segments.length).toBeLessThanOrEqual(3);
  expectWhole(collection);
  await expectSimilar(collection);
  await collection.flush();
  await collection.close();

  const { problems, checked } = await verifyStore(String(store.target));
  expect(problems).toEqual([]);
  expect(checked.points).toBe(all.length);

  const again = await store.open();
  expectWhole(again);
  await expectSimilar(again);
  const westerns = { must: [{ key: 'genres', match: { value: 'Western' } }] };
  const expected = all.filter(({ payload }) => [payload?.genres].flat().includes('Western'));
  expect(await again.count({ filter: westerns })).toBe(expected.length);
  expect(expected.length).toBeGreaterThan(0);
});
