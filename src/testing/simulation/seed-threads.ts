import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { SeedOptions, SeedReport } from './seed-run.js';

const THREAD_URL = new URL('./seed-thread.js', import.meta.url);

/** Runs make much garbage: with so much room for it, little of it has to be looked at twice. */
const YOUNG_MB = 64;

/** A thread of its own for one seed after the other. */
export class SeedThread {
  readonly #worker: Worker;

  constructor(options: SeedOptions) {
    this.#worker = new Worker(THREAD_URL, {
      workerData: options,
      execArgv: [],
      name: 'sluice-simulation',
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
  }

  /** Rejects with what the thread dies of. One seed at a time. */
  async run(seed: number): Promise<SeedReport> {
    this.#worker.postMessage(seed);
    const [report] = await once(this.#worker, 'message');
    return report as SeedReport;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
