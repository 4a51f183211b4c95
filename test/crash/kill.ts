import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Random } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';
import { checkStore } from './check.js';
import { readMarks, wholeLines, wrongNumbers } from './marks.js';
import { Model } from './model.js';
import { makeSteps, type Script, type StepOptions, type StepsOptions } from './steps.js';
import { loadTarget } from './target.js';

const EXECUTE = fileURLToPath(new URL('./child/execute.mjs', import.meta.url));

/** Words of the process that the kill waits for, if any, and how long after them it comes, in ms. */
const MOMENTS: readonly [string | undefined, number, number][] = [
  // While it starts or recovers.
  [undefined, 50, 400],
  ['opened', 0, 20],
  // At work.
  ['opened', 50, 600],
  ['opened', 50, 600],
  // While it closes, if the work is short enough to come to that, or at work.
  ['closing', 0, 15],
];
const SHORT_COUNT = 100;
/** Longer than any work takes. */
const WORDS_LIMIT_MS = 3000;

export interface KillOptions {
  /** Module of the store under test. */
  target: URL;
  rounds: number;
  random: Random;
  /** Options of the store for one round: drawn again for each. */
  drawOptions: (random: Random) => StepOptions;
  steps: Omit<StepsOptions, 'first'>;
}

export interface KillResult {
  /** What was found, with the round; empty when all is well. */
  problems: string[];
  /** Steps that were answered and are there, over all rounds. */
  answered: number;
  /** Rounds in which the process was still at work when it was killed. */
  killed: number;
}

/**
 * Lets a process work on one store, kills it at a random moment, checks what is there, and lets the
 * next process go on with it. A killed process loses nothing that it was told is acknowledged,
 * waited for or not. Ends at the first problem, which later rounds would only repeat.
 */
export function killLoop(options: KillOptions): Promise<KillResult> {
  return withDirectory(async (directory) => {
    const target = await loadTarget(options.target);
    const result: KillResult = { problems: [], answered: 0, killed: 0 };
    const model = new Model();
    let first = 0;
    let lastOpNum = 0;
    for (let round = 0; round < options.rounds && result.problems.length === 0; round += 1) {
      const { random } = options;
      // Short work, for some, so that the kill may come while the process closes.
      const count = random.chance(0.25) ? SHORT_COUNT : options.steps.count;
      const steps = makeSteps(random, { ...options.steps, count, first });
      const script = {
        options: options.drawOptions(random),
        inFlightMax: random.pick([1, 4, 32]),
        steps,
      };
      const { report, alive } = await runAndKill(directory, options.target, script, random);
      const issued = steps.slice(0, report.issued);
      const expected = { start: model, steps: issued, promised: report.answered };
      const found = await checkStore(
        target,
        placeToCheck(directory, random),
        script.options,
        expected,
      );
      const wrong = [...report.failures, ...wrongNumbers(report.opNums, lastOpNum)];
      if (found.problem !== undefined) wrong.push(found.problem);
      result.problems.push(...wrong.map((text) => `round ${round}: ${text}`));
      result.answered += report.answered;
      result.killed += alive ? 1 : 0;
      for (const step of steps.slice(0, found.length)) model.apply(step);
      first += steps.length;
      lastOpNum = Math.max(lastOpNum, ...report.opNums.values());
    }
    return result;
  });
}

/**
 * The store itself, which checking recovers and closes, or a copy of it, so that the next process
 * finds what the kill left and may be killed while it recovers.
 */
function placeToCheck(directory: string, random: Random): string {
  const store = join(directory, 'store');
  const copy = join(directory, 'copy');
  rmSync(copy, { recursive: true, force: true });
  if (random.chance(0.5) || !existsSync(store)) return store;
  cpSync(store, copy, { recursive: true });
  return copy;
}

async function runAndKill(directory: string, target: URL, script: Script, random: Random) {
  const scriptFile = join(directory, 'script.json');
  const marksFile = join(directory, 'marks');
  writeFileSync(scriptFile, JSON.stringify(script));
  writeFileSync(marksFile, '');
  const parameters = [target.href, join(directory, 'store'), scriptFile, marksFile];
  // A group of its own, so that the kill reaches whatever the process started.
  const child = spawn(process.execPath, [EXECUTE, ...parameters], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const closed = once(child, 'close');
  const [words, minMs, maxMs] = random.pick(MOMENTS);
  const delayMs = random.between(minMs, maxMs);
  const limit = new Promise((resolve) => setTimeout(resolve, WORDS_LIMIT_MS));
  await Promise.race([closed, words && Promise.race([heard(child.stdout, words), limit])]);
  await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, delayMs))]);
  const alive = killGroup(child);
  await closed;
  if (!alive && child.exitCode !== 0) {
    throw new Error(`the process ended by itself with ${child.exitCode}: ${errors}`);
  }
  const lines = wholeLines(readFileSync(marksFile, 'utf8'));
  return { report: readMarks(lines, script.steps), alive };
}

/** Resolves when a stream has brought these words. */
function heard(stream: Readable, words: string): Promise<void> {
  return new Promise((resolve) => {
    let text = '';
    stream.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text.includes(words)) resolve();
    });
  });
}

/** Kills the process and what it started; false when it had ended before. */
function killGroup(child: ChildProcess): boolean {
  if (child.pid === undefined || child.exitCode !== null) return false;
  process.kill(-child.pid, 'SIGKILL');
  return true;
}
