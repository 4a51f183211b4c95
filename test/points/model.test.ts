import fc from 'fast-check';
import type { Payload, PointId } from 'sluice';
import { expect, it } from 'vitest';
import type { PointCapture } from '#sluice/services/points/capture.js';
import type { PointHolder } from '#sluice/services/points/holder.js';
import type { Rebuild } from '#sluice/services/points/rebuild.js';
import { TestBlockStore } from './support/block-store.js';
import { contents, context, neverAborted, openHolder, Writer } from './support/harness.js';

/** A point is a vector and a payload; that is all the model knows. */
type Model = Map<PointId, { vector: number[]; payload: Payload }>;

interface Real {
  store: TestBlockStore;
  holder: PointHolder;
  writer: Writer;
  runs: { run: Rebuild; isCopied: boolean }[];
  capture: { capture: PointCapture; isWritten: boolean; expected: Model } | undefined;
  /** What a crash now would leave. */
  committed: Model;
  ids: Set<number>;
}

interface State {
  points: Model;
  value: number;
}

class Step implements fc.AsyncCommand<State, Real> {
  constructor(
    readonly name: string,
    readonly job: (state: State, real: Real) => unknown,
  ) {}

  check = () => true;

  async run(state: State, real: Real): Promise<void> {
    await this.job(state, real);
    expect(await contents(real.holder)).toEqual(new Map([...state.points]));
    expect(real.holder.segments().some((segment) => segment.appendable)).toBe(true);
  }

  toString = () => this.name;
}

const pointId: fc.Arbitrary<PointId> = fc.oneof(fc.nat(7), fc.constantFrom('0', '1'));
const pointIds = fc.uniqueArray(pointId, { maxLength: 4 });
const place = fc.nat(3);

function upsert(ids: PointId[]) {
  return new Step(`upsert ${ids}`, (state, { writer }) => {
    state.value += 1;
    const { value } = state;
    for (const id of ids) {
      state.points.set(id, { vector: [value, -value], payload: { value: value % 3 } });
    }
    const vectors = Float32Array.from(ids.flatMap(() => [value, -value]));
    const payloads = ids.map(() => ({ value: value % 3 }));
    expect(writer.apply({ kind: 'upsert', ids, vectors, payloads })).toBe(ids.length);
  });
}

function remove(ids: PointId[]) {
  return new Step(`delete ${ids}`, (state, { writer }) => {
    const found = ids.filter((id) => state.points.delete(id));
    expect(writer.delete(ids)).toBe(found.length);
  });
}

function removeWhere(value: number) {
  return new Step(`delete where ${value}`, (state, { writer }) => {
    const found = [...state.points].filter(([, point]) => point.payload.value === value);
    for (const [id] of found) state.points.delete(id);
    const filter = { must: [{ key: 'value', match: { value } }] };
    expect(writer.apply({ kind: 'delete', selector: { filter } })).toBe(found.length);
  });
}

function setPayload(ids: PointId[], note: number) {
  return new Step(`set ${ids} to ${note}`, (state, { writer }) => {
    const isDeclined = ids.some((id) => !state.points.has(id));
    const set = () => writer.apply({ kind: 'setPayload', payload: { note }, selector: ids });
    if (isDeclined) {
      expect(set).toThrow('no point');
      return;
    }
    expect(set()).toBe(ids.length);
    for (const id of ids) {
      const point = state.points.get(id);
      if (point) state.points.set(id, { ...point, payload: { ...point.payload, note } });
    }
  });
}

const ensureCapacity = new Step('ensureCapacity', (_state, { holder, ids }) => {
  holder.ensureCapacity();
  for (const { id } of holder.segments()) ids.add(id);
});

function begin(picks: boolean[]) {
  return new Step(`begin ${picks}`, (_state, { holder, runs }) => {
    const ids = holder.segments().flatMap(({ id }, index) => (picks[index] ? [id] : []));
    const run = holder.beginRebuild(ids);
    if (run !== undefined) runs.push({ run, isCopied: false });
  });
}

function copy(at: number) {
  return new Step(`copy ${at}`, async (_state, { runs }) => {
    const entry = runs[at];
    if (entry === undefined || entry.isCopied) return;
    entry.isCopied = true;
    await entry.run.copy(context);
  });
}

