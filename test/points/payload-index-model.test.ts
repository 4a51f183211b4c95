// Two holders get the same operations; one has payload indexes, made and dropped at random, and is
// optimized, flushed and reopened. Whatever is asked, both answer the same.
import fc from 'fast-check';
import type { Condition, Filter, Payload, PointId } from 'sluice';
import { expect, it } from 'vitest';
import { systemClock } from '#sluice/services/clock.js';
import { checkPayload } from '#sluice/services/points/check-payload.js';
import type { PointHolder } from '#sluice/services/points/holder.js';
import { PAYLOAD_INDEX_TYPES, type PointOperation } from '#sluice/services/points/operations.js';
import { Pace } from '#sluice/services/points/pace.js';
import { scroll } from '#sluice/services/points/scroll.js';
import type { View } from '#sluice/services/points/view.js';
import type { Optimization } from '#sluice/services/ports.js';
import * as random from './arbitraries.js';
import { TestBlockStore } from './support/block-store.js';
import { contents, context, flush, openHolder, Writer } from './support/harness.js';

interface Pair {
  store: TestBlockStore;
  indexed: PointHolder;
  plain: PointHolder;
  runs: { run: Optimization; isCopied: boolean }[];
  /** Views of both, of the same moment. */
  views: { indexed: View; plain: View }[];
  /** Reads that had an index to go by. */
  narrowed: number;
}

type Step = (pair: Pair) => unknown;

/** Few values at few keys, so that conditions are met and narrow at once. */
const scalar = fc.constantFrom(
  'x',
  'y',
  '1',
  1,
  0,
  -0,
  -1,
  2,
  0.5,
  2 ** 53,
  true,
  false,
  null,
  '😀',
);
const simplePayload: fc.Arbitrary<Payload> = fc.record(
  {
    a: fc.oneof(
      { weight: 3, arbitrary: scalar },
      fc.array(scalar, { maxLength: 3 }),
      fc.array(fc.record({ b: scalar }), { maxLength: 2 }),
      fc.record({ b: scalar }),
    ),
    b: scalar,
  },
  { requiredKeys: [] },
);
/** As they come to the segments. */
const payload = fc.oneof(simplePayload, random.payload).map((fields) => checkPayload(fields));
const id: fc.Arbitrary<PointId> = fc.oneof(fc.nat(60), fc.constantFrom('0', 'a'));
const ids = fc.uniqueArray(id, { maxLength: 12 });
const often = fc.constantFrom('a', 'a', 'b', 'a[].b');
const key = fc.oneof({ weight: 4, arbitrary: often }, random.path);
const wanted = scalar.filter((value) => value !== null);
const narrow: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ key: often, match: fc.record({ value: wanted }) }),
  fc.record({ key: often, match: fc.record({ any: fc.constantFrom(['x', 1], ['1'], [2, 0.5]) }) }),
  fc.record({ key: often, range: fc.record({ gt: fc.constantFrom(-2, 0, 0.5, 1) }) }),
  fc.record({ hasId: ids }),
);
const conditions = fc.array(narrow, { minLength: 1, maxLength: 3 });
const filter: fc.Arbitrary<Filter> = fc.oneof(
  random.filter,
  conditions.map((must) => ({ must })),
  conditions.map((should) => ({ should })),
);

function both(operation: PointOperation): Step {
  return ({ indexed, plain }) => {
    const outcome = (holder: PointHolder) => {
      try {
        return new Writer(holder).apply(operation);
      } catch (error) {
        return String(error);
      }
    };
    expect(outcome(indexed)).toBe(outcome(plain));
  };
}

const upsert = (size: { minLength: number; maxLength: number }) =>
  fc.uniqueArray(fc.tuple(id, payload), { ...size, selector: ([id]) => id }).map((points) =>
    both({
      kind: 'upsert',
      ids: points.map(([id]) => id),
      vectors: Float32Array.from(points.flatMap((_, at) => [at + 1, at % 3])),
      payloads: points.map(([, fields]) => fields),
    }),
  );

const selector = fc.oneof(
  ids,
  filter.map((where) => ({ filter: where })),
);

const update = fc.oneof(
  selector.map((selected) => both({ kind: 'delete', selector: selected })),
  fc
    .tuple(selector, payload)
    .map(([selected, fields]) => both({ kind: 'setPayload', selector: selected, payload: fields })),
  fc
    .tuple(selector, key)
    .map(([selected, path]) => both({ kind: 'deletePayload', selector: selected, keys: [path] })),
);

