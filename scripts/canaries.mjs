// Puts each known defect into the built package and counts the seeds until the simulation finds it.
import { CANARIES, hunt } from '../dist/testing/simulation/canaries/hunt.js';

const SEEDS_MAX = Number(process.argv[2] ?? 2000);

let missed = 0;
process.stdout.write(`${'seeds'.padStart(6)}  ${'defect'.padEnd(58)}  rule that it broke\n`);
for (const canary of CANARIES) {
  const { seeds, rule } = await hunt(canary, { seedsMax: SEEDS_MAX });
  if (seeds === undefined) missed += 1;
  const count = String(seeds ?? 'none').padStart(6);
  process.stdout.write(`${count}  ${canary.name.padEnd(58)}  ${rule ?? 'not found'}\n`);
}
process.stdout.write(`canaries: ${CANARIES.length}, found ${CANARIES.length - missed}\n`);
if (missed > 0) process.exitCode = 1;
