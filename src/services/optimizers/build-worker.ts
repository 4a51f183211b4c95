// The thread's entry: one job, one answer. The other side ends the thread when it has the answer.
import { parentPort, workerData } from 'node:worker_threads';
import { type BuildRequest, runBuildJob } from './build-jobs.js';

parentPort?.postMessage(await runBuildJob(workerData as BuildRequest));
