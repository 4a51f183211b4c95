// The thread's entry: one job, one answer. The other side ends the thread when it has the answer.
import { getPriority, platform, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { type BuildRequest, runBuildJob } from './build-jobs.js';

/** How much nicer than the others a build is: where processors lack, it gets a quarter of one. */
const NICER = 5;
const NICEST = 19;

/**
 * Lets those who write and search go first. Only Linux gives each thread a priority of its own; the
 * threads that this one starts inherit it.
 */
function giveWay(): void {
  if (platform() !== 'linux') return;
  setPriority(Math.min(getPriority() + NICER, NICEST));
}

giveWay();
parentPort?.postMessage(await runBuildJob(workerData as BuildRequest));
