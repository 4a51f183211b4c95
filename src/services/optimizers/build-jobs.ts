import { type ErrorCode, isTransient, SluiceError } from '../../errors.js';
import type { BuiltIndex, IndexJob } from '../vector-index/build-index.js';
import { type CopyJob, copyRowsNow } from './copy-rows.js';

/** What a build thread can do: the input it is sent and the output it answers with. */
export interface BuildJobs {
  /** Copies vectors from one set of chunks to another; answers with the number of rows copied. */
  copy: { input: CopyJob; output: number };
  /** Builds a vector index and writes it to a file, durably; answers with what is in the file. */
  index: { input: IndexJob; output: BuiltIndex };
}

/** The name of a job. */
export type BuildJobKind = keyof BuildJobs;

/** What a thread is started with: one job and the memory through which it is watched and stopped. */
export interface BuildRequest<Kind extends BuildJobKind = BuildJobKind> {
  kind: Kind;
  input: BuildJobs[Kind]['input'];
  control: SharedArrayBuffer;
}

/** What a thread answers with, once. A job that was told to stop answers `stopped`. */
export type BuildAnswer<Kind extends BuildJobKind = BuildJobKind> =
  | { status: 'done'; output: BuildJobs[Kind]['output'] }
  | { status: 'stopped' }
  | { status: 'failed'; message: string; code?: ErrorCode };

const STOP_SLOT = 0;
const DONE_SLOT = 1;

/** Thrown inside a job when it has been told to stop; never leaves the thread. */
class JobStopped extends Error {}

/**
 * Two shared numbers: whether the job should stop, and how much of it is done. Shared memory and
 * not messages, because a thread that computes reads no messages.
 */
export class JobControl {
  readonly #slots: Int32Array;

  constructor(readonly memory: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.#slots = new Int32Array(memory);
  }

  /** Tells the job to stop at its next step. */
  stop(): void {
    Atomics.store(this.#slots, STOP_SLOT, 1);
  }

  /** Rows done so far. */
  get done(): number {
    return Atomics.load(this.#slots, DONE_SLOT);
  }

  /** For the job: reports rows done since the last step, and leaves when told to stop. */
  step(count: number): void {
    Atomics.add(this.#slots, DONE_SLOT, count);
    if (Atomics.load(this.#slots, STOP_SLOT) !== 0) throw new JobStopped();
  }
}

const runners: {
  [Kind in BuildJobKind]: (
    input: BuildJobs[Kind]['input'],
    control: JobControl,
  ) => BuildJobs[Kind]['output'] | Promise<BuildJobs[Kind]['output']>;
} = {
  copy: (input, control) => copyRowsNow(input, (count) => control.step(count)),
  index: async (input, control) => {
    // Loaded by the job, so that nothing but the job needs files and the index library.
    const { buildIndex } = await import('../vector-index/build-index.js');
    return buildIndex(input, (count) => control.step(count));
  },
};

/** Runs one job to its answer, in whichever thread this is called. Never rejects. */
export async function runBuildJob<Kind extends BuildJobKind>(
  request: BuildRequest<Kind>,
): Promise<BuildAnswer<Kind>> {
  try {
    const control = new JobControl(request.control);
    control.step(0);
    return { status: 'done', output: await runners[request.kind](request.input, control) };
  } catch (error) {
    if (error instanceof JobStopped) return { status: 'stopped' };
    const text = error instanceof Error ? error.message : String(error);
    if (!(error instanceof SluiceError)) return { status: 'failed', message: text };
    // What can be tried again is told apart outside; another failure is one of the thread.
    if (isTransient(error)) return { status: 'failed', message: text, code: error.code };
    return { status: 'failed', message: `${error.code}: ${text}` };
  }
}
