// Steps that a holder and a map of points take together, and after which both must show the same.
import fc from 'fast-check';
import { type Payload, type PointId, SluiceError } from 'sluice';
import { expect } from 'vitest';
import type { PointCapture } from '#sluice/services/points/capture.js';
import type { PointHolder } from '#sluice/services/points/holder.js';
import type { PointHolderOptions } from '#sluice/services/points/holder-options.js';
import { IndexInPlace } from '#sluice/services/points/index-in-place.js';
import type { Optimization } from '#sluice/services/ports.js';
import { TestBlockStore } from './block-store.js';
import { contents, context, flush, neverAborted, openHolder, Writer } from './harness.js';

/** A point is a vector and a payload; that is all the model knows. */
export type Model = Map<PointId, { vector: number[]; payload: Payload }>;

interface Capture {
  capture: PointCapture;
  isWritten: boolean;
  /** False once a rewriting has swapped, the stamps of whose output are to be written. */
  isWhole: boolean;
  expected: Model;
}

export interface Real {
  readonly options: Partial<PointHolderOptions>;
  store: TestBlockStore;
  holder: PointHolder;
  writer: Writer;
  runs: { run: Optimization; next: 'copy' | 'index' | 'catchUp' | 'swap' }[];
  capture: Capture | undefined;
  /** What a crash now would leave. */
  committed: Model;
  ids: Set<number>;
  /** Called while a run copies. */
  onCopy: () => void;
  /** Told of each run that has swapped. */
  onSwap: (run: Optimization) => void;
}

export interface State {
  points: Model;
  value: number;
}

export class Step<R extends Real = Real> implements fc.AsyncCommand<State, R> {
  constructor(
    readonly name: string,
    readonly job: (state: State, real: R) => unknown,
  ) {}

  check = () => true;

  async run(state: State, real: R): Promise<void> {
    await this.job(state, real);
    expect(await contents(real.holder)).toEqual(new Map([...state.points]));
    expect(real.holder.segments().some((segment) => segment.appendable)).toBe(true);
  }

  toString = () => this.name;
}

const pointId: fc.Arbitrary<PointId> = fc.oneof(fc.nat(7), fc.constantFrom('0', '1'));
export const pointIds = fc.uniqueArray(pointId, { maxLength: 4 });
const place = fc.nat(3);

export function upsert(ids: PointId[]) {
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

export function remove(ids: PointId[]) {
  return new Step(`delete ${ids}`, (state, { writer }) => {
    const found = ids.filter((id) => state.points.delete(id));
    expect(writer.delete(ids)).toBe(found.length);
  });
}

export function removeWhere(value: number) {
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
    if (run !== undefined) runs.push({ run, next: 'copy' });
  });
}

/** The next phase of one of the runs. */
function advance(place: number) {
  return new Step(`advance ${place}`, async (_state, real) => {
    const at = place % real.runs.length;
    const entry = real.runs[at];
    if (entry === undefined) return;
    const { run, next } = entry;
    if (next === 'copy') {
      const copying = run.copy(context);
      real.onCopy();
      await copying;
      entry.next = run.cpus > 0 ? 'index' : 'catchUp';
    } else if (next === 'index') {
      entry.next = 'catchUp';
      await run.index(context).catch((error) => giveUp(real, at, error));
    } else if (next === 'catchUp') {
      await run.catchUp(context);
      entry.next = 'swap';
    } else {
      real.runs.splice(at, 1);
      swap(run, real);
    }
  });
}

/** As the optimization task does when a build has failed, which is the only phase that may. */
async function giveUp({ runs }: Real, at: number, error: unknown): Promise<void> {
  if (!(error instanceof SluiceError) || error.code !== 'SLUICE_THREAD') throw error;
  const [entry] = runs.splice(at, 1);
  entry?.run.rollback();
  await entry?.run.discard();
}

function swap(run: Optimization, { holder, ids, capture, onSwap }: Real): void {
  const before = new Set(holder.segments().map(({ id }) => id));
  run.swap();
  for (const { id } of holder.segments()) {
    if (!before.has(id)) expect(ids.has(id)).toBe(false);
    ids.add(id);
  }
  if (capture && !(run instanceof IndexInPlace)) capture.isWhole = false;
  onSwap(run);
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
    isWhole: true,
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
    const { capture, isWhole, expected } = real.capture;
    real.capture = undefined;
    if (isCommitted) {
      await capture.commit();
      real.committed = expected;
      const { applied } = real.holder;
      if (isWhole && applied === capture.applied) expect(real.holder.dirtyBytes()).toBe(0);
    }
    capture.release();
  });
}

/** All of a flush, or the rest of one, with other steps before its commit. */
export function flushBeside(steps: readonly Step[]) {
  return new Step(`flush beside [${steps}]`, async (state, real) => {
    for (const step of [capture, writeBlocks, ...steps, endCapture(true)]) {
      await step.job(state, real);
    }
  });
}

/** The process dies and another one opens what is on disk. */
export const crash = new Step('crash', async (state, real) => {
  const store = new TestBlockStore(real.store.disk);
  const holder = await openHolder(store, real.options);
  // Segments that no commit has named never were: their ids may be given again.
  const ids = new Set(holder.segments().map(({ id }) => id));
  const writer = new Writer(holder);
  Object.assign(real, { store, holder, writer, runs: [], capture: undefined, ids });
  state.points = new Map(real.committed);
});

export const advances = place.map(advance);

/** What goes on in a process. */
export const steps = [
  pointIds.map(upsert),
  pointIds.map(upsert),
  pointIds.map(remove),
  fc.nat(2).map(removeWhere),
  fc.tuple(pointIds, fc.nat(5)).map(([ids, note]) => setPayload(ids, note)),
  fc.constant(ensureCapacity),
  fc.array(fc.boolean(), { maxLength: 6 }).map(begin),
  fc.array(fc.boolean(), { maxLength: 6 }).map(begin),
  ...Array.from({ length: 5 }, () => advances),
  place.map(rollback),
  fc.constant(capture),
  fc.constant(writeBlocks),
  fc.boolean().map(endCapture),
  fc.constant(endCapture(true)),
  fc.array(advances, { maxLength: 2 }).map(flushBeside),
];

/** A new store and an empty model. */
export async function start(options: Partial<PointHolderOptions>) {
  const store = new TestBlockStore();
  const holder = await openHolder(store, options);
  const real: Real = {
    options,
    store,
    holder,
    writer: new Writer(holder),
    runs: [],
    capture: undefined,
    committed: new Map(),
    ids: new Set([0]),
    onCopy: () => {},
    onSwap: () => {},
  };
  return { model: { points: new Map(), value: 0 } satisfies State, real };
}

/**
 * Ends everything that is under way, which leaves no claim on the disk and no block that nobody
 * names, and opens what is on disk in another holder: it must be the same.
 */
export async function settle(real: Real, options: Partial<PointHolderOptions>): Promise<void> {
  const { runs, holder, store } = real;
  for (const { run } of runs) {
    run.rollback();
    await run.discard();
  }
  real.capture?.capture.release();
  expect(holder.diskUse().underway).toBe(0);
  for (let round = 0; round < 2; round += 1) await flush(holder);
  const { disk } = store;
  expect([...disk.blocks.keys()].sort()).toEqual([...disk.liveKeys].sort());
  const again = await openHolder(new TestBlockStore(disk.copy()), options);
  expect(await contents(again)).toEqual(await contents(holder));
  expect(again.segments()).toEqual(holder.segments());
}