const createIndex = (path: fc.Arbitrary<string>) =>
  fc.tuple(path, fc.constantFrom(...PAYLOAD_INDEX_TYPES)).map(
    ([key, type]): Step =>
      ({ indexed }) =>
        new Writer(indexed).apply({ kind: 'createPayloadIndex', key, type }),
  );

const dropIndex = key.map(
  (path): Step =>
    ({ indexed }) =>
      new Writer(indexed).apply({ kind: 'deletePayloadIndex', key: path }),
);

const optimize = fc.oneof(
  fc.array(fc.boolean(), { maxLength: 4 }).map(
    (picks): Step =>
      ({ indexed, runs }) => {
        const picked = indexed.segments().flatMap((segment, at) => (picks[at] ? [segment.id] : []));
        const run = indexed.beginRebuild(picked);
        if (run !== undefined) runs.push({ run, isCopied: false });
      },
  ),
  fc.nat(1).map(
    (at): Step =>
      async ({ runs }) => {
        const entry = runs[at];
        if (entry === undefined || entry.isCopied) return;
        entry.isCopied = true;
        await entry.run.copy(context);
      },
  ),
  fc.nat(1).map(
    (at): Step =>
      async ({ runs }) => {
        if (!runs[at]?.isCopied) return;
        const [entry] = runs.splice(at, 1);
        await entry?.run.catchUp(context);
        entry?.run.swap();
      },
  ),
  fc.nat(1).map(
    (at): Step =>
      async ({ runs }) => {
        const [entry] = runs.splice(at, 1);
        entry?.run.rollback();
        await entry?.run.discard();
      },
  ),
);

const reopen = fc.constant<Step>(async (pair) => {
  for (const { run } of pair.runs.splice(0)) run.rollback();
  const before = [...pair.indexed.schema];
  await flush(pair.indexed);
  pair.store = new TestBlockStore(pair.store.disk);
  pair.indexed = await openHolder(pair.store);
  expect([...pair.indexed.schema]).toEqual(before);
});

const look = fc.constant<Step>(({ indexed, plain, views }) => {
  views.push({ indexed: indexed.view(), plain: plain.view() });
});

const ask = fc.tuple(filter, fc.integer({ min: 1, max: 8 }), fc.option(id, { nil: undefined })).map(
  ([where, limit, offset]): Step =>
    async (pair) => {
      const { indexed, plain } = pair;
      expect(await indexed.count({ filter: where })).toBe(await plain.count({ filter: where }));
      const options = { filter: where, limit, offset };
      const query = Float32Array.of(1, limit);
      expect(await indexed.search(query, options)).toEqual(await plain.search(query, options));
      const now = { indexed: indexed.view(), plain: plain.view() };
      for (const views of [...pair.views, now]) {
        const [withIndexes, without] = await Promise.all(
          [views.indexed, views.plain].map(async (view) => {
            const pace = new Pace(systemClock);
            return { found: await scroll(view, options, pace), steps: pace.steps };
          }),
        );
        expect(withIndexes?.found).toEqual(without?.found);
        if ((withIndexes?.steps ?? 0) < (without?.steps ?? 0)) pair.narrowed += 1;
      }
      now.indexed.release();
      now.plain.release();
    },
);

const start = fc.tuple(
  upsert({ minLength: 25, maxLength: 40 }),
  createIndex(fc.constant('a')),
  createIndex(fc.constant('b')),
  createIndex(fc.constant('a[].b')),
);

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: upsert({ minLength: 1, maxLength: 12 }) },
    { weight: 2, arbitrary: update },
    { weight: 2, arbitrary: createIndex(key) },
    { weight: 1, arbitrary: dropIndex },
    { weight: 3, arbitrary: optimize },
    { weight: 1, arbitrary: reopen },
    { weight: 1, arbitrary: look },
    { weight: 6, arbitrary: ask },
  ),
  { maxLength: 30, size: 'max' },
);

it('any mix of operations, indexes and optimizations reads the same with and without', async () => {
  let narrowed = 0;
  await fc.assert(
    fc.asyncProperty(start, steps, async (first, list) => {
      const store = new TestBlockStore();
      const indexed = await openHolder(store);
      const plain = await openHolder();
      const pair: Pair = { store, indexed, plain, runs: [], views: [], narrowed: 0 };
      for (const step of [...first, ...list]) await step(pair);
      expect(await contents(pair.indexed)).toEqual(await contents(plain));
      narrowed += pair.narrowed;
    }),
    { numRuns: 60 },
  );
  expect(narrowed).toBeGreaterThan(30);
});
