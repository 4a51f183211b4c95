// The entry `sluice/metrics`: a store measured by OpenTelemetry, whose API alone it knows, by its types.
export {
  type MeasuredStore,
  type MetricsTarget,
  type ObserveMetricsOptions,
  observeMetrics,
} from './observe.js';
