// The steps of the model with vector indexes: most of them are given in place. What readers have
// taken before a swap is read after it, by scan, search, filter and snapshot.
import fc from 'fast-check';
import { SluiceError } from 'sluice';
import { expect, it } from 'vitest';
import { systemClock } from '#sluice/services/clock.js';
import { IndexInPlace } from '#sluice/services/points/index-in-place.js';
import { Pace } from '#sluice/services/points/pace.js';
import { count } from '#sluice/services/points/scroll.js';
import { search } from '#sluice/services/points/search.js';
import type { PointSnapshot } from '#sluice/services/points/snapshot.js';
import type { View } from '#sluice/services/points/view.js';
import type { Optimization } from '#sluice/services/ports.js';
import { numberFromEnvironment } from '../support/random.js';
import { TestBlockStore } from './support/block-store.js';
import { FakeIndexes } from './support/fake-indexes.js';
import { contents, neverAborted, openHolder } from './support/harness.js';
import { where } from './support/indexed.js';
import * as model from './support/model-steps.js';
import { type Model, pointIds, Step } from './support/model-steps.js';

const SEED = numberFromEnvironment('IN_PLACE_SEED', 1);
const RUNS = numberFromEnvironment('IN_PLACE_RUNS', 100);
/** The runs, and making a failure shorter, end after so long. */
const LIMIT_MS = 20_000 + 200 * RUNS;

/** Three points are enough for an index, five for a full segment. */
const configuration = { optimizers: { maxSegmentSizeKb: 0.04, indexingThresholdKb: 0.02 } };
const distance = 'dot';
const VALUES = [0, 1, 2];

/** All that there is at one moment, and a reader's holds on it. */
interface Look {
  view: View;
  snapshot: PointSnapshot;
  expected: Model;
}

interface IndexedReal extends model.Real {
  indexes: FakeIndexes;
  looks: Look[];
  /** What callers do in the middle of the next phase of a run. */
  meanwhile: readonly Step[];
  failsBuild: boolean;
}

/** Points that weren't there: their segment keeps no deleted row for them. */
function add(count: number) {
  return new Step(`add ${count}`, (state, real) => {
    const ids = Array.from({ length: 16 }, (_, id) => id).filter((id) => !state.points.has(id));
    return model.upsert(ids.slice(0, count)).job(state, real);
  });
}

const clear = new Step('clear', (state, real) => {
  return model.remove([...state.points.keys()]).job(state, real);
});

/** Of the segments that lack an index and nothing else. */
function beginInPlace(at: number) {
  return new Step(`begin in place ${at}`, (_state, { holder, runs }) => {
    const fit = holder.segments().filter((segment) => {
      return !segment.frozen && !segment.indexed && segment.deleted === 0 && segment.rows >= 3;
    });
    const chosen = fit[at % fit.length];
    const run = chosen && holder.beginRebuild([chosen.id]);
    if (run !== undefined) runs.push({ run, next: 'copy' });
  });
}

function meanwhile(steps: readonly Step[]) {
  return new Step<IndexedReal>(`meanwhile [${steps}]`, (_state, real) => {
    real.meanwhile = steps;
  });
}

const failBuild = new Step<IndexedReal>('fail the next build', (_state, real) => {
  real.failsBuild = true;
});

const look = new Step<IndexedReal>('look', (state, { holder, looks }) => {
  const expected = new Map(state.points);
  looks.push({ view: holder.view(), snapshot: holder.snapshot(), expected });
});

/** What was taken first is read, and let go of. */
const readLook = new Step<IndexedReal>('read look', async (_state, real) => {
  const taken = real.looks.shift();
  if (taken === undefined) return;
  const { view, snapshot, expected } = taken;
  await checkView(view, expected);
  const store = new TestBlockStore();
  const copyIndex = async ({ file }: { file: string }) => real.indexes.files.has(file);
  const tools = { storeId: 'test', clock: systemClock, signal: neverAborted, copyIndex };
  await snapshot.write(store, { ...tools, onProgress: () => {} });
  view.release();
  const copy = await openHolder(store, { ...real.options, indexes: real.indexes.clone() });
  expect(await contents(copy)).toEqual(expected);
});

const read = new Step<IndexedReal>('read', async (state, { holder }) => {
  const view = holder.view();
  await checkView(view, state.points);
  view.release();
});

/** A view shows these points, whichever way it is asked. */
async function checkView(view: View, points: Model): Promise<void> {
  const pace = new Pace(systemClock);
  const seen: Model = new Map();
  await view.scan(pace, ({ slab, payloads }, row, id) => {
    expect(seen.has(id)).toBe(false);
    seen.set(id, { vector: [...slab.at(row)], payload: payloads.read(row) });
  });
  expect(seen).toEqual(points);
  const settled = { limit: 3, ef: 100, fullScanThresholdKb: 0, distance } as const;
  for (const filter of [undefined, ...VALUES.map((value) => where('value', value))]) {
    const [wanted] = filter?.must ?? [];
    const value = wanted && 'match' in wanted && 'value' in wanted.match && wanted.match.value;
    const passing = [...points].filter(([, { payload }]) => !wanted || payload.value === value);
    expect(await count(view, filter, pace)).toBe(passing.length);
    const scores = passing.map(([, { vector }]) => 2 * (vector[0] ?? 0)).sort((a, b) => b - a);
    for (const exact of [false, true]) {
      const options = { ...settled, exact, filter };
      const found = await search(view, Float32Array.of(1, -1), options, pace);
      expect(found.map(({ score }) => score)).toEqual(scores.slice(0, 3));
      for (const { id, score, payload } of found) {
        expect({ score: score / 2, payload }).toEqual({
          score: points.get(id)?.vector[0],
          payload: points.get(id)?.payload,
        });
      }
    }
  }
}

