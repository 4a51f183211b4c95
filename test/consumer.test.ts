import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MemoryLevel } from 'memory-level';
import { memoryWal, openCollection } from 'sluice';
import { expect, test } from 'vitest';
import { createActor, createMachine } from 'xstate';
import { check, useCollection, useCore, useSegmentStore } from './consumer/consumer.js';
import { showBriefly } from './consumer/inspect.js';
import { measureBriefly } from './consumer/metrics.js';
import { recordStore, simulateSeed, testMachine } from './consumer/testing.js';
import { temporaryDirectory } from './support/temporary.js';

const root = fileURLToPath(new URL('..', import.meta.url));

test('a program that names the public types is accepted with the strictest options', async () => {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const project = join(root, 'test/consumer/tsconfig.json');
  const run = promisify(execFile)(process.execPath, [compiler, '-p', project]);
  // What the compiler has to say is on stdout, and becomes the failure's text.
  const said = await run.then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => error.stdout ?? String(error),
  );
  expect(said).toBe('');
});

test('it runs: what a collection tells of itself is what its types say', async () => {
  const [wal, segments] = [memoryLevel(), memoryLevel()];
  const { info, configuration, status, telemetry, io, merges, optimizations } = await useCollection(
    wal,
    segments,
  );
  expect(info).toEqual({
    dimensions: 2,
    distance: 'dot',
    points: 2,
    segments: [expect.objectContaining({ points: 2, frozen: false })],
    wal: { acked: expect.any(Number), applied: 2, last: 2 },
    payloadIndexes: { year: 'integer' },
    configuration,
  });
  expect(configuration.optimizers.deletedThreshold).toBe(0.5);
  expect(configuration.flushIntervalMs).toBe(5000);
  expect(status.color).toBe('green');
  expect(io).toEqual({ total: 1, used: 0, waiting: 0 });
  const none = { minMs: null, maxMs: null, lastMs: null };
  expect(merges).toEqual({ done: 0, cancelled: 0, failed: 0, totalMs: 0, ...none });
  expect(telemetry).toEqual({
    ...{ state: 'running', status, segments: info.segments },
    operations: { applied: 2, declined: 0, retries: 0 },
    recovery: { loaded: 0, toLoad: 0, replayed: 0, toReplay: 0 },
    log: expect.objectContaining({ applied: 2, last: 2 }),
    queue: {
      ...{ entries: 0, bytes: 0, walBytes: expect.any(Number), waiting: 0, waitingBytes: 0 },
      ...{ windowBytes: 0, windowBytesPeak: expect.any(Number) },
    },
    flush: expect.objectContaining({ failures: 0, committed: 2 }),
    // It waits for a trigger, which `optimize` was.
    optimizations: {
      ...{ running: 0, points: 0, triggered: true, awaited: 0, error: null, log: [] },
      byOptimizer: expect.objectContaining({ merge: merges }),
    },
    budgets: { io, cpu: io },
  });
  expect(optimizations).toEqual({
    ...{ running: [], queued: [], completed: [] },
    idle: info.segments,
  });
});

test('it runs: the core on an engine of its own', async () => {
  const { total, results } = await useCore();
  expect(total).toBe(7);
  expect(results.map(({ opNum }) => opNum)).toEqual([1, 2, 1]);
});

test('it runs: blocks and their manifest', async () => {
  expect(await useSegmentStore()).toEqual([1, 2]);
});

test('it runs: a path that is no store has a code', async () => {
  expect(await check(await temporaryDirectory())).toBe('SLUICE_NOT_FOUND');
});

function memoryLevel() {
  return new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' });
}

test('it runs: the tests of a machine of its own', async () => {
  const names = await testMachine();
  expect(names).toContain('lamp: no state is a dead end');
  expect(names.some((name) => /^lamp: 1\. off → Press → on → after patience/.test(name))).toBe(
    true,
  );
});

test('it runs: the ports of a store, written down', async () => {
  const segments = {
    open: async () => ({ applied: 0 }),
    apply: () => 1,
    segments: () => [],
    ensureCapacity: () => {},
    dirtyBytes: () => 0,
    capture: () => ({
      changed: false,
      writeBlocks: async () => {},
      commit: async () => {},
      release: () => {},
    }),
    close: async () => {},
  };
  expect(await recordStore({ wal: memoryWal(), segments })).toEqual(['wal.open']);
});

test('it runs: a seed of the simulation', async () => {
  expect(await simulateSeed(1)).toBeUndefined();
});

test('it runs: a store that is measured, by a meter that does nothing', async () => {
  await using films = await openCollection(
    { wal: memoryLevel(), segments: memoryLevel() },
    { dimensions: 2 },
  );
  expect(await measureBriefly(films)).toEqual(['flush', 'answer acknowledged']);
});

test('it runs: a page that shows a machine of its own', async () => {
  const { url, seen } = await showBriefly(createActor(createMachine({ id: 'lamp' })));
  expect(url).toMatch(/^http:/);
  expect(seen).toEqual(['start', 'chart', 'actor', 'state']);
});
