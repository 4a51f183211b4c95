import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RunSeed } from '../testing/simulation/campaign.js';
import type { SeedOptions, SeedReport } from '../testing/simulation/seed-run.js';
import { processorMs } from './processor-ms.js';

const SCRIPT = fileURLToPath(new URL('./seed-process.js', import.meta.url));

/**
 * Runs make much garbage: with so much room for it, little of it has to be looked at twice. All
 * processors have seeds to run, so that V8's helper threads would only be in their way. Such a flag
 * holds for a whole process from its start, which is why these are no worker threads.
 */
const V8_FLAGS = ['--max-semi-space-size=64', '--single-threaded'];

/** What a process of `seed-process.ts` answers. */
export interface SeedAnswer {
  report: SeedReport;
  /** Milliseconds that processors have worked for it. */
  processorMs: number;
}

/**
 * Does some work with processes that run seeds, and ends them. `processorMsOfAll` is what processors
 * have worked for this process and, up to their last answers, for those.
 */
export async function withSeedProcesses<T>(
  jobs: number,
  options: SeedOptions,
  work: (lanes: readonly RunSeed[], processorMsOfAll: () => number) => Promise<T>,
): Promise<T> {
  const processes: SeedProcess[] = [];
  try {
    while (processes.length < jobs) processes.push(new SeedProcess(options));
    const lanes = processes.map((one) => (seed: number) => one.run(seed));
    return await work(lanes, () =>
      processes.reduce((sum, one) => sum + one.processorMs, processorMs()),
    );
  } finally {
    await Promise.all(processes.map((one) => one.end()));
  }
}

class SeedProcess {
  readonly #child: ChildProcess;
  #asked:
    | { seed: number; resolve(report: SeedReport): void; reject(error: Error): void }
    | undefined;
  /** Why there are no more answers. */
  #failure: string | undefined;
  #processorMs = 0;

  constructor(options: SeedOptions) {
    this.#child = fork(SCRIPT, [JSON.stringify(options)], {
      execArgv: V8_FLAGS,
      serialization: 'advanced',
    });
    this.#child.on('message', (answer) => this.#answered(answer as SeedAnswer));
    this.#child.on('error', (error) => this.#failed(`failed: ${error.message}`));
    this.#child.on('exit', (code, signal) => this.#failed(`ended with ${code ?? signal}`));
  }

  get processorMs(): number {
    return this.#processorMs;
  }

  /** Rejects when the process ends; an exception is printed by itself. One seed at a time. */
  run(seed: number): Promise<SeedReport> {
    return new Promise((resolve, reject) => {
      this.#asked = { seed, resolve, reject };
      if (this.#failure !== undefined) this.#failed(this.#failure);
      else this.#child.send(seed);
    });
  }

  async end(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await ended;
  }

  #answered(answer: SeedAnswer): void {
    this.#processorMs = answer.processorMs;
    this.#asked?.resolve(answer.report);
  }

  #failed(why: string): void {
    this.#failure ??= why;
    const asked = this.#asked;
    asked?.reject(new Error(`the process that ran seed ${asked.seed} ${this.#failure}`));
  }
}