function payloadIndex(isThere: boolean) {
  return new Step(`payload index ${isThere}`, (_state, { writer }) => {
    const key = 'value';
    if (isThere) writer.apply({ kind: 'createPayloadIndex', key, type: 'integer' });
    else writer.apply({ kind: 'deletePayloadIndex', key });
  });
}

/** Stamps rows and adds others, and is undone for its last point. */
const declined = new Step('declined', (state, { writer }) => {
  const ids = [...state.points.keys(), 'missing'];
  const vectors = new Float32Array(2 * ids.length);
  expect(() => writer.apply({ kind: 'updateVectors', ids, vectors })).toThrow('no point');
});

const crash = new Step<IndexedReal>('crash', async (state, real) => {
  real.looks.length = 0;
  await model.crash.job(state, real);
  checkFiles(real);
});

/** There are the files that the manifest names. */
function checkFiles({ store, indexes }: IndexedReal): void {
  const named = store.disk.manifest?.segments.flatMap(({ index }) => index?.file ?? []);
  expect([...indexes.files.keys()].sort()).toEqual(named?.sort());
}

const write = fc.oneof(
  pointIds.map(model.upsert),
  pointIds.map(model.remove),
  fc.nat(2).map(model.removeWhere),
  fc.integer({ min: 1, max: 4 }).map(add),
);
const often = <T>(times: number, arbitrary: fc.Arbitrary<T>) =>
  Array.from({ length: times }, () => arbitrary);

const commands = fc.commands<model.State, IndexedReal, false>(
  [
    ...model.steps,
    ...often(2, fc.array(model.advances, { minLength: 1, maxLength: 3 }).map(model.flushBeside)),
    ...often(6, fc.integer({ min: 2, max: 5 }).map(add)),
    ...often(7, fc.nat(3).map(beginInPlace)),
    ...often(14, model.advances),
    ...often(2, fc.array(write, { maxLength: 3 }).map(meanwhile)),
    fc.constant(failBuild),
    fc.constant(clear),
    ...often(2, fc.constant(look)),
    ...often(2, fc.constant(readLook)),
    fc.constant(read),
    fc.boolean().map(payloadIndex),
    fc.constant(declined),
    fc.constant(crash),
  ],
  { maxCommands: 120, size: 'max' },
);

/** Swaps that gave an index in place, and those of them beside which something was under way. */
class Seen {
  swaps = 0;
  afterDeletes = 0;
  besideFlush = 0;
  besideReader = 0;
  withPayloadIndex = 0;
  /** Too few points were left for an index. */
  withoutIndex = 0;

  swapped(run: Optimization, { holder, capture, looks }: IndexedReal): void {
    if (!(run instanceof IndexInPlace)) return;
    const successor = holder.segments().find(({ id }) => run.output.includes(id));
    if (!successor?.indexed) {
      this.withoutIndex += 1;
      return;
    }
    this.swaps += 1;
    if (successor.deleted > 0) this.afterDeletes += 1;
    if (capture !== undefined) this.besideFlush += 1;
    if (looks.length > 0) this.besideReader += 1;
    if (holder.schema.size > 0) this.withPayloadIndex += 1;
  }
}

it('any mix with indexes given in place equals the model', { timeout: 2 * LIMIT_MS }, async () => {
  const seen = new Seen();
  await fc.assert(
    fc.asyncProperty(commands, async (steps) => {
      const indexes = new FakeIndexes();
      const started = await model.start({ configuration, indexes, distance });
      const real: IndexedReal = {
        ...started.real,
        indexes,
        looks: [],
        meanwhile: [],
        failsBuild: false,
      };
      const state = started.model;
      real.onSwap = (run) => seen.swapped(run, real);
      real.onCopy = () => {
        const steps = real.meanwhile;
        real.meanwhile = [];
        for (const step of steps) step.job(state, real);
      };
      indexes.onBuild = () => {
        real.onCopy();
        const { failsBuild } = real;
        real.failsBuild = false;
        if (failsBuild) throw new SluiceError('SLUICE_THREAD', 'the build failed');
        const build = indexes.builds.at(-1);
        build?.onProgress(1);
        build?.signal.throwIfAborted();
      };
      await fc.asyncModelRun(() => ({ model: state, real }), steps);
      await model.settle(real, { ...real.options, indexes: indexes.clone() });
      checkFiles(real);
    }),
    { seed: SEED, numRuns: RUNS, interruptAfterTimeLimit: LIMIT_MS, markInterruptAsFailure: true },
  );
  // Otherwise the runs have met nothing of note.
  expect(seen.swaps).toBeGreaterThan(RUNS / 5);
  expect(Math.min(...Object.values(seen))).toBeGreaterThan(0);
});
