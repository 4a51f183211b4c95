import { type Mishap, ScriptedFaults } from './scripted-faults.js';
import { type SimulationResult, simulate } from './simulate.js';

const MISHAPS: readonly Mishap[] = ['failOnce', 'failOn', 'kill', 'powerCut'];

/** A failure, with the script that leads to it. */
export interface ExhaustiveFailure {
  seed: number;
  mishap: Mishap;
  /** The call of a store at which it happens. */
  at: number;
  /** The call of the recovery that fails besides. */
  recoveryAt: number | undefined;
  result: SimulationResult;
}

/** What the loop has come to. */
export interface ExhaustiveReport {
  runs: number;
  /** By mishap: the calls that a script has. */
  calls: Record<Mishap, number>;
  failures: ExhaustiveFailure[];
}

/**
 * Lets a short script of work go wrong at the first call of a store, at the second, the third …
 * until it runs through without meeting a fault; likewise, after a crash at each call, with a
 * failure at the first call of the recovery, the second … (`every`: at each n-th crash alone).
 */
export async function exhaust(options: {
  seed: number;
  operations: number;
  every?: number | undefined;
  /** @default all of them */
  mishaps?: readonly Mishap[] | undefined;
  signal?: AbortSignal | undefined;
}): Promise<ExhaustiveReport> {
  const { seed, operations, every = 1, mishaps = MISHAPS, signal } = options;
  const failures: ExhaustiveFailure[] = [];
  const isAborted = () => signal?.aborted === true;
  let runs = 0;
  const tryOut = async (mishap: Mishap, at: number, recoveryAt?: number) => {
    const faults = new ScriptedFaults(mishap, at, recoveryAt);
    const result = await simulate({ seed, operations, faults });
    runs += 1;
    if (result.failure !== undefined) failures.push({ seed, mishap, at, recoveryAt, result });
    return faults;
  };
  const calls = { failOnce: 0, failOn: 0, kill: 0, powerCut: 0 };
  for (const mishap of mishaps) {
    for (let at = 1; !isAborted(); at++) {
      if (!(await tryOut(mishap, at)).hasStruck) break;
      calls[mishap] = at;
      const isCrash = mishap === 'kill' || mishap === 'powerCut';
      if (!isCrash || at % every !== 0) continue;
      for (let recoveryAt = 1; !isAborted(); recoveryAt++) {
        if (!(await tryOut(mishap, at, recoveryAt)).hasStruckRecovery) break;
      }
    }
  }
  return { runs, calls, failures };
}
