// Clock tags of operations on their way: kept until they are applied, whatever their callers wait for.
import { expect, test } from 'vitest';
import { ClockMap } from '#sluice/services/clocks.js';
import { SubmittedClocks } from '#sluice/services/submitted-clocks.js';

/** Operations that are applied at once, in the order of their submission. */
class Applied {
  applied = 0;
  readonly #clocks = new ClockMap();

  get clocks() {
    return this.#clocks.toJSON();
  }

  apply(tick: number): number {
    this.#clocks.advance({ peerId: 1, clockId: 1, tick });
    this.applied += 1;
    return this.applied;
  }
}

test('one whose caller waits on and on does not make all that follow be kept', async () => {
  const store = new Applied();
  const submitted = new SubmittedClocks(() => store);
  const tag = (tick: number) => ({ peerId: 1, clockId: 1, tick });
  store.apply(1);
  const waiting = submitted.submit(tag(1), () => new Promise(() => {}));
  for (let tick = 2; tick < 3000; tick += 1) {
    const opNum = store.apply(tick);
    await submitted.submit(tag(tick + 1), async () => ({ opNum, status: 'acknowledged' }));
  }
  expect(submitted.inFlight).toBeLessThan(1000);
  expect(await submitted.submit(tag(2999), async () => ({ status: 'completed' }))).toEqual({
    status: 'clockRejected',
  });
  void waiting;
});

test('those that are not applied yet are kept and count', async () => {
  const store = new Applied();
  const submitted = new SubmittedClocks(() => store);
  const tag = (clockId: number) => ({ peerId: 1, clockId, tick: 1, token: clockId });
  for (let clockId = 1; clockId < 1000; clockId += 1) {
    await submitted.submit(tag(clockId), async () => ({ opNum: clockId, status: 'acknowledged' }));
  }
  expect(submitted.inFlight).toBe(999);
  const failed = submitted.submit(tag(5000), () => Promise.reject(new Error('no room')));
  await expect(failed).rejects.toThrow('no room');
  const overtaken = { ...tag(7), token: 1 };
  const result = await submitted.submit(overtaken, async () => ({ status: 'completed' }));
  expect(result).toEqual({ status: 'clockRejected' });
});
