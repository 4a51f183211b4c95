// A log that lives elsewhere, with other writers and numbers that skip.
import { plainCodec } from 'sluice';
import { describe, expect, test } from 'vitest';
import { Random } from '../support/random.js';
import { SharedLog } from './support/shared-log.js';
import { settle } from './support/stepped-clock.js';
import { errorOf, type TinyOperation } from './support/tiny-segments.js';
import { openTiny, TinyStore } from './support/tiny-store.js';

const { encode } = plainCodec<TinyOperation>();

describe('a log with other writers', () => {
  test('what others append is applied without being asked for', async () => {
    const shared = new SharedLog();
    const store = await openTiny({ log: shared.client() });
    shared.append(encode({ put: ['theirs', 1] }));
    shared.append(encode({ put: ['theirs', 2] }));
    await store.clock.until(() => store.content.theirs === 2);
    expect(store.handler.telemetry().log.applied).toBe(shared.last);
    await store.run(store.handler.stop());
  });

  test('our own appends are answered with their numbers, in the order of the log', async () => {
    const shared = new SharedLog();
    const store = await openTiny({ log: shared.client() });
    const gate = store.hooks.hold('wal.append');
    const mine = [store.put('a', 1), store.put('b', 2)];
    await settle();
    shared.append(encode({ put: ['a', 100] }));
    gate.open();
    const [first, second] = await store.run(Promise.all(mine));
    expect([first, second]).toEqual([
      { opNum: 3, status: 'completed', affected: 1 },
      { opNum: 6, status: 'completed', affected: 1 },
    ]);
    expect(store.calls('apply')).toEqual(['apply 1', 'apply 3', 'apply 6']);
    expect(store.content).toEqual({ a: 1, b: 2 });
    await store.run(store.handler.stop());
  });

  test('news of our own record before the append returns neither hangs nor loses its answer', async () => {
    const shared = new SharedLog();
    const store = await openTiny({ log: shared.client() });
    // The record is in the log and listeners have been told; the writer itself doesn't know yet.
    const gate = store.hooks.hold('wal.appended');
    const mine = store.put('mine', 1);
    await store.clock.advance(100);
    expect(gate.arrived).toBe(1);
    gate.open();
    expect(await store.run(mine)).toMatchObject({ status: 'completed', affected: 1 });
    expect(store.calls('apply')).toHaveLength(1);
    shared.append(encode({ put: ['theirs', 1] }));
    await store.clock.until(() => store.content.theirs === 1);
    await store.run(store.handler.stop());
  });

  test('recovers from the number that the segments hold, across gaps', async () => {
    const shared = new SharedLog();
    const first = await openTiny({ log: shared.client() });
    await first.fill(3);
    await first.run(first.handler.flush());
    for (let at = 0; at < 4; at += 1) shared.append(encode({ put: [`late${at}`, at] }));
    const second = await openTiny(first.crash());
    expect(second.calls('apply')).toHaveLength(4);
    expect(Object.keys(second.content)).toHaveLength(7);
    expect(second.handler.telemetry().log.applied).toBe(shared.last);
    await second.run(second.handler.stop());
  });

  test('nothing more is heard of after stop', async () => {
    const shared = new SharedLog();
    const store = await openTiny({ log: shared.client() });
    await store.run(store.handler.stop());
    shared.append(encode({ put: ['late', 1] }));
    await settle();
    expect(store.content).toEqual({});
    expect(store.clock.pending).toBe(0);
  });

  test('two stores on one log agree, whatever the interleaving', async () => {
    const random = new Random(20);
    for (let round = 0; round < 20; round += 1) {
      const shared = new SharedLog();
      const stores = [
        new TinyStore({ log: shared.client() }),
        new TinyStore({ log: shared.client() }),
      ];
      for (const store of stores) await store.run(store.handler.ready());
      const answers: Promise<unknown>[] = [];
      for (let at = 0; at < 20; at += 1) {
        const store = random.pick(stores);
        if (random.chance(0.1)) store.hooks.fail('apply', errorOf('transient'));
        answers.push(store.put(`key${random.between(0, 5)}`, at, random.chance(0.5)));
        if (random.chance(0.3)) await random.pick(stores).clock.advance(random.between(0, 20));
      }
      for (const store of stores) {
        await store.clock.until(() => store.handler.telemetry().log.applied === shared.last);
      }
      await Promise.all(answers);
      const [one, other] = stores.map(({ content }) => content);
      expect(one).toEqual(other);
      for (const store of stores) await store.run(store.handler.stop());
    }
  });
});
