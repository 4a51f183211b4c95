import { Worker } from 'node:worker_threads';
import { SluiceError, throwIfAborted, toSluiceError } from '../../errors.js';
import { type Clock, systemClock } from '../clock.js';
import {
  type BuildAnswer,
  type BuildJobKind,
  type BuildJobs,
  type BuildRequest,
  JobControl,
  runBuildJob,
} from './build-jobs.js';
import { type CopyJob, rowCount } from './copy-rows.js';

/** How a job is run and watched. */
export interface BuildThreadOptions {
  /** Stops the job: it rejects with `SLUICE_CANCELLED` once its thread has ended. */
  signal: AbortSignal;
  /** Told of the rows done so far, every 50 ms while it runs and once at the end. */
  onProgress?: (done: number) => void;
  /** @default systemClock */
  clock?: Clock;
  /** How long a thread may take to notice a stop before it is terminated. @default 1000 */
  stopMsMax?: number;
  /** Copies of at most this many bytes are made at once, without a thread. @default 1 MiB */
  inlineBytesMax?: number;
  /** The thread's entry; another one only in tests. */
  workerUrl?: URL;
}

const PROGRESS_INTERVAL_MS = 50;
const STOP_MS_MAX = 1000;

// Starting a thread costs 25 to 50 ms; copying this much costs a fraction of one.
const INLINE_BYTES_MAX = 1024 * 1024;

const WORKER_URL = new URL('./build-worker.js', import.meta.url);

/**
 * Copies vectors in a thread (small amounts at once in this one). The target may hold anything
 * when it rejects. Errors: `SLUICE_CANCELLED` after the signal fired, `SLUICE_THREAD` when the
 * thread dies or throws.
 */
export async function copyRows(job: CopyJob, options: BuildThreadOptions): Promise<void> {
  throwIfAborted(options.signal);
  const rows = rowCount(job);
  const bytes = rows * job.dimensions * Float32Array.BYTES_PER_ELEMENT;
  if (bytes <= (options.inlineBytesMax ?? INLINE_BYTES_MAX)) {
    const control = new JobControl().memory;
    const answer = await runBuildJob({ kind: 'copy', input: job, control });
    outputOf(answer, options.signal);
  } else {
    await runInThread('copy', job, options);
  }
  options.onProgress?.(rows);
}

/**
 * Runs one job in a thread of its own, and settles when that thread has ended: whatever the
 * outcome, nobody writes to the job's memory any more. A thread that doesn't notice a stop within
 * `stopMsMax` is terminated. Errors as in `copyRows`, and transient ones of the job as they are.
 */
export async function runInThread<Kind extends BuildJobKind>(
  kind: Kind,
  input: BuildJobs[Kind]['input'],
  options: BuildThreadOptions,
): Promise<BuildJobs[Kind]['output']> {
  const { signal, onProgress, clock = systemClock, stopMsMax = STOP_MS_MAX } = options;
  throwIfAborted(signal);
  const control = new JobControl();
  const request: BuildRequest<Kind> = { kind, input, control: control.memory };
  const worker = startWorker(options.workerUrl ?? WORKER_URL, request);

  const report = () => {
    onProgress?.(control.done);
    progressTimer = clock.setTimeout(report, PROGRESS_INTERVAL_MS);
  };
  let progressTimer = clock.setTimeout(report, PROGRESS_INTERVAL_MS);
  let stopTimer: unknown;
  const stop = () => {
    control.stop();
    stopTimer = clock.setTimeout(() => void worker.terminate(), stopMsMax);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    return outputOf(await answerOf<Kind>(worker), signal);
  } finally {
    signal.removeEventListener('abort', stop);
    clock.clearTimeout(progressTimer);
    if (stopTimer !== undefined) clock.clearTimeout(stopTimer);
  }
}

function startWorker(url: URL, request: BuildRequest): Worker {
  try {
    // Flags of the main thread, such as a debugger's port, are not for this one.
    return new Worker(url, {
      workerData: request,
      execArgv: [],
      name: 'sluice-build',
      // The end of a thread would close what it has put in the place of descriptor 0, and with that
      // libuv the process; see `usearch-index.ts`.
      trackUnmanagedFds: false,
    });
  } catch (error) {
    throw toSluiceError(error, 'SLUICE_THREAD', 'cannot start a build thread');
  }
}

/** What the thread had to say when it ended; a thread that says nothing has failed. */
function answerOf<Kind extends BuildJobKind>(worker: Worker): Promise<BuildAnswer<Kind>> {
  return new Promise((resolve) => {
    let answer: BuildAnswer<Kind> | undefined;
    worker.once('message', (message: BuildAnswer<Kind>) => {
      answer = message;
      void worker.terminate();
    });
    const fail = (error: Error) => {
      answer ??= { status: 'failed', message: error.message };
      void worker.terminate();
    };
    worker.once('error', fail);
    worker.once('messageerror', fail);
    worker.once('exit', (code) => {
      resolve(answer ?? { status: 'failed', message: `it ended with exit code ${code}` });
    });
  });
}

/** The output, or the error that the answer stands for. A stopped job is never a success. */
function outputOf<Kind extends BuildJobKind>(
  answer: BuildAnswer<Kind>,
  signal: AbortSignal,
): BuildJobs[Kind]['output'] {
  throwIfAborted(signal);
  if (answer.status === 'done') return answer.output;
  const { message, code = undefined } =
    answer.status === 'failed' ? answer : { message: 'it stopped unasked' };
  // The kind doesn't travel with the code, and codes of transient errors may be sticky elsewhere.
  throw new SluiceError(code ?? 'SLUICE_THREAD', `the build thread failed: ${message}`, {
    kind: 'transient',
  });
}
