// What OpenTelemetry is told of a store, as its own SDK collects it.
import type { Attributes } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { MemoryLevel } from 'memory-level';
import { openCollection, SluiceError } from 'sluice';
import { observeMetrics } from 'sluice/metrics';
import { expect, test } from 'vitest';
import { openTiny, type TinyStore, type TinyStoreOptions } from './core/support/tiny-store.js';

const sum = expect.any(Number);

/** A meter, and what has been measured with it. */
function metering() {
  const reader = new PeriodicExportingMetricReader({
    exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
    exportIntervalMillis: 2 ** 31 - 1,
  });
  const provider = new MeterProvider({ readers: [reader] });
  const collect = async () => {
    const { resourceMetrics, errors } = await reader.collect();
    expect(errors).toEqual([]);
    return resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
  };
  /** The data points of one instrument: attributes without their prefix, and the value. */
  const points = async (name: string) => {
    const metric = (await collect()).find(({ descriptor }) => descriptor.name === name);
    return (metric?.dataPoints ?? []).map(({ attributes, value }) => ({
      ...shortened(attributes),
      value,
    }));
  };
  /** How often something was measured, and seconds in all. */
  const durations = async (name: string) =>
    (await points(name)).map(({ value, ...rest }) => {
      const { count, sum } = value as { count: number; sum: number };
      return { ...rest, count, sum };
    });
  return { meter: provider.getMeter('sluice'), collect, points, durations, provider };
}

function shortened(attributes: Attributes) {
  const entries = Object.entries(attributes);
  return Object.fromEntries(entries.map(([key, value]) => [key.replace(/^.*\./, ''), value]));
}

async function openMeasured(options: TinyStoreOptions = {}) {
  const metrics = metering();
  const kindOf: NonNullable<TinyStoreOptions['settings']>['kindOf'] = (operation) =>
    Object.keys(operation)[0] ?? '';
  const store = await openTiny({ ...options, settings: { ...options.settings, kindOf } });
  const stop = observeMetrics(store.handler, { meter: metrics.meter });
  const end = async (of: TinyStore) => {
    stop();
    await of.run(of.handler.stop());
    await metrics.provider.shutdown();
  };
  return { ...metrics, store, stop, end };
}

test('operations by kind and result, and how long their callers waited', async () => {
  const { store, points, durations, end } = await openMeasured();
  await store.run(store.put('key', 1));
  await store.run(store.put('key', 2, false));
  await store.failure(store.handler.submit({ double: 'nobody' }));
  store.hooks.fail('apply', new SluiceError('SLUICE_THREAD', 'not now'));
  await store.run(store.handler.submit({ delete: 'key' }));
  expect(await points('sluice.operations')).toEqual([
    { kind: 'put', result: 'applied', value: 2 },
    { kind: 'double', result: 'declined', value: 1 },
    { kind: 'delete', result: 'retried', value: 1 },
    { kind: 'delete', result: 'applied', value: 1 },
  ]);
  expect(await durations('sluice.operation.duration')).toEqual([
    { kind: 'put', result: 'completed', count: 1, sum },
    { kind: 'put', result: 'acknowledged', count: 1, sum },
    { kind: 'double', result: 'failed', type: 'SLUICE_DECLINED', count: 1, sum },
    { kind: 'delete', result: 'completed', count: 1, sum },
  ]);
  // The one that was tried again took as long as its back-off, in seconds.
  const [, , , deleted] = await durations('sluice.operation.duration');
  expect(deleted?.sum).toBeCloseTo(0.1, 1);
  await end(store);
});

