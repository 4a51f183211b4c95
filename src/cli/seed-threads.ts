import { once } from 'node:events';
import { cpuUsage } from 'node:process';
import { Worker } from 'node:worker_threads';
import type { RunSeed } from '../testing/simulation/campaign.js';
import type { SeedOptions, SeedReport } from '../testing/simulation/seed-run.js';

const THREAD_URL = new URL('./seed-thread.js', import.meta.url);

/** Runs make much garbage: with so much room for it, little of it has to be looked at twice. */
const YOUNG_MB = 64;

/** Does some work with threads that run seeds, and ends them. */
export async function withSeedThreads<T>(
  jobs: number,
  options: SeedOptions,
  work: (lanes: readonly RunSeed[]) => Promise<T>,
): Promise<T> {
  const workers = Array.from({ length: jobs }, () => seedWorker(options));
  try {
    return await work(workers.map((worker) => (seed) => runIn(worker, seed)));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

/** Milliseconds that processors have worked for this process. */
export function processorMs(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}

function seedWorker(options: SeedOptions): Worker {
  return new Worker(THREAD_URL, {
    workerData: options,
    execArgv: [],
    name: 'sluice-simulation',
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
  });
}

/** Rejects with what the thread dies of. One seed at a time. */
async function runIn(worker: Worker, seed: number): Promise<SeedReport> {
  worker.postMessage(seed);
  const [report] = await once(worker, 'message');
  return report as SeedReport;
}
