// The thread of a campaign: runs the seeds that it is told, one after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { runSeed, type SeedOptions } from '../testing/simulation/seed-run.js';

parentPort?.on('message', async (seed: number) => {
  parentPort?.postMessage(await runSeed(seed, workerData as SeedOptions));
});
