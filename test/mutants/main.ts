// Compiled into .mutants/. Mutates each machine in every small way and counts who notices: npm run test:mutants.
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { sluiceMachines } from 'sluice/testing';
import type { Verdict } from './judge.js';
import { mutantsOf } from './mutations.js';
import { type Reasons, reportOf } from './report.js';
import type { Task } from './worker.js';

const { values: options } = parseArgs({
  options: {
    /** Judge as many, chosen by the seed, instead of all. */
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    /** Judge only those whose name begins with this, and say how each was found. */
    only: { type: 'string' },
  },
});

/** Numbers for names that look random, and are the same for the same seed. */
function hash(text: string): number {
  let sum = 2166136261;
  for (const char of text) sum = Math.imul(sum ^ char.charCodeAt(0), 16777619);
  return Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d) >>> 0;
}

function chosen(all: readonly Task[]): Task[] {
  const { sample, seed, only } = options;
  const named = all.filter(({ mutant }) => only === undefined || mutant.startsWith(only));
  if (sample === undefined) return named;
  const rank = ({ mutant }: Task) => hash(`${seed} ${mutant}`);
  return named.sort((a, b) => rank(a) - rank(b)).slice(0, Number(sample));
}

/** Lets as many processes as there are cores take one task after the other. */
async function judgeAll(tasks: readonly Task[]): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  const waiting = [...tasks];
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const worker = fork(new URL('./worker.js', import.meta.url));
      const next = () => {
        const task = waiting.shift();
        if (task === undefined) worker.disconnect();
        else worker.send(task);
      };
      worker.on('message', (verdict: Verdict) => {
        verdicts.push(verdict);
        if (verdicts.length % 100 === 0) {
          process.stderr.write(`judged ${verdicts.length} of ${tasks.length}\n`);
        }
        next();
      });
      worker.on('error', reject);
      worker.on('exit', (code) => {
        if (code === 0) resolve();
        else reject(new Error(`a worker has ended with ${code}`));
      });
      next();
    });
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  const place = new Map(tasks.map(({ mutant }, at) => [mutant, at]));
  return verdicts.sort((a, b) => (place.get(a.name) ?? 0) - (place.get(b.name) ?? 0));
}

const all = Object.entries(sluiceMachines).flatMap(([machine, made]) =>
  mutantsOf(made.machine).map(({ name }) => ({ machine, mutant: name })),
);
const tasks = chosen(all);
const survivors = new URL('../../../test/mutants/survivors.json', import.meta.url);
const reasons: Reasons = JSON.parse(readFileSync(survivors, 'utf8'));
const verdicts = await judgeAll(tasks);
if (options.only !== undefined) {
  for (const { name, regression, invariants } of verdicts) {
    console.log(`${name}\n  regression: ${regression}\n  invariants: ${invariants}\n`);
  }
}
const { lines, hasFailed } = reportOf(verdicts, reasons, tasks.length === all.length);
for (const line of lines) console.log(line);
process.exitCode = hasFailed ? 1 : 0;
