// No signal is ever lost: what is submitted is applied, and what is asked for is answered.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { numberFromEnvironment, Random } from '../support/random.js';
import { settle } from './support/stepped-clock.js';
import { errorOf } from './support/tiny-segments.js';
import { openTiny, type TinyStore } from './support/tiny-store.js';

/** Resolves as soon as the promise has, without moving time by more than a worker's delays. */
const patienceMs = 30_000;

describe('plunge in the same tick as submissions', () => {
  test('waits for all of them, round after round, whatever the applier is doing', async () => {
    const seed = numberFromEnvironment('SLUICE_SEED', 4711);
    const random = new Random(seed);
    const store = await openTiny({ settings: { updateQueueLengthMax: 8 } });
    let submitted = 0;
    for (let round = 0; round < 150; round += 1) {
      const count = random.between(0, 12);
      for (let at = 0; at < count; at += 1) void store.put(`key${at}`, submitted + at, false);
      submitted += count;
      const plunged = store.handler.plunge();
      if (random.chance(0.5)) await settle(random.between(0, 2));
      if (random.chance(0.3)) await store.clock.advance(random.between(0, 7));
      await store.run(plunged, patienceMs);
      expect(store.handler.telemetry().operations.applied, `seed ${seed}`).toBe(submitted);
      // The applier lingers for 50 ms: come back before, at and after its end.
      if (random.chance(0.7)) await store.clock.advance(random.between(0, 100));
    }
    await store.run(store.handler.stop());
  });

  test('is answered at any distance of microtasks from the end of the applier', async () => {
    const store = await openTiny();
    const calls: Record<string, () => Promise<unknown>> = {
      plunge: () => store.handler.plunge(),
      put: () => store.put('other'),
      trigger: async () => store.handler.trigger(),
    };
    for (const call of Object.values(calls)) {
      for (let distance = -12; distance <= 24; distance += 1) {
        await store.run(store.put('key', distance));
        // The applier lingers now; the next timer ends it.
        const asked = distance < 0 ? call() : undefined;
        for (let step = distance; step < 0; step += 1) await Promise.resolve();
        store.clock.fireNext();
        for (let step = 0; step < distance; step += 1) await Promise.resolve();
        // Whatever it takes happens now: the workers' other timers are seconds away.
        await store.run(asked ?? call(), 1000);
        await store.run(store.handler.plunge(), 1000);
      }
    }
    await store.run(store.handler.stop());
  });
});

type Step =
  | { kind: 'put'; wait: boolean }
  | { kind: 'plunge' }
  | { kind: 'trigger' }
  | { kind: 'flush' }
  | { kind: 'reconfigure' }
  | { kind: 'turns'; turns: number }
  | { kind: 'time'; ms: number }
  | { kind: 'hiccup'; place: 'apply' | 'commit' | 'compaction.copy' | 'ensureCapacity' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('put'), wait: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant<Step>({ kind: 'plunge' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'trigger' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'flush' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'reconfigure' }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('turns'), turns: fc.nat({ max: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('time'), ms: fc.nat({ max: 200 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('hiccup'),
      place: fc.constantFrom('apply', 'commit', 'compaction.copy', 'ensureCapacity'),
    }),
  },
) as fc.Arbitrary<Step>;

/** Runs the steps; gives the answers still to come, of which only flushes may fail. */
async function perform(store: TinyStore, steps: readonly Step[]) {
  const answers: Promise<unknown>[] = [];
  for (const [at, each] of steps.entries()) {
    if (each.kind === 'put') answers.push(store.put(`key${at % 6}`, at, each.wait));
    if (each.kind === 'plunge') answers.push(store.handler.plunge());
    if (each.kind === 'trigger') store.handler.trigger();
    if (each.kind === 'flush') answers.push(store.handler.flush().catch(() => 'failed'));
    if (each.kind === 'reconfigure') answers.push(store.handler.reconfigure({}));
    if (each.kind === 'turns') await settle(each.turns);
    if (each.kind === 'time') await store.clock.advance(each.ms);
    if (each.kind === 'hiccup') store.hooks.fail(each.place, errorOf('transient', 'hiccup'));
  }
  return answers;
}

test('any mixture of calls and hiccups: each call is answered, each operation applied once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const store = await openTiny({
        optimizers: [{}],
        settings: { updateQueueLengthMax: 5, maxOptimizationThreads: 2 },
      });
      const answers = await perform(store, steps);
      await store.run(Promise.all(answers), patienceMs);
      await store.run(store.handler.plunge(), patienceMs);
      const puts = steps.flatMap((each, at) => (each.kind === 'put' ? [[`key${at % 6}`, at]] : []));
      expect(store.content).toEqual(Object.fromEntries(puts));
      expect(store.handler.telemetry().operations.applied).toBe(puts.length);
      await store.clock.until(() => store.handler.status().color === 'green');
      await store.run(store.handler.stop());
      expect(store.clock.pending).toBe(0);
      const again = await openTiny({ disk: store.disk, log: store.log });
      expect(again.content).toEqual(store.content);
      await again.run(again.handler.stop());
    }),
    { numRuns: 30 },
  );
});
