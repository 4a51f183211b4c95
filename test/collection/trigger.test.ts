// Optimizers that wait for a trigger: by option, or because they have killed the process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type OptimizerOptions, verifyStore } from 'sluice';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type BuildThread, copyGate } from '../support/copy-gate.js';
import { until } from '../support/points.js';
import { fillSegments, ONE_UPSERT_A_SEGMENT, sizesOf } from '../support/segments.js';
import { newStore, STORES, type Store } from '../support/stores.js';

vi.mock('#sluice/services/optimizers/build-thread.js', async (original) => {
  const { copyGate } = await import('../support/copy-gate.js');
  return copyGate.around(await original<BuildThread>());
});

beforeEach(() => copyGate.reset());

/** With these the five segments of `fillSegments` become one. */
const MERGE: Partial<OptimizerOptions> = {
  defaultSegmentNumber: 1,
  maxSegmentSizeKb: 100_000,
  maxOptimizationThreads: null,
};

const CHILD = join(import.meta.dirname, '../support/crash-loop-child.mjs');

/** Runs a process that opens the collection; tells how it ended and what it said. */
async function run(path: string): Promise<{ signal: string | null; said: string }> {
  const child = spawn(process.execPath, [CHILD, path, JSON.stringify(MERGE)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const [, signal] = await once(child, 'close');
  return { signal, said };
}

async function makeWork(store: Store): Promise<void> {
  const collection = await store.open({ dimensions: 256, optimizers: ONE_UPSERT_A_SEGMENT });
  await fillSegments(collection, [40, 40, 40, 40, 40]);
  await collection.close();
}

/** What a process leaves that dies while it merges. */
async function dieMerging(store: Store): Promise<Store> {
  copyGate.close();
  await store.open({ optimizers: MERGE });
  await copyGate.reached();
  const left = await store.afterKill();
  await store.dispose();
  copyGate.open();
  return left;
}

describe('a process that is killed in the middle of an optimization', () => {
  it('three times: the next one waits, grey, and goes on when triggered', {
    timeout: 60_000,
  }, async () => {
    const store = newStore();
    const path = String(store.target);
    await makeWork(store);
    for (let death = 1; death <= 3; death += 1) {
      expect(await run(path)).toEqual({ signal: 'SIGKILL', said: '' });
    }
    expect((await verifyStore(path)).problems).toEqual([]);
    // None of the dead has lived to store the options that it was given.
    const collection = await store.open({ optimizers: MERGE });
    const why = 'the process died 3 times in a row while it was optimizing';
    const grey = {
      color: 'grey',
      reasons: [
        { reason: 'waitingForTrigger', why },
        { reason: 'planned', optimizer: 'merge' },
      ],
      errors: [],
    };
    expect(collection.status()).toMatchObject(grey);
    const written = await collection.upsert([{ id: 0, vector: new Float32Array(256) }], {
      wait: 'optimized',
    });
    expect(written).toMatchObject({ optimized: false, reason: 'waitingForTrigger' });
    await collection.flush();
    expect(collection.status()).toMatchObject(grey);
    expect(await collection.count()).toBe(200);
    collection.trigger();
    await until(() => collection.status().color === 'green');
    expect(sizesOf(collection)).toEqual([200]);
    await collection.close();
    const { ok, checked } = await verifyStore(path);
    // The count is gone as well: there are blocks, the manifest and the log's own record.
    expect([ok, checked.values]).toEqual([true, checked.blocks + 2]);
    const again = await store.open();
    expect(again.status().color).toBe('green');
  });
});

describe.each(STORES)('on $kind', ({ create }) => {
  it("optimizersStart: 'onTrigger' waits for trigger, or for optimize", async () => {
    const store = newStore(create);
    await makeWork(store);
    const optimizersStart = 'onTrigger';
    const first = await store.open({ optimizers: MERGE, optimizersStart });
    expect(first.status()).toMatchObject({
      color: 'grey',
      reasons: [{ reason: 'waitingForTrigger', why: expect.any(String) }, { reason: 'planned' }],
    });
    await first.configure({ optimizers: { vacuumMinVectorNumber: 10 } });
    expect(first.status().color).toBe('grey');
    expect(first.telemetry().optimizations.triggered).toBe(false);
    await first.close();
    // The option isn't stored, but the count of segments wanted is.
    const second = await store.open({ optimizersStart });
    expect(second.status().color).toBe('grey');
    expect(await second.optimize()).toMatchObject({ color: 'green' });
    expect(sizesOf(second)).toEqual([200]);
  });

  it('a store on which a process died three times', async () => {
    const store = newStore(create);
    await makeWork(store);
    let left = store;
    for (let death = 1; death <= 3; death += 1) left = await dieMerging(left);
    const collection = await left.open({ optimizers: MERGE });
    expect(collection.status().reasons[0]).toMatchObject({ reason: 'waitingForTrigger' });
    expect(await collection.optimize()).toMatchObject({ color: 'green' });
    const { merge } = collection.telemetry().optimizations.byOptimizer;
    expect(merge).toMatchObject({ done: 1, cancelled: 0, failed: 0 });
    expect(merge?.lastMs).toBe(merge?.totalMs);
  });

  it('a clean close ends the row of deaths', async () => {
    const store = newStore(create);
    await makeWork(store);
    let left = store;
    for (let life = 1; life <= 5; life += 1) {
      // Deaths 1 and 2, then 1, 2 and 3.
      if (life === 3) {
        copyGate.close();
        const collection = await left.open({ optimizers: MERGE });
        await copyGate.reached();
        await collection.close();
      }
      left = await dieMerging(left);
    }
    const collection = await left.open({ optimizers: MERGE });
    expect(collection.status().reasons[0]).toMatchObject({
      why: 'the process died 3 times in a row while it was optimizing',
    });
  });

  it('optimize given up ends at once, and the optimization goes on', async () => {
    const store = newStore(create);
    await makeWork(store);
    copyGate.close();
    const collection = await store.open({ optimizers: MERGE, optimizersStart: 'onTrigger' });
    const controller = new AbortController();
    const { signal } = controller;
    const optimizing = collection.optimize({ signal });
    await copyGate.reached();
    controller.abort();
    await expect(optimizing).rejects.toMatchObject({ code: 'SLUICE_ABORTED' });
    expect(collection.status().color).toBe('yellow');
    copyGate.open();
    await until(() => collection.status().color === 'green');
    expect(sizesOf(collection)).toEqual([200]);
  });

  it('optimize ends when the collection is closed under it', async () => {
    const store = newStore(create);
    await makeWork(store);
    copyGate.close();
    const collection = await store.open({ optimizers: MERGE });
    const optimizing = collection.optimize();
    const ended = expect(optimizing).rejects.toMatchObject({ code: 'SLUICE_STOPPED' });
    await copyGate.reached();
    await collection.close();
    await ended;
  });
});
