import type { Meter, MetricOptions } from '@opentelemetry/api';

/** Seconds: an update takes from a sync of the log to what an overloaded disk needs. */
const LATENCIES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];
/** Seconds: a flush or an optimization is about as much work as there is. */
const WORK = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800];

/** All instruments, by the names in docs/operations.md. */
export function createInstruments(meter: Meter) {
  const duration = (name: string, description: string, boundaries: number[]) =>
    meter.createHistogram(`sluice.${name}.duration`, {
      description,
      unit: 's',
      advice: { explicitBucketBoundaries: boundaries },
    });
  // Not gauges: the values of several stores of a process add up to something.
  const level = (name: string, unit: string, description: string) => {
    const options: MetricOptions = { unit, description };
    return meter.createObservableUpDownCounter(`sluice.${name}`, options);
  };
  return {
    operations: meter.createCounter('sluice.operations', {
      unit: '{operation}',
      description: 'Operations of the log that were applied, declined, or failed for now',
    }),
    operation: duration('operation', 'From submitting an operation to its answer', LATENCIES),
    flush: duration('flush', 'Flush rounds', WORK),
    optimization: duration('optimization', 'Runs of the optimizers', WORK),
    levels: {
      queue: level('queue.operations', '{operation}', 'Operations that are not applied yet'),
      queueSize: level('queue.size', 'By', 'Bytes of operations that are not applied yet'),
      log: level('log.records', '{record}', 'Records that the log has not forgotten'),
      logSize: level('log.size', 'By', 'Bytes of records that the log has not forgotten'),
      segments: level('segments', '{segment}', 'Segments'),
      running: level('optimizations.running', '{optimization}', 'Optimizations that are running'),
      permits: level('permits.used', '{permit}', 'Permits that optimizations hold'),
      permitLimit: level('permits.limit', '{permit}', 'Permits that there are'),
      status: level('status', '1', '1 for the color that the status has, 0 for the others'),
    },
  };
}

export type Instruments = ReturnType<typeof createInstruments>;