test('flushes, and optimizations by kind and result', async () => {
  const { store, durations, points, end } = await openMeasured({ optimizers: [{}] });
  store.hooks.fail('compaction.index', new Error('no luck'));
  await store.fill(5);
  await store.clock.until(() => store.handler.status().color === 'green');
  expect(await durations('sluice.optimization.duration')).toEqual([
    { kind: 'compaction', result: 'failed', type: 'SLUICE_CRASHED', count: 1, sum },
    { kind: 'compaction', result: 'done', count: 1, sum },
  ]);
  const gate = store.hooks.hold('compaction.copy');
  await store.fill(4, 'more');
  await store.clock.until(() => gate.arrived === 1);
  expect(await points('sluice.optimizations.running')).toEqual([{ value: 1 }]);
  expect(await points('sluice.permits.used')).toContainEqual({ budget: 'io', value: 1 });
  expect(await points('sluice.permits.limit')).toContainEqual({ budget: 'cpu', value: 4 });
  expect(await points('sluice.status')).toContainEqual({ color: 'yellow', value: 1 });
  await store.run(store.handler.reconfigure({}));
  expect(await durations('sluice.optimization.duration')).toContainEqual({
    ...{ kind: 'compaction', result: 'cancelled', count: 1, sum },
  });
  store.hooks.fail('wal.sync', new SluiceError('SLUICE_THREAD', 'flaky'));
  await store.failure(store.handler.flush());
  await store.run(store.handler.flush());
  expect(await durations('sluice.flush.duration')).toEqual([
    { result: 'failed', type: 'SLUICE_THREAD', count: 1, sum },
    { result: 'done', count: 1, sum },
  ]);
  await end(store);
});

test('the queue, the log, segments: what telemetry says', async () => {
  const { store, points, end } = await openMeasured({
    settings: { updateQueueLengthMax: 2, flushIntervalMs: 3_600_000 },
  });
  const gate = store.hooks.hold('wal.append');
  const puts = ['a', 'b', 'c'].map((key) => store.put(key));
  await store.clock.until(() => gate.arrived === 1);
  const { queue } = store.handler.telemetry();
  expect(await points('sluice.queue.operations')).toEqual([
    { state: 'admitted', value: 2 },
    { state: 'waiting', value: 1 },
  ]);
  expect(await points('sluice.queue.size')).toEqual([
    { state: 'admitted', value: queue.bytes },
    { state: 'waiting', value: queue.waitingBytes },
  ]);
  gate.open();
  await store.run(Promise.all(puts));
  const { queue: after, log } = store.handler.telemetry();
  expect(await points('sluice.log.records')).toEqual([{ value: log.last - log.acked }]);
  expect(await points('sluice.log.size')).toEqual([{ value: after.walBytes }]);
  expect(await points('sluice.segments')).toEqual([{ value: store.handler.segments().length }]);
  await end(store);
});

test('a collection, with attributes of its own; nothing more when that is ended', async () => {
  const { meter, points, collect, provider } = metering();
  const stores = () => new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' });
  const films = await openCollection({ wal: stores(), segments: stores() }, { dimensions: 2 });
  const stop = observeMetrics(films, { meter, attributes: { 'app.collection': 'films' } });
  await films.upsert([{ id: 1, vector: [1, 2] }]);
  await films.setPayload({ year: 1979 }, [1]);
  await expect(films.setPayload({ year: 1979 }, [2])).rejects.toThrow();
  expect(await points('sluice.operations')).toEqual([
    { collection: 'films', kind: 'upsert', result: 'applied', value: 1 },
    { collection: 'films', kind: 'setPayload', result: 'applied', value: 1 },
    { collection: 'films', kind: 'setPayload', result: 'declined', value: 1 },
  ]);
  const names = (await collect()).map(({ descriptor: { name, unit } }) => `${name} ${unit}`);
  expect(names.every((name) => /^sluice\.[a-z.]+ (s|By|1|\{[a-z]+\})$/.test(name))).toBe(true);
  stop();
  await films.upsert([{ id: 2, vector: [1, 2] }]);
  expect(await points('sluice.operations')).toContainEqual(
    { collection: 'films', kind: 'upsert', result: 'applied', value: 1 }, // as before
  );
  await films.close();
  await provider.shutdown();
});

test('wrong use is told', () => {
  const { meter } = metering();
  expect(() => observeMetrics({} as never, { meter })).toThrow(TypeError);
  const store = { telemetry: () => ({}), observe: () => () => {} } as never;
  expect(() => observeMetrics(store, { meter: {} as never })).toThrow(TypeError);
});
