// Changing the configuration again and again under load: nothing is lost, everybody is answered.
import {
  type Collection,
  type ConfigurationPatch,
  SluiceError,
  type UpdateResult,
  verifyStore,
} from 'sluice';
import { describe, expect, it } from 'vitest';
import { contentsOf, inOrder, type PointModel, until, vectorOf } from '../support/points.js';
import { numberFromEnvironment, Random } from '../support/random.js';
import { newStore, STORES, type Store } from '../support/stores.js';

const SEED = numberFromEnvironment('SLUICE_SEED', 20_260);
const CHANGES = numberFromEnvironment('SLUICE_CHANGES', 50);
const DIMENSIONS = 64;

/** With the last one everything is optimized that can be. */
const LAST: ConfigurationPatch = {
  optimizers: {
    deletedThreshold: 0.1,
    vacuumMinVectorNumber: 10,
    defaultSegmentNumber: 2,
    maxSegmentSizeKb: 64,
    indexingThresholdKb: 0,
    maxOptimizationThreads: null,
  },
  flushIntervalMs: 700,
};

function randomPatch(random: Random): ConfigurationPatch {
  const optimizers = {
    ...(random.chance(0.5) ? { deletedThreshold: random.next() / 2 } : {}),
    ...(random.chance(0.5) ? { vacuumMinVectorNumber: random.between(1, 40) } : {}),
    ...(random.chance(0.5) ? { defaultSegmentNumber: random.between(1, 5) } : {}),
    ...(random.chance(0.5) ? { maxSegmentSizeKb: random.between(1, 40) } : {}),
    ...(random.chance(0.7) ? { maxOptimizationThreads: random.pick([0, 1, 1, null, null]) } : {}),
  };
  const flushIntervalMs = random.between(1, 200);
  return { optimizers, ...(random.chance(0.5) ? { flushIntervalMs } : {}) };
}

/** Works on a collection and remembers what it must hold. */
class Load {
  readonly model: PointModel = new Map();
  readonly answers = { acknowledged: 0, completed: 0, optimized: 0, notOptimized: 0, stopped: 0 };
  readonly #random: Random;
  #value = 0;
  #pending = new Set<Promise<void>>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Begins one operation; the order of the calls is that of the log. */
  begin(collection: Collection): void {
    const random = this.#random;
    const wait = random.pick([true, true, false, 'optimized'] as const);
    const ids = Array.from({ length: random.between(1, 8) }, () => random.between(0, 250));
    const result = random.chance(0.75)
      ? this.#upsert(collection, ids, wait)
      : this.#delete(collection, ids, wait);
    const answered = result.then(
      (answer) => this.#count(answer),
      (error: unknown) => {
        const isStopped = error instanceof SluiceError && error.code === 'SLUICE_STOPPED';
        if (wait !== 'optimized' || !isStopped) throw error;
        // Applied all the same: only the optimizers are not waited for any more.
        this.answers.stopped += 1;
      },
    );
    this.#pending.add(answered);
    answered.then(
      () => this.#pending.delete(answered),
      // Told by `settled`.
      () => {},
    );
  }

