// Replays the seeds that once failed, then runs seeds in two processes for so many minutes, or so many
// seeds: `node scripts/simulate.mjs 10`, `node scripts/simulate.mjs --seeds 20000 --seed 1`.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { withSeedProcesses } from '../dist/cli/seed-processes.js';
import { findingsOf, isEnough, reportText } from '../dist/cli/simulate-report.js';
import { systemClock } from '../dist/services/clock.js';
import { runCampaign } from '../dist/testing/simulation/campaign.js';
import { runSeed } from '../dist/testing/simulation/seed-run.js';

/** Between two lines that tell how far it is. */
const TELL_MS = 60_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1000000' },
    operations: { type: 'string', default: '500' },
    jobs: { type: 'string', default: '2' },
  },
});
const [minutes = values.seeds === '1000000' ? 10 : Number.POSITIVE_INFINITY] = positionals;
const tell = (text) => process.stdout.write(`${text}\n`);

const kept = JSON.parse(readFileSync(new URL('../test/simulation/seeds.json', import.meta.url)));
for (const { seed, operations, found } of kept) {
  const { failed } = await runSeed(seed, { operations });
  if (failed === undefined) continue;
  tell(`seed ${seed}, which once found: ${found}, fails: ${failed.message}`);
  tell(`  ${[...failed.lines, `again: ${failed.replay}`].join('\n  ')}`);
  process.exitCode = 1;
}
tell(`${kept.length} seeds that once failed: ${process.exitCode === 1 ? 'not all' : 'all'} well`);

let told = systemClock.now();
let failures = 0;
const operations = Number(values.operations);
const campaign = {
  seed: Number(values.seed),
  seeds: Number(values.seeds),
  operations,
  limitMs: Number(minutes) * 60_000,
  clock: systemClock,
  onSeed: (sofar) => {
    for (const failed of sofar.failed.slice(failures))
      tell(`${failed.message}\n  ${failed.replay}`);
    failures = sofar.failed.length;
    if (systemClock.now() < told + TELL_MS) return;
    told = systemClock.now();
    const { seeds, seedsPerCpuMinute } = sofar;
    tell(
      `${seeds} seeds, ${sofar.operations} operations, ${seedsPerCpuMinute} seeds a processor minute`,
    );
  },
};
const jobs = Math.min(Number(values.jobs), campaign.seeds);
const report = await withSeedProcesses(jobs, { operations }, (lanes, processorMsOfAll) =>
  runCampaign({ ...campaign, lanes, processorMs: processorMsOfAll }),
);
const isWhole = isEnough(report);
tell(reportText(report, isWhole));
const findings = findingsOf(report, isWhole);
for (const finding of findings) tell(finding);
if (report.failed.length > 0 || findings.length > 0) process.exitCode = 1;
