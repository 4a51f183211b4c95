// Random operations on the key-value example against a Map: flushes, compactions that are held,
// cancelled, failed or carried through, kills and reopenings.
import { levelWal, SegmentStore, type SubmitResult } from 'sluice';
import { expect, test } from 'vitest';
import { Random } from '../support/random.js';
import {
  afterKill,
  blockKeys,
  type Databases,
  inMemory,
  onDisk,
  pairsOf,
  Stage,
  settled,
} from './support/kv.js';

const KEYS = 40;

const RUNS = [
  { place: 'a directory', create: onDisk, steps: 40, seeds: [1] },
  { place: 'memory', create: inMemory, steps: 100, seeds: [3, 4] },
].flatMap(({ seeds, ...run }) => seeds.map((seed) => ({ ...run, seed })));

for (const { place, create, steps, seed } of RUNS) {
  test(`in ${place} it is a map, whatever compactions do (seed ${seed})`, async () => {
    const random = new Random(seed);
    const stage = new Stage();
    const databases = await create();
    let store = await stage.open(databases);
    const model = new Map<string, string>();
    let inserts = 0;

    const write = async (wait: boolean): Promise<SubmitResult> => {
      const key = `key ${random.between(1, KEYS)}`;
      const value = `${random.between(1, 1e9)}`;
      const kind = random.pick(['put', 'put', 'delete', 'insert']);
      if (kind === 'delete') {
        model.delete(key);
        return store.delete(key, { wait });
      }
      if (kind === 'insert' && !model.has(key)) {
        model.set(key, value);
        inserts += 1;
        return store.insert(key, value, { wait });
      }
      model.set(key, value);
      return store.put(key, value, { wait });
    };
    const look = async () => {
      await store.handler.plunge();
      expect(store.range()).toEqual(pairsOf(model));
      expect(store.get('key 7')).toBe(model.get('key 7'));
    };

    for (let step = 0; step < steps; step += 1) {
      const writes = Array.from({ length: random.between(1, 6) }, () => write(random.chance(0.3)));
      if (random.chance(0.5)) await Promise.all(writes);
      if (random.chance(0.3)) store.handler.trigger();
      if (random.chance(0.2)) await store.handler.flush();
      if (random.chance(0.15)) stage.closeGate();
      if (random.chance(0.15)) stage.openGate();
      if (random.chance(0.1)) stage.failThere();
      // This cancels what runs, and what stands at the gate.
      if (random.chance(0.1)) await store.handler.reconfigure({});
      await Promise.all(writes);
      if (random.chance(0.2)) await look();
      if (create === inMemory && random.chance(0.1)) {
        const copy = await new Stage().open(await afterKill(databases));
        expect(copy.range()).toEqual(pairsOf(model));
        await copy.close();
      }
      if (random.chance(0.04)) {
        await store.close();
        store = await stage.open(databases);
        expect(store.range()).toEqual(pairsOf(model));
      }
    }

    stage.openGate();
    await settled(store);
    await store.compact();
    await look();
    expect(store.handler.status()).toMatchObject({ color: 'green', reasons: [] });
    const segments = store.segments.segments();
    expect(segments.filter(({ points }) => points <= 2).length).toBeLessThan(5);
    expect(segments.reduce((sum, { points }) => sum + points, 0)).toBe(model.size);
    expect(stage.passed).toBeGreaterThan(5);
    expect(inserts).toBeGreaterThan(5);
    await store.close();
    expect(await blockKeys(await reopened(databases))).toEqual(await namedBlocks(databases));
  });
}

async function reopened({ segments }: Databases): Promise<Databases['segments']> {
  await segments.open();
  return segments;
}

/** The blocks that the manifest of a closed store names. */
async function namedBlocks(databases: Databases): Promise<string[]> {
  const wal = levelWal(databases.wal);
  const { storeId } = await wal.open();
  await wal.close();
  type Manifest = { segments: { blocks: { key: string }[] }[] };
  const store = new SegmentStore<Manifest>(databases.segments);
  const manifest = await store.open({ storeId });
  await store.close();
  const named = manifest?.segments.flatMap(({ blocks }) => blocks.map(({ key }) => key)) ?? [];
  expect(named.length).toBeGreaterThan(0);
  return named.sort();
}
