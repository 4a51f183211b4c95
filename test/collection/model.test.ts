// Random operations on a real collection, while optimizations start, are cancelled, fail and end,
// and while it is closed, killed and opened again: it always holds what a Map holds.
import fc from 'fast-check';
import { type Collection, type Filter, type Payload, type PointId, verifyStore } from 'sluice';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type BuildThread, copyGate } from '../support/copy-gate.js';
import { contentsOf, inOrder, type PointModel, until } from '../support/points.js';
import { numberFromEnvironment } from '../support/random.js';
import { newStore, STORES, type Store } from '../support/stores.js';

vi.mock('#sluice/services/optimizers/build-thread.js', async (original) => {
  const { copyGate } = await import('../support/copy-gate.js');
  return copyGate.around(await original<BuildThread>());
});

const SEED = numberFromEnvironment('SLUICE_MODEL_SEED', 0);
const RUNS = numberFromEnvironment('SLUICE_MODEL_RUNS', 0);

afterEach(() => copyGate.reset());

const OPTIONS = {
  dimensions: 2,
  // A vacuum for any deleted row; segments of a dozen points, merged as long as they fit.
  optimizers: {
    deletedThreshold: 0,
    vacuumMinVectorNumber: 1,
    defaultSegmentNumber: 1,
    maxSegmentSizeKb: 0.1,
  },
  flushIntervalMs: 1_000_000,
};

interface Model {
  points: PointModel;
  /** Makes each vector another one. */
  value: number;
}

interface Real {
  store: Store;
  collection: Collection;
  /** Optimizations that ended, by how. */
  ends: Map<string, number>;
}

class Step implements fc.AsyncCommand<Model, Real> {
  constructor(
    readonly name: string,
    readonly job: (model: Model, real: Real) => Promise<unknown>,
  ) {}

  check = () => true;

  async run(model: Model, real: Real): Promise<void> {
    await this.job(model, real);
    await real.collection.plunge();
    expect(await contentsOf(real.collection)).toEqual(inOrder(model.points));
    expect(real.collection.info().points).toBe(model.points.size);
    await expectFound(real.collection, model.points);
  }

  toString = () => this.name;
}

/** Filters count, and searches with and without indexes find, what the model holds. */
async function expectFound(collection: Collection, points: PointModel): Promise<void> {
  const isMarked = ([, { payload }]: [PointId, { payload: Payload }]) => payload.mark === 1;
  expect(await collection.count({ filter: marked(1) })).toBe([...points].filter(isMarked).length);
  for (const filter of [{}, marked(1)]) {
    const options = { limit: 100, filter, withVector: true };
    // There are fewer rows than candidates, so that an index finds every point.
    const found = await collection.search([1, 0.5], options);
    expect(found).toEqual(await collection.search([1, 0.5], { ...options, exact: true }));
    for (const { id, vector } of found) {
      expect([...(vector ?? [])]).toEqual(points.get(id)?.vector);
    }
  }
  expect(await collection.search([1, 0.5], { limit: 100 })).toHaveLength(points.size);
}

const pointId: fc.Arbitrary<PointId> = fc.oneof(fc.nat(11), fc.constantFrom('0', 'a'));
const pointIds = fc.uniqueArray(pointId, { minLength: 1, maxLength: 6 });
const mark = fc.nat(2);
const wait = fc.boolean();

const marked = (value: number): Filter => ({ must: [{ key: 'mark', match: { value } }] });

function upsert(ids: PointId[], payload: Payload, isWaited: boolean): Step {
  return new Step(`upsert ${ids}`, (model, { collection }) => {
    model.value += 1;
    const vector = [model.value, -model.value];
    for (const id of ids) model.points.set(id, { vector, payload });
    const points = ids.map((id) => ({ id, vector, payload }));
    return collection.upsert(points, { wait: isWaited });
  });
}

