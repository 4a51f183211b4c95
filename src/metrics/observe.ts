import type { Attributes, BatchObservableResult, Meter } from '@opentelemetry/api';
import { toSluiceError } from '../errors.js';
import type { StoreObserver } from '../services/observers.js';
import type { SegmentInfo } from '../services/ports.js';
import type { StatusColor } from '../services/status.js';
import type { UpdateHandler } from '../update-handler.js';
import { createInstruments, type Instruments } from './instruments.js';

/** What is measured of a store. */
export type MeasuredStore = Pick<UpdateHandler<never, SegmentInfo>, 'telemetry' | 'observe'>;

/** A collection, or an update handler. */
export type MetricsTarget = { readonly handler: MeasuredStore } | MeasuredStore;

/** Options of `observeMetrics`. */
export interface ObserveMetricsOptions {
  /** From `metrics.getMeter('sluice')` of `@opentelemetry/api`, or of any provider. */
  meter: Meter;
  /** Told with every measurement, e.g. the name of the collection. @default none */
  attributes?: Attributes;
}

const COLORS: readonly StatusColor[] = ['green', 'yellow', 'grey', 'red'];

/**
 * Measures a store by OpenTelemetry: operations, their latency, the queue, the log, flushes,
 * optimizations, permits, status; docs/operations.md has the table. Returns what ends that, to be
 * called before the store is closed. Errors: a `TypeError`.
 *
 * @example
 * const stop = observeMetrics(films, { meter: metrics.getMeter('sluice') });
 */
export function observeMetrics(
  target: MetricsTarget,
  { meter, attributes = {} }: ObserveMetricsOptions,
): () => void {
  const store = 'handler' in target ? target.handler : target;
  if (typeof store?.observe !== 'function') {
    throw new TypeError('only a Collection or an UpdateHandler can be measured');
  }
  if (typeof meter?.createHistogram !== 'function') {
    throw new TypeError('the option meter must be a Meter of OpenTelemetry');
  }
  const instruments = createInstruments(meter);
  const levels = Object.values(instruments.levels);
  const look = (result: BatchObservableResult) => {
    observeLevels(store, instruments, (level, value, more) =>
      result.observe(level, value, { ...attributes, ...more }),
    );
  };
  const stop = store.observe(recorder(instruments, attributes));
  meter.addBatchObservableCallback(look, levels);
  return () => {
    stop();
    meter.removeBatchObservableCallback(look, levels);
  };
}

/** Records what happens, when it does. Durations come in milliseconds and go in seconds. */
function recorder(instruments: Instruments, attributes: Attributes): StoreObserver {
  const { operations, operation, flush, optimization } = instruments;
  return {
    onOperation: (kind, result) =>
      operations.add(1, {
        ...attributes,
        'sluice.operation.kind': kind,
        'sluice.operation.result': result,
      }),
    onAnswer: (kind, ms, answer) =>
      operation.record(ms / 1000, {
        ...attributes,
        'sluice.operation.kind': kind,
        ...(typeof answer === 'string'
          ? { 'sluice.operation.result': answer }
          : { 'sluice.operation.result': 'failed', ...errorType(answer.error) }),
      }),
    onFlush: (ms, error) =>
      flush.record(ms / 1000, {
        ...attributes,
        'sluice.flush.result': error === undefined ? 'done' : 'failed',
        ...(error === undefined ? {} : errorType(error)),
      }),
    onOptimization: (optimizer, ms, end) =>
      optimization.record(ms / 1000, {
        ...attributes,
        'sluice.optimization.kind': optimizer,
        'sluice.optimization.result': end.outcome,
        ...(end.outcome === 'failed' ? errorType(end.error) : {}),
      }),
  };
}

/** Reads off how much there is of everything. */
function observeLevels(
  store: MeasuredStore,
  { levels }: Instruments,
  observe: (
    level: Instruments['levels'][keyof Instruments['levels']],
    value: number,
    attributes?: Attributes,
  ) => void,
): void {
  const { queue, log, segments, optimizations, budgets, status } = store.telemetry();
  const state = (name: string) => ({ 'sluice.queue.state': name });
  observe(levels.queue, queue.entries, state('admitted'));
  observe(levels.queue, queue.waiting, state('waiting'));
  observe(levels.queueSize, queue.bytes, state('admitted'));
  observe(levels.queueSize, queue.waitingBytes, state('waiting'));
  observe(levels.log, log.last - log.acked);
  observe(levels.logSize, queue.walBytes);
  observe(levels.segments, segments.length);
  observe(levels.running, optimizations.running);
  for (const [name, { used, total }] of Object.entries(budgets)) {
    observe(levels.permits, used, { 'sluice.permits.budget': name });
    observe(levels.permitLimit, total, { 'sluice.permits.budget': name });
  }
  for (const color of COLORS) {
    observe(levels.status, color === status.color ? 1 : 0, { 'sluice.status.color': color });
  }
}

/** As the semantic conventions call it: one of the codes in docs/errors.md. */
function errorType(error: unknown): Attributes {
  return { 'error.type': toSluiceError(error, 'SLUICE_CRASHED').code };
}
