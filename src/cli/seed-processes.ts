import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RunSeed } from '../testing/simulation/campaign.js';
import type { SeedOptions, SeedReport } from '../testing/simulation/seed-run.js';
import { processorMs } from './processor-ms.js';

const SCRIPT = fileURLToPath(new URL('./seed-process.js', import.meta.url));

/**
 * Runs make much garbage: with so much room for it, little of it has to be looked at twice. All
 * processors have seeds to run, so that V8's helper threads would only be in their way; worker
 * threads of one process could not do without them.
 */
const V8_FLAGS = ['--max-semi-space-size=64', '--single-threaded'];

/** What a process of `seed-process.ts` answers. */
export interface SeedAnswer {
  report: SeedReport;
  /** Milliseconds that processors have worked for it. */
  processorMs: number;
}

/**
 * Does some work with processes that run seeds, and ends them. `processorMs` is what processors
 * have worked for this process and, up to their last answers, for those.
 */
export async function withSeedProcesses<T>(
  jobs: number,
  options: SeedOptions,
  work: (lanes: readonly RunSeed[], processorMs: () => number) => Promise<T>,
): Promise<T> {
  const processes = Array.from({ length: jobs }, () => new SeedProcess(options));
  const ofAll = () => processes.reduce((sum, one) => sum + one.processorMs, processorMs());
  try {
    return await work(
      processes.map((one) => (seed) => one.run(seed)),
      ofAll,
    );
  } finally {
    await Promise.all(processes.map((one) => one.end()));
  }
}

class SeedProcess {
  readonly #child: ChildProcess;
  processorMs = 0;

  constructor(options: SeedOptions) {
    this.#child = fork(SCRIPT, [JSON.stringify(options)], {
      execArgv: V8_FLAGS,
      serialization: 'advanced',
    });
  }

  /** Rejects when the process ends, which tells itself what it dies of. One seed at a time. */
  async run(seed: number): Promise<SeedReport> {
    const waiting = new AbortController();
    const { signal } = waiting;
    const died = once(this.#child, 'exit', { signal }).then(([code, name]) => {
      throw new Error(`the process that ran seed ${seed} ended with ${code ?? name}`);
    });
    try {
      const answered = once(this.#child, 'message', { signal });
      this.#child.send(seed);
      const [answer] = await Promise.race([answered, died]);
      const { report, processorMs } = answer as SeedAnswer;
      this.processorMs = processorMs;
      return report;
    } finally {
      waiting.abort();
    }
  }

  async end(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
