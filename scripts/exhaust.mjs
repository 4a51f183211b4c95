// Lets short scripts of work fail, or their process die, at each call of a store.
// Arguments: minutes (10), operations of a script (20), n (1): after each n-th crash, the calls of
// the recovery fail, too.
import { exhaust } from '../dist/testing/simulation/exhaustive.js';

const minutes = Number(process.argv[2] ?? 10);
const operations = Number(process.argv[3] ?? 20);
const every = Number(process.argv[4] ?? 1);

const signal = AbortSignal.timeout(minutes * 60_000);
let runs = 0;
let scripts = 0;
for (let seed = 1; !signal.aborted && process.exitCode === undefined; seed++) {
  const report = await exhaust({ seed, operations, every, signal });
  runs += report.runs;
  if (!signal.aborted) scripts += 1;
  for (const { mishap, at, recoveryAt, result } of report.failures.slice(0, 3)) {
    const then = recoveryAt === undefined ? '' : `, then failure at call ${recoveryAt} of recovery`;
    process.stdout.write(`seed ${seed}, ${mishap} at call ${at}${then}\n`);
    process.stdout.write(`  ${[result.failure.message, ...result.failure.lines].join('\n  ')}\n`);
    process.exitCode = 1;
  }
}
process.stdout.write(`${scripts} whole scripts of ${operations} operations, ${runs} runs\n`);
// The mishaps come one after the other: without a whole script some were never tried.
if (scripts === 0) process.exitCode = 1;