function remove(ids: PointId[], isWaited: boolean): Step {
  return new Step(`delete ${ids}`, (model, { collection }) => {
    for (const id of ids) model.points.delete(id);
    return collection.delete(ids, { wait: isWaited });
  });
}

function removeMarked(value: number): Step {
  return new Step(`delete marked ${value}`, async (model, { collection }) => {
    const found = [...model.points].filter(([, { payload }]) => payload.mark === value);
    for (const [id] of found) model.points.delete(id);
    const { affected } = await collection.delete({ filter: marked(value) });
    expect(affected).toBe(found.length);
  });
}

function setMarked(value: number, note: number): Step {
  return new Step(`set note ${note} where marked ${value}`, (model, { collection }) => {
    for (const [id, { vector, payload }] of model.points) {
      if (payload.mark === value) model.points.set(id, { vector, payload: { ...payload, note } });
    }
    return collection.setPayload({ note }, { filter: marked(value) });
  });
}

/** All of the points are there, or the operation is refused as a whole. */
function changeListed(name: string, ids: PointId[], change: Change): Step {
  return new Step(`${name} ${ids}`, async (model, { collection }) => {
    model.value += 1;
    const result = change.call(collection, ids, model.value);
    if (ids.some((id) => !model.points.has(id))) {
      await expect(result).rejects.toMatchObject({ code: 'SLUICE_POINT_NOT_FOUND' });
      return;
    }
    await result;
    for (const id of ids) {
      const point = model.points.get(id);
      if (point) model.points.set(id, { ...point, ...change.effect(model.value) });
    }
  });
}

interface Change {
  call(collection: Collection, ids: PointId[], value: number): Promise<unknown>;
  effect(value: number): { vector?: number[]; payload?: Payload };
}

const UPDATE_VECTORS: Change = {
  call: (collection, ids, value) =>
    collection.updateVectors(ids.map((id) => ({ id, vector: [value, value] }))),
  effect: (value) => ({ vector: [value, value] }),
};
const OVERWRITE: Change = {
  call: (collection, ids, value) => collection.overwritePayload({ mark: value % 3 }, ids),
  effect: (value) => ({ payload: { mark: value % 3 } }),
};
const CLEAR: Change = {
  call: (collection, ids) => collection.clearPayload(ids),
  effect: () => ({ payload: {} }),
};

/** Optimizations are held from now on; waits for one if there is one to come. */
const hold = new Step('hold', async (_, { collection }) => {
  // None that passed the gate before is under way: all that is left is what stands there.
  await until(() => collection.telemetry().optimizations.running <= copyGate.waiting);
  copyGate.close();
  collection.trigger();
  await collection.plunge();
  await until(() => copyGate.waiting > 0 || !hasWork(collection));
});

const complete = new Step('complete', async (_, { collection }) => {
  copyGate.open();
  await collection.optimize();
});

const fail = new Step('fail', async (_, { collection }) => {
  const { waiting } = copyGate;
  const ended = collection.telemetry().optimizations.running - waiting;
  copyGate.fail();
  await until(() => waiting === 0 || collection.telemetry().optimizations.running <= ended);
});

const holdAndFail = new Step('hold and fail', async (model, real) => {
  await hold.job(model, real);
  await fail.job(model, real);
});

/** For when the gate is closed and there is work: fails whatever comes to stand there. */
const failNext = new Step('fail the next', async (model, real) => {
  await copyGate.reached();
  await fail.job(model, real);
});

const cancel = new Step('cancel', (_, { collection }) =>
  collection.configure({ flushIntervalMs: 1_000_000 }),
);

/** 8 bytes a point: segments of so many points get an index. */
function indexFrom(count: number): Step {
  return new Step(`index segments from ${count} points on`, (_, { collection }) => {
    const hnsw = { m: 4 + count, fullScanThresholdKb: 0 };
    return collection.configure({ optimizers: { indexingThresholdKb: (8 * count) / 1024 }, hnsw });
  });
}

