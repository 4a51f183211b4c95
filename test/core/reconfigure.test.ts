// Changing the settings of a running store.
import { describe, expect, test } from 'vitest';
import { settle } from './support/stepped-clock.js';
import { errorOf } from './support/tiny-segments.js';
import { openTiny, TinyStore } from './support/tiny-store.js';

describe('reconfigure', () => {
  test('of several calls the last one wins, and each resolves when it is in force', async () => {
    const store = await openTiny();
    const order: string[] = [];
    const call = (name: string, flushIntervalMs: number) =>
      store.handler.reconfigure({ flushIntervalMs }, () => order.push(name));
    await store.run(Promise.all([call('a', 100), call('b', 200), call('c', 300)]));
    expect(order).toEqual(['a', 'b', 'c']);
    const rounds = store.handler.telemetry().flush.rounds;
    await store.clock.advance(900);
    expect(store.handler.telemetry().flush.rounds - rounds).toBe(3);
    await store.run(store.handler.stop());
  });

  test("settings that can't be told fail the call, and the store goes on with the old ones", async () => {
    let told = true;
    const settings = () => {
      if (told) return { flushIntervalMs: 1000, maxOptimizationThreads: null };
      throw new Error('nobody knows');
    };
    const store = await openTiny({ settings: { settings } });
    told = false;
    expect(await store.failure(store.handler.reconfigure({}))).toMatchObject({
      message: 'nobody knows',
    });
    told = true;
    expect(store.handler.state).toBe('running');
    expect(store.handler.status().errors.map(({ what }) => what)).toContain('reconfigure');
    await store.run(store.handler.reconfigure({}));
    await store.run(store.put('a', 1));
    expect(store.content).toEqual({ a: 1 });
    await store.run(store.handler.stop());
  });

  test('what another call has set is kept', async () => {
    const store = await openTiny({ optimizers: [{}] });
    await store.run(
      Promise.all([
        store.handler.reconfigure({ maxOptimizationThreads: 0 }),
        store.handler.reconfigure({ flushIntervalMs: 100 }),
      ]),
    );
    await store.fill(5);
    await store.clock.advance(1000);
    expect(store.hooks.count('compaction.begin')).toBe(0);
    expect(store.handler.telemetry().flush.rounds).toBeGreaterThanOrEqual(10);
    await store.run(store.handler.stop());
  });

  test('a running optimization is cancelled and rolled back, the log goes on, then it is tried anew', async () => {
    const store = await openTiny({ optimizers: [{}] });
    const gate = store.hooks.hold('compaction.copy');
    await store.fill(5);
    await store.clock.until(() => gate.arrived === 1);
    let frozenAtChange = -1;
    const change = store.handler.reconfigure({}, () => {
      frozenAtChange = store.segments.frozen;
    });
    const put = store.put('meanwhile', 1);
    await store.run(Promise.all([change, put]));
    expect(frozenAtChange).toBe(0);
    expect(store.handler.state).toBe('running');
    await store.clock.until(() => store.handler.status().color === 'green');
    const states = store.handler.optimizations().completed.map(({ status }) => status.state);
    expect(states).toEqual(['done', 'cancelled']);
    expect(store.content).toMatchObject({ key0: 0, key4: 4, meanwhile: 1 });
    await store.run(store.handler.stop());
  });

  test('operations are answered while the scheduler is still cancelling', async () => {
    const store = await openTiny({ optimizers: [{}] });
    const copying = store.hooks.hold('compaction.copy');
    const discarding = store.hooks.hold('compaction.discard');
    await store.fill(5);
    await store.clock.until(() => copying.arrived === 1);
    const change = store.handler.reconfigure({});
    await settle();
    expect(discarding.arrived).toBe(1);
    expect(store.handler.state).toBe('reconfiguring');
    expect(await store.run(store.put('a'), 1000)).toMatchObject({ status: 'completed' });
    await store.run(store.handler.flush(), 1000);
    discarding.open();
    await store.run(change);
    await store.run(store.handler.stop());
  });

  test('an optimization that is swapping finishes', async () => {
    const store = await openTiny({ optimizers: [{}] });
    const changes: Promise<void>[] = [];
    const { now } = store.hooks;
    store.hooks.now = (place, detail) => {
      if (place === 'compaction.swap') changes.push(store.handler.reconfigure({}));
      now.call(store.hooks, place, detail);
    };
    await store.fill(5);
    await store.clock.until(() => changes.length === 1);
    await store.run(Promise.all(changes));
    const states = store.handler.optimizations().completed.map(({ status }) => status.state);
    expect(states).toEqual(['done']);
    expect(store.hooks.count('compaction.rollback')).toBe(0);
    await store.run(store.handler.stop());
  });

  test('0 slots disable optimizations, shown grey; more slots start them again', async () => {
    const store = await openTiny({
      optimizers: [{}],
      settings: { maxOptimizationThreads: 0 },
    });
    await store.fill(5);
    await store.clock.advance(20_000);
    expect(store.hooks.count('compaction.begin')).toBe(0);
    expect(store.handler.status()).toMatchObject({
      color: 'grey',
      reasons: [{ reason: 'disabled' }, { reason: 'planned', optimizer: 'compaction' }],
    });
    await store.run(store.handler.reconfigure({ maxOptimizationThreads: null }));
    await store.clock.until(() => store.handler.status().color === 'green');
    expect(store.hooks.count('compaction.swap')).toBe(1);
    await store.run(store.handler.stop());
  });

  test('a change that throws rejects its own caller alone; the others come into force', async () => {
    const store = await openTiny();
    const done: string[] = [];
    const before = store.handler.reconfigure({}, () => done.push('before'));
    const change = store.handler.reconfigure({}, () => {
      throw errorOf('declined', 'not like this');
    });
    const after = store.handler.reconfigure({}, () => done.push('after'));
    expect(await store.failure(change)).toMatchObject({ message: 'not like this' });
    await store.run(Promise.all([before, after]));
    expect(done).toEqual(['before', 'after']);
    expect(store.handler.status().color).toBe('green');
    await store.run(store.handler.stop());
  });

  test('while recovering it comes into force as soon as the store runs', async () => {
    const first = await openTiny();
    await first.fill(3);
    const store = new TinyStore(first.crash());
    const gate = store.hooks.hold('wal.read');
    await store.clock.until(() => gate.arrived === 1);
    expect(store.handler.state).toBe('recovering');
    const states: string[] = [];
    const change = store.handler.reconfigure({ flushIntervalMs: 100 }, () => {
      states.push(store.handler.state);
    });
    await store.clock.advance(1000);
    expect(states).toEqual([]);
    gate.open();
    await store.run(change);
    expect(states).toEqual(['reconfiguring']);
    expect(store.content).toEqual(first.content);
    await store.run(store.handler.stop());
  });

  test('bad settings are refused with the name of the option', async () => {
    const store = await openTiny();
    expect(() => store.handler.reconfigure({ flushIntervalMs: 0 })).toThrow(
      expect.objectContaining({ code: 'SLUICE_BAD_OPTION' }),
    );
    await store.run(store.handler.stop());
  });

  test('while an operation fails for now and is retried it does not wait for that', async () => {
    const store = await openTiny({ optimizers: [{}] });
    store.hooks.fail('apply', errorOf('transient', 'not now'), 12);
    const put = store.put('busy', 1);
    await store.clock.advance(5000);
    expect(store.handler.status().reasons).toContainEqual(
      expect.objectContaining({ reason: 'error', what: 'apply' }),
    );
    const since = store.clock.now();
    await store.run(store.handler.reconfigure({ flushIntervalMs: 123 }));
    expect(store.clock.now() - since).toBeLessThan(10);
    expect(store.content).toEqual({});
    expect(await store.run(put)).toMatchObject({ status: 'completed' });
    await store.run(store.handler.stop());
  });

  test('with a log of operations still to be applied it does not wait for them either', async () => {
    const store = await openTiny();
    const yields: (() => void)[] = [];
    const { clock } = store;
    clock.yield = () => new Promise((resolve) => yields.push(resolve));
    // Every operation takes a whole slice of the applier's time.
    const { now } = store.hooks;
    const late = { ms: 0 };
    const { now: timeOf } = clock;
    clock.now = () => timeOf.call(clock) + late.ms;
    store.hooks.now = (place, detail) => {
      if (place === 'apply') late.ms += 20_000;
      now.call(store.hooks, place, detail);
    };
    const puts = [store.put('a'), store.put('b'), store.put('c')];
    await settle();
    await store.handler.reconfigure({ flushIntervalMs: 99 });
    expect(store.hooks.count('apply')).toBe(1);
    store.hooks.now = now;
    for (const resume of yields.splice(0)) resume();
    clock.yield = async () => {};
    await store.run(Promise.all(puts));
    await store.run(store.handler.stop());
  });

  test('asked for while stopping, or overtaken by a stop, it is refused and changes nothing', async () => {
    const store = await openTiny({ optimizers: [{}] });
    const gates = ['compaction.copy', 'compaction.discard'].map((place) => store.hooks.hold(place));
    await store.fill(5);
    await store.clock.until(() => gates[0]?.arrived === 1);
    const applied: string[] = [];
    const overtaken = store.handler.reconfigure({}, () => applied.push('overtaken'));
    await settle();
    expect(store.handler.state).toBe('reconfiguring');
    const stopped = store.handler.stop();
    expect(store.handler.state).toBe('stopping');
    const late = store.handler.reconfigure({}, () => applied.push('late'));
    const failures = await Promise.all([store.failure(overtaken), store.failure(late)]);
    const refused = { code: 'SLUICE_STOPPED' };
    expect(failures).toMatchObject([refused, refused]);
    gates[1]?.open();
    await store.run(stopped);
    expect(applied).toEqual([]);
    expect(store.segments.frozen).toBe(0);
  });
});
