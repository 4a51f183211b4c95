// Blocks and the manifest against sets: what a commit names is there, what it drops is gone.
import fc from 'fast-check';
import { MemoryLevel } from 'memory-level';
import { expect, test } from 'vitest';
import type { BlockRef } from '#sluice/services/level/block-session.js';
import { isBlockKey } from '#sluice/services/level/keys.js';
import { SegmentStore } from '#sluice/services/level/segment-store.js';
import { numberFromEnvironment } from '../support/random.js';

const SEED = numberFromEnvironment('STORE_SEED', 1);
const RUNS = numberFromEnvironment('STORE_RUNS', 40);
const storeId = 'a'.repeat(32);
/** Small, so that some blocks are in the same batch and others aren't. */
const BATCH_BYTES = 100;

/** What is in the store, said with sets of keys. */
class Model {
  /** Named by the last commit. */
  named = new Set<string>();
  /** Written, and no commit has named or dropped them. */
  fresh = new Set<string>();
  /** Dropped, and kept by a pin until the commit after its end. */
  readonly pins: Set<string>[] = [];
  /** Every block that a commit could have left; others must have gone with it. */
  dropped = new Set<string>();
  /** Perhaps there, perhaps not: what a failed writing or the last session left. */
  isClean = true;
  readonly refs = new Map<string, BlockRef>();
  readonly seen = new Set<string>();
  body: number | undefined;
  commits = 0;

  get pinned(): Set<string> {
    return new Set(this.pins.flatMap((pin) => [...pin]));
  }

  /** Blocks that must be there. */
  get needed(): Set<string> {
    const pinned = [...this.dropped].filter((key) => this.pinned.has(key));
    return new Set([...this.named, ...this.fresh, ...pinned]);
  }
}

class Real {
  readonly db = new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' });
  readonly store = new SegmentStore<number>(this.db, { batchBytes: BATCH_BYTES });
  readonly releases: (() => void)[] = [];

  async blocks(): Promise<string[]> {
    return (await this.db.keys().all()).filter(isBlockKey);
  }
}

type Step = fc.AsyncCommand<Model, Real, false>;

const { signal } = new AbortController();
/** What a block must hold: its size says which one it is. */
const contentOf = (bytes: number) => new Uint8Array(bytes).fill(bytes);

function step(
  name: string,
  check: (model: Model) => boolean,
  run: (model: Model, real: Real) => Promise<void>,
): Step {
  return {
    check,
    toString: () => name,
    async run(model, real) {
      await run(model, real);
      const stored = await real.blocks();
      const { needed } = model;
      if (model.isClean) expect(new Set(stored)).toEqual(needed);
      else expect(stored).toEqual(expect.arrayContaining([...needed]));
      for (const key of needed) {
        const ref = model.refs.get(key) as BlockRef;
        expect(await real.store.readBlock(ref)).toEqual(contentOf(ref.bytes));
      }
    },
  };
}

const some = (keys: Iterable<string>, picks: readonly boolean[]) =>
  [...keys].filter((_, at) => picks[at % picks.length] ?? false);

const put = (sizes: number[]) =>
  step(
    `put(${sizes})`,
    () => true,
    async (model, { store }) => {
      const refs = await store.putBlocks(sizes.map(contentOf), signal);
      expect(refs.map(({ bytes }) => bytes)).toEqual(sizes);
      for (const ref of refs) {
        // A key that came again would be another block's.
        expect(model.seen).not.toContain(ref.key);
        model.seen.add(ref.key);
        model.refs.set(ref.key, ref);
        model.fresh.add(ref.key);
      }
    },
  );

const failToPut = (sizes: number[]) =>
  step(
    `failToPut(${sizes})`,
    () => true,
    async (model, { store }) => {
      function* payloads() {
        yield* sizes.map(contentOf);
        throw new Error('no more');
      }
      await expect(store.putBlocks(payloads(), signal)).rejects.toThrow('no more');
      model.isClean = false;
    },
  );

const commit = (picks: boolean[], isAll: boolean) =>
  step(
    `commit(${picks}, ${isAll})`,
    () => true,
    async (model, { store }) => {
      const candidates = [...model.named, ...model.fresh];
      const live = isAll ? candidates : some(candidates, picks);
      model.commits += 1;
      await store.commit(model.commits, live);
      for (const key of model.named) if (!live.includes(key)) model.dropped.add(key);
      const { pinned } = model;
      model.dropped = new Set([...model.dropped].filter((key) => pinned.has(key)));
      for (const key of live) model.fresh.delete(key);
      model.named = new Set(live);
      model.body = model.commits;
      model.isClean = true;
    },
  );

const giveUp = (picks: boolean[], isNow: boolean) =>
  step(
    `${isNow ? 'delete' : 'discard'}(${picks})`,
    ({ fresh }) => fresh.size > 0,
    async (model, { store }) => {
      const keys = some(model.fresh, picks);
      if (isNow) await store.deleteBlocks(keys);
      else store.discard(keys);
      for (const key of keys) {
        model.fresh.delete(key);
        if (model.pinned.has(key)) model.dropped.add(key);
      }
      // What is discarded goes with the next commit.
      if (!isNow && keys.length > 0) model.isClean = false;
    },
  );

const pin = (picks: boolean[]) =>
  step(
    `pin(${picks})`,
    ({ named }) => named.size > 0,
    async (model, real) => {
      const keys = some(model.named, picks);
      real.releases.push(real.store.pin(keys));
      model.pins.push(new Set(keys));
    },
  );

const unpin = () =>
  step(
    'unpin',
    ({ pins }) => pins.length > 0,
    async (model, real) => {
      model.pins.shift();
      real.releases.shift()?.();
      model.isClean = false;
    },
  );

const reopen = () =>
  step(
    'reopen',
    () => true,
    async (model, real) => {
      await real.store.close();
      const before = await sorted(real);
      expect(await real.store.open({ storeId })).toBe(model.body);
      expect(await sorted(real), 'opening writes nothing').toEqual(before);
      model.fresh = new Set();
      model.dropped = new Set();
      model.pins.length = 0;
      real.releases.length = 0;
      model.isClean = false;
    },
  );

async function sorted({ db }: Real): Promise<[string, Uint8Array][]> {
  await db.open();
  return db.iterator().all();
}

const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 6 });
const picks = fc.array(fc.boolean(), { minLength: 1, maxLength: 5 });
const steps = fc.commands(
  [
    sizes.map(put),
    sizes.map(failToPut),
    fc.tuple(picks, fc.boolean()).map(([list, isAll]) => commit(list, isAll)),
    fc.tuple(picks, fc.boolean()).map(([list, isNow]) => giveUp(list, isNow)),
    picks.map(pin),
    fc.constant(null).map(unpin),
    fc.constant(null).map(reopen),
  ],
  { maxCommands: 40, size: 'max' },
);

test('blocks come and go as commits, pins and reopenings say', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (commands) => {
      const model = new Model();
      const real = new Real();
      await real.store.open({ storeId });
      await fc.asyncModelRun(() => ({ model, real }), [...commands, commit([true], true)]);
      await real.store.close();
    }),
    { seed: SEED, numRuns: RUNS },
  );
});