function indexMarks(isWanted: boolean): Step {
  return new Step(`${isWanted ? 'create' : 'drop'} the index of marks`, (_, { collection }) =>
    isWanted
      ? collection.createPayloadIndex('mark', 'integer')
      : collection.deletePayloadIndex('mark'),
  );
}

const flush = new Step('flush', (_, { collection }) => collection.flush());

const reopen = new Step('reopen', async (_, real) => {
  await leave(real);
  real.collection = await real.store.open(OPTIONS);
});

const kill = new Step('kill', async (_, real) => {
  const left = await real.store.afterKill();
  await leave(real);
  await real.store.dispose();
  real.store = left;
  real.collection = await left.open(OPTIONS);
});

async function leave(real: Real): Promise<void> {
  await real.collection.close();
  for (const { status } of real.collection.optimizations().completed) {
    real.ends.set(status.state, (real.ends.get(status.state) ?? 0) + 1);
  }
  copyGate.open();
}

function hasWork(collection: Collection): boolean {
  return collection.status().reasons.some(({ reason }) => /optimizing|planned/.test(reason));
}

const payload = fc.oneof(
  fc.constant<Payload>({}),
  mark.map((value): Payload => ({ mark: value })),
);

const STEPS: fc.Arbitrary<fc.AsyncCommand<Model, Real>>[] = [
  fc.tuple(pointIds, payload, wait).map((args) => upsert(...args)),
  fc.tuple(pointIds, payload, wait).map((args) => upsert(...args)),
  fc.tuple(pointIds, wait).map((args) => remove(...args)),
  mark.map(removeMarked),
  fc.tuple(mark, fc.nat(9)).map((args) => setMarked(...args)),
  pointIds.map((ids) => changeListed('update vectors', ids, UPDATE_VECTORS)),
  pointIds.map((ids) => changeListed('overwrite', ids.slice(0, 1), OVERWRITE)),
  pointIds.map((ids) => changeListed('clear', ids.slice(0, 2), CLEAR)),
  fc.constantFrom(hold, hold, complete, fail, cancel, flush),
  fc.oneof(fc.integer({ min: 1, max: 8 }).map(indexFrom), fc.boolean().map(indexMarks)),
  fc.constantFrom(hold, cancel, holdAndFail, holdAndFail, reopen, kill, flush),
];

/** However a run went: at its end an optimization fails, another is cancelled, a third succeeds. */
const LAST_STEPS = [
  indexFrom(1),
  indexMarks(true),
  complete,
  hold,
  upsert([1, 2, 3], { mark: 1 }, true),
  upsert([2, 3, 4], { mark: 2 }, true),
  failNext,
  remove([2], false),
  hold,
  remove([3], true),
  cancel,
  complete,
  kill,
];

describe.each(STORES)('on $kind', ({ kind, create }) => {
  const numRuns = RUNS > 0 ? RUNS : kind === 'a directory' ? 2 : 5;

  it('it holds what the model holds after every step', { timeout: 600_000 }, async () => {
    const ends = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.commands(STEPS, { maxCommands: 40, size: 'max' }), async (commands) => {
        copyGate.reset();
        const store = newStore(create);
        const real: Real = { store, collection: await store.open(OPTIONS), ends };
        try {
          const model: Model = { points: new Map(), value: 0 };
          await fc.asyncModelRun(() => ({ model, real }), commands);
          for (const step of LAST_STEPS) await step.run(model, real);
          await leave(real);
          const { target } = real.store;
          if (typeof target === 'string') {
            expect((await verifyStore(target)).problems).toEqual([]);
          }
        } finally {
          copyGate.open();
          await real.store.dispose();
        }
      }),
      { numRuns, ...(SEED > 0 ? { seed: SEED } : {}) },
    );
    // The optimizations have ended in every way: otherwise nothing has been tested.
    expect([...ends.keys()].sort()).toEqual(['cancelled', 'done', 'error']);
  });
});
