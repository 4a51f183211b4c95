// What somebody writes who wants to have a store measured.
import { type Meter, metrics } from '@opentelemetry/api';
import type { Collection, RunEnd, StoreObserver } from 'sluice';
import {
  type MeasuredStore,
  type MetricsTarget,
  type ObserveMetricsOptions,
  observeMetrics,
} from 'sluice/metrics';

/** Measures a collection for the time of a flush and an update; what its own observer was told. */
export async function measureBriefly(films: Collection): Promise<string[]> {
  const meter: Meter = metrics.getMeter('sluice');
  const options: ObserveMetricsOptions = { meter, attributes: { collection: 'films' } };
  const store: MeasuredStore = films.handler;
  const targets: MetricsTarget[] = [films, store];
  const ends = targets.map((target) => observeMetrics(target, options));
  const told: string[] = [];
  const observer: StoreObserver = {
    onOperation: () => {},
    onAnswer: (_kind, _ms, answer) => {
      told.push(`answer ${typeof answer === 'string' ? answer : String(answer.error)}`);
    },
    onFlush: () => void told.push('flush'),
    onOptimization: (optimizer, _ms, end: RunEnd) => void told.push(`${optimizer} ${end.outcome}`),
  };
  ends.push(store.observe(observer));
  await films.flush();
  await films.upsert([{ id: 1, vector: [1, 0] }], { wait: false });
  for (const end of ends) end();
  await films.upsert([{ id: 2, vector: [1, 0] }], { wait: false });
  return told;
}