function swap(at: number) {
  return new Step(`swap ${at}`, async (_state, { runs, holder, ids }) => {
    const entry = runs[at];
    if (!entry?.isCopied) return;
    runs.splice(at, 1);
    await entry.run.catchUp(context);
    const before = new Set(holder.segments().map(({ id }) => id));
    entry.run.swap();
    for (const { id } of holder.segments()) {
      if (!before.has(id)) expect(ids.has(id)).toBe(false);
      ids.add(id);
    }
  });
}

function rollback(at: number) {
  return new Step(`rollback ${at}`, async (_state, { runs }) => {
    const [entry] = runs.splice(at, 1);
    entry?.run.rollback();
    await entry?.run.discard();
  });
}

const capture = new Step('capture', (state, real) => {
  if (real.capture !== undefined) return;
  real.capture = {
    capture: real.holder.capture(real.holder.applied),
    isWritten: false,
    expected: new Map(state.points),
  };
});

const writeBlocks = new Step('writeBlocks', async (_state, real) => {
  if (real.capture === undefined || real.capture.isWritten) return;
  real.capture.isWritten = true;
  await real.capture.capture.writeBlocks(neverAborted);
});

function endCapture(isCommitted: boolean) {
  return new Step(isCommitted ? 'commit' : 'release', async (_state, real) => {
    if (real.capture === undefined || (isCommitted && !real.capture.isWritten)) return;
    const { capture, expected } = real.capture;
    real.capture = undefined;
    if (isCommitted) {
      await capture.commit();
      real.committed = expected;
    }
    capture.release();
  });
}

/** The process dies and another one opens what is on disk. */
const crash = new Step('crash', async (state, real) => {
  const store = new TestBlockStore(real.store.disk);
  const holder = await openHolder(store);
  // Segments that no commit has named never were: their ids may be given again.
  const ids = new Set(holder.segments().map(({ id }) => id));
  const writer = new Writer(holder);
  Object.assign(real, { store, holder, writer, runs: [], capture: undefined, ids });
  state.points = new Map(real.committed);
});

const commands = fc.commands(
  [
    pointIds.map(upsert),
    pointIds.map(upsert),
    pointIds.map(remove),
    fc.nat(2).map(removeWhere),
    fc.tuple(pointIds, fc.nat(5)).map(([ids, note]) => setPayload(ids, note)),
    fc.constant(ensureCapacity),
    fc.array(fc.boolean(), { maxLength: 6 }).map(begin),
    fc.array(fc.boolean(), { maxLength: 6 }).map(begin),
    place.map(copy),
    place.map(copy),
    place.map(swap),
    place.map(swap),
    place.map(rollback),
    fc.constant(capture),
    fc.constant(writeBlocks),
    fc.boolean().map(endCapture),
    fc.constant(endCapture(true)),
    fc.constant(crash),
  ],
  { maxCommands: 80, size: 'max' },
);

it('any mix of operations, optimizations, flushes and crashes equals the model', async () => {
  let swaps = 0;
  await fc.assert(
    fc.asyncProperty(commands, async (steps) => {
      const store = new TestBlockStore();
      const configuration = { optimizers: { maxSegmentSizeKb: 0.02 } };
      const holder = await openHolder(store, { configuration });
      const writer = new Writer(holder);
      const real: Real = {
        store,
        holder,
        writer,
        runs: [],
        capture: undefined,
        committed: new Map(),
        ids: new Set([0]),
      };
      await fc.asyncModelRun(() => ({ model: { points: new Map(), value: 0 }, real }), steps);
      swaps += String(steps).split('swap').length - 1;
      // Ending everything that is under way leaves no block that nobody names.
      for (const { run } of real.runs) {
        run.rollback();
        await run.discard();
      }
      real.capture?.capture.release();
      for (let round = 0; round < 2; round += 1) {
        const last = real.holder.capture(real.holder.applied);
        await last.writeBlocks(neverAborted);
        await last.commit();
        last.release();
      }
      const { disk } = real.store;
      expect([...disk.blocks.keys()].sort()).toEqual([...disk.liveKeys].sort());
      const again = await openHolder(new TestBlockStore(disk.copy()));
      expect(await contents(again)).toEqual(await contents(real.holder));
      expect(again.segments()).toEqual(real.holder.segments());
    }),
    { numRuns: 150 },
  );
  expect(swaps).toBeGreaterThan(50);
});
