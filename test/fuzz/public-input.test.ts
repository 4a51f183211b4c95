// Whatever a caller passes: a result, a coded error or a TypeError that says what is wrong; and
// what was refused has written nothing.
import fc from 'fast-check';
import { MemoryLevel } from 'memory-level';
import { type Collection, openCollection } from 'sluice';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { filter, path, payload, pointId } from '../points/arbitraries.js';
import { anything, nearly, oddity } from './support/awkward.js';
import { attempt, inputs } from './support/contract.js';

/** What a caller without a compiler might pass. */
type Bad = never;

const DIMENSIONS = 2;
const vector = fc.constantFrom<unknown>([1, 2], Float32Array.of(3, 4), [0, 0], [-1, 1e-9]);
const point = nearly({ id: pointId, vector, payload });
const points = fc.oneof(fc.array(point, { maxLength: 3 }), anything);
const idList = fc.oneof(fc.array(fc.oneof(pointId, oddity), { maxLength: 3 }), anything);
const where = fc.oneof(
  filter,
  nearly({ must: fc.array(anything), should: anything, mustNot: anything }),
);
const selector = fc.oneof(idList, nearly({ filter: where }));
const small = fc.nat(20);
const clockTag = nearly({ peerId: small, clockId: small, tick: small, force: fc.boolean() });
// An update with `wait: 'optimized'` could wait for long, a huge timeout is no fault.
const update = nearly({ wait: fc.boolean(), timeoutMs: fc.constant(1000), clockTag });
const limit = fc.integer({ min: 1, max: 20 });
const search = nearly({
  limit,
  filter: where,
  exact: fc.boolean(),
  ef: limit,
  scoreThreshold: small,
});
const recoveryPoint = fc.oneof(
  fc.array(nearly({ peerId: small, clockId: small, tick: small }), { maxLength: 3 }),
  anything,
);
const key = fc.oneof(path, anything);

/** Each method with what it is fed, and how it is called with that. */
const CALLS: [name: string, fed: fc.Arbitrary<unknown>[], call: Call][] = [
  ['upsert', [points, update], (c, [what, how]) => c.upsert(what as Bad, how as Bad)],
  ['updateVectors', [points, update], (c, [what, how]) => c.updateVectors(what as Bad, how as Bad)],
  ['delete', [selector, update], (c, [what, how]) => c.delete(what as Bad, how as Bad)],
  [
    'setPayload',
    [payload, selector, update],
    (c, [p, s, how]) => c.setPayload(p as Bad, s as Bad, how as Bad),
  ],
  [
    'overwritePayload',
    [fc.oneof(payload, anything), selector, update],
    (c, [p, s, how]) => c.overwritePayload(p as Bad, s as Bad, how as Bad),
  ],
  [
    'deletePayload',
    [fc.oneof(fc.array(key, { maxLength: 2 }), anything), selector, update],
    (c, [keys, s, how]) => c.deletePayload(keys as Bad, s as Bad, how as Bad),
  ],
  ['clearPayload', [selector, update], (c, [s, how]) => c.clearPayload(s as Bad, how as Bad)],
  [
    'createPayloadIndex',
    [key, fc.oneof(fc.constant('integer'), anything), update],
    (c, [k, type, how]) => c.createPayloadIndex(k as Bad, type as Bad, how as Bad),
  ],
  [
    'deletePayloadIndex',
    [key, update],
    (c, [k, how]) => c.deletePayloadIndex(k as Bad, how as Bad),
  ],
  [
    'get',
    [idList, nearly({ withVector: fc.boolean() })],
    (c, [of, how]) => c.get(of as Bad, how as Bad),
  ],
  [
    'scroll',
    [nearly({ filter: where, limit, offset: pointId, withVector: fc.boolean() })],
    (c, [how]) => c.scroll(how as Bad),
  ],
  ['count', [nearly({ filter: where })], (c, [how]) => c.count(how as Bad)],
  [
    'search',
    [fc.oneof(vector, anything), search],
    (c, [of, how]) => c.search(of as Bad, how as Bad),
  ],
  ['walDelta', [recoveryPoint], (c, [of]) => c.walDelta(of as Bad)],
  ['keepWalFrom', [fc.oneof(small, anything)], (c, [from]) => c.keepWalFrom(from as Bad)()],
  [
    'changes',
    [nearly({ from: small })],
    async (c, [how]) => {
      const changes = c.changes(how as Bad);
      await changes.next();
      await changes.return?.();
    },
  ],
];