  /** Every caller has been answered. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  #upsert(collection: Collection, ids: number[], wait: boolean | 'optimized') {
    const points = ids.map((id) => {
      this.#value += 1;
      const payload = { value: this.#value };
      const vector = vectorOf(this.#value, DIMENSIONS);
      this.model.set(id, { vector, payload });
      return { id, vector, payload };
    });
    return collection.upsert(points, { wait });
  }

  #delete(collection: Collection, ids: number[], wait: boolean | 'optimized') {
    for (const id of ids) this.model.delete(id);
    return collection.delete(ids, { wait });
  }

  #count({ status, optimized, reason }: UpdateResult): void {
    if (status === 'acknowledged') this.answers.acknowledged += 1;
    else if (optimized === undefined) this.answers.completed += 1;
    else if (optimized) this.answers.optimized += 1;
    else this.answers.notOptimized += 1;
    expect(reason).toBe(optimized === false ? 'disabled' : undefined);
    expect(['acknowledged', 'completed']).toContain(status);
  }
}

function endsOf(collection: Collection): { done: number; cancelled: number } {
  const all = Object.values(collection.telemetry().optimizations.byOptimizer);
  const sum = (name: 'done' | 'cancelled') => all.reduce((total, one) => total + one[name], 0);
  return { done: sum('done'), cancelled: sum('cancelled') };
}

/** Begins operations until it is told to stop. */
async function work(load: Load, collection: Collection, random: Random, isOver: () => boolean) {
  while (!isOver()) {
    for (let count = random.between(1, 10); count > 0; count -= 1) load.begin(collection);
    await new Promise((resolve) => setTimeout(resolve, random.between(0, 4)));
    if (collection.telemetry().queue.entries > 200) await collection.plunge();
  }
}

async function reconfigure(collection: Collection, random: Random, count: number) {
  for (let left = count; left > 0; ) {
    const together = Math.min(left, random.pick([1, 1, 2, 4]));
    const changes = Array.from({ length: together }, () =>
      collection.configure(randomPatch(random)),
    );
    await Promise.all(changes);
    await new Promise((resolve) => setTimeout(resolve, random.between(0, 20)));
    left -= together;
  }
}

function expectAtRest(collection: Collection): void {
  const { budgets, optimizations, queue } = collection.telemetry();
  expect([budgets.io.used, budgets.cpu.used]).toEqual([0, 0]);
  expect(optimizations).toMatchObject({ running: 0, awaited: 0 });
  expect(queue).toMatchObject({ entries: 0, waiting: 0 });
  expect(collection.info().segments.filter(({ frozen }) => frozen)).toEqual([]);
  expect(collection.optimizations()).toMatchObject({ running: [], queued: [] });
}

const open = (store: Store) => store.open({ dimensions: DIMENSIONS });

it(`${CHANGES} random changes under load, with a reopening in the middle`, {
  timeout: 120_000,
}, async () => {
  const random = new Random(SEED);
  const store = newStore();
  const load = new Load(random);
  const ends = { done: 0, cancelled: 0 };
  for (const half of [1, 2]) {
    const collection = await open(store);
    let isOver = false;
    const working = work(load, collection, random, () => isOver);
    await reconfigure(collection, random, CHANGES / 2);
    if (half === 1) {
      // Whether one of the changes lasts long enough for that depends on the machine.
      const optimizers = { ...LAST.optimizers, maxOptimizationThreads: 0 };
      await collection.configure({ optimizers });
      await until(() => load.answers.notOptimized > 0);
    }
    isOver = true;
    await working;
    if (half === 2) {
      await collection.configure(LAST);
      await load.settled();
      expect(await collection.optimize(), `seed ${SEED}`).toMatchObject({
        color: 'green',
        reasons: [],
      });
      expectAtRest(collection);
      expect(collection.info().configuration).toMatchObject(LAST);
      expect(await contentsOf(collection)).toEqual(inOrder(load.model));
    }
    await collection.plunge();
    const { done, cancelled } = endsOf(collection);
    ends.done += done;
    ends.cancelled += cancelled;
    await collection.close();
    await load.settled();
  }
  const again = await open(store);
  expect(await contentsOf(again), `seed ${SEED}`).toEqual(inOrder(load.model));
  expect(again.info().configuration).toMatchObject(LAST);
  await again.close();
  expect((await verifyStore(String(store.target))).problems).toEqual([]);
  // Without these nothing has been shown.
  expect(ends.done).toBeGreaterThan(0);
  expect(ends.cancelled).toBeGreaterThan(0);
  const { stopped: _, ...answers } = load.answers;
  for (const [kind, count] of Object.entries(answers)) expect(count, kind).toBeGreaterThan(0);
});

describe.each(STORES)('on $kind', ({ create }) => {
  it('a bad patch changes nothing, whatever is good in it and beside it', async () => {
    const store = newStore(create);
    const collection = await open(store);
    const before = collection.info().configuration;
    const bad = [
      { flushIntervalMs: 100, optimizers: { deletedThreshold: 2 } },
      { flushIntervalMs: 0, optimizers: { deletedThreshold: 0.5 } },
      { optimizers: { maxSegmentSizeKb: 0, defaultSegmentNumber: 7 } },
      { optimizers: { threshold: 1 } },
      { flushInterval: 1 },
    ];
    const good = collection.configure({ optimizers: { vacuumMinVectorNumber: 17 } });
    for (const patch of bad) {
      await expect(
        collection.configure(patch as never),
        JSON.stringify(patch),
      ).rejects.toMatchObject({ code: 'SLUICE_BAD_OPTION' });
    }
    await good;
    const { optimizers } = before;
    const after = { ...before, optimizers: { ...optimizers, vacuumMinVectorNumber: 17 } };
    expect(collection.info().configuration).toEqual(after);
    await collection.close();
    expect((await open(store)).info().configuration).toEqual(after);
  });

  it('of calls at the same time the last wins, and each resolves when it is in force', async () => {
    const store = newStore(create);
    const collection = await open(store);
    const seen: number[] = [];
    const calls = Array.from({ length: 8 }, (_, n) =>
      collection.configure({ flushIntervalMs: 100 + n }).then(() => {
        seen.push(collection.info().configuration.flushIntervalMs);
      }),
    );
    await Promise.all(calls);
    expect(seen).toEqual(Array.from({ length: 8 }, () => 107));
    await collection.close();
    expect((await open(store)).info().configuration.flushIntervalMs).toBe(107);
  });

  it('changed thresholds lead to another plan, which is begun at once', async () => {
    const collection = await open(newStore(create));
    await collection.configure({ optimizers: { deletedThreshold: 1 } });
    await collection.upsert([{ id: 1, vector: vectorOf(1, DIMENSIONS) }]);
    await collection.upsert([{ id: 1, vector: vectorOf(2, DIMENSIONS) }]);
    expect(collection.status().color).toBe('green');
    await collection.configure({ optimizers: { deletedThreshold: 0.1, vacuumMinVectorNumber: 1 } });
    await until(() => collection.info().segments.every(({ deleted }) => deleted === 0));
    expect(collection.optimizations().completed).toMatchObject([{ optimizer: 'vacuum' }]);
  });

  it('a closing collection takes no more of them', async () => {
    const collection = await open(newStore(create));
    const closing = collection.close();
    await closing;
    await expect(collection.configure({ flushIntervalMs: 5 })).rejects.toMatchObject({
      code: 'SLUICE_STOPPED',
    });
  });

  it('one that meets a closing resolves when it is stored, and rejects when nothing is changed', async () => {
    const outcomes = new Set<boolean>();
    for (let turns = 0; turns < 6; turns += 1) {
      const store = newStore(create);
      const collection = await open(store);
      const result = collection.configure({ flushIntervalMs: 4321 }).then(
        () => true,
        (error: SluiceError) => {
          expect(error.code).toBe('SLUICE_STOPPED');
          return false;
        },
      );
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      await collection.close();
      const isStored = (await open(store)).info().configuration.flushIntervalMs === 4321;
      expect(isStored).toBe(await result);
      outcomes.add(isStored);
    }
    expect(outcomes.has(true)).toBe(true);
  });
});