type Call = (collection: Collection, fed: readonly unknown[]) => unknown;

const stores = () => ({
  wal: new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' }),
  segments: new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' }),
});

describe('anything at all, given to a collection', () => {
  let collection: Collection;

  beforeAll(async () => {
    collection = await openCollection(stores(), {
      dimensions: DIMENSIONS,
      optimizers: { maxOptimizationThreads: 0 },
    });
    await collection.upsert([{ id: 1, vector: [1, 2], payload: { a: 1 } }]);
  });
  afterAll(() => collection.close());

  test.each(CALLS)('%s', async (_, fed, call) => {
    await fc.assert(
      fc.asyncProperty(fc.tuple(...fed), async (values) => {
        const before = collection.info().wal.last;
        const error = await attempt(() => call(collection, values));
        // A declined operation is in the log, as its number says; all else was refused before.
        const { last } = collection.info().wal;
        const isDeclined = last === before + 1 && collection.telemetry().operations.declined > 0;
        if (error !== undefined && !isDeclined) expect(last).toBe(before);
      }),
      inputs(125),
    );
    expect(collection.status().errors).toEqual([]);
    await collection.plunge();
  });
});

describe('anything at all as options', () => {
  const rest = {
    dimensions: fc.constant(DIMENSIONS),
    distance: fc.constantFrom('cosine', 'dot', 'euclid'),
    optimizers: nearly({
      deletedThreshold: fc.constant(0.5),
      vacuumMinVectorNumber: small,
      maxSegmentSizeKb: limit,
      maxOptimizationThreads: small,
    }),
    hnsw: nearly({ m: fc.constant(8), efConstruct: fc.constant(50), ef: limit }),
    flushIntervalMs: fc.constant(5000),
    updateQueueLengthMax: limit,
    cpuBudget: small,
    keepWalFrom: small,
    storage: anything,
    logger: anything,
    clock: fc.constant(undefined),
    inspect: fc.constant(undefined),
  };

  test('openCollection opens or tells, and a refused one leaves nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(nearly(rest), async (options) => {
        const target = stores();
        let opened: Collection | undefined;
        const error = await attempt(async () => {
          opened = await openCollection(target, options as Bad);
        });
        await opened?.close();
        if (error === undefined) return;
        for (const store of Object.values(target)) {
          await store.open();
          expect(await store.keys().all()).toEqual([]);
          await store.close();
        }
      }),
      inputs(75),
    );
  });

  test('openCollection, of anything but a path and two stores', async () => {
    const target = fc.oneof(anything, nearly({ wal: anything, segments: anything }));
    await fc.assert(
      fc.asyncProperty(
        target.filter((of) => typeof of !== 'string'),
        async (of) => {
          const error = await attempt(async () => {
            await (await openCollection(of as Bad, { dimensions: DIMENSIONS })).close();
          });
          expect(error).toBeDefined();
        },
      ),
      inputs(125),
    );
  });

  test('configure changes the configuration or tells', async () => {
    const collection = await openCollection(stores(), { dimensions: DIMENSIONS });
    const { optimizers, hnsw, flushIntervalMs } = rest;
    await fc.assert(
      fc.asyncProperty(nearly({ optimizers, hnsw, flushIntervalMs }), async (patch) => {
        const before = JSON.stringify(collection.info().configuration);
        const error = await attempt(() => collection.configure(patch as Bad));
        if (error !== undefined)
          expect(JSON.stringify(collection.info().configuration)).toBe(before);
      }),
      inputs(125),
    );
    await collection.close();
  });
});
