import { type Command, InvalidArgumentError, Option } from 'commander';
import { SluiceError } from '../errors.js';
import type { CampaignReport, FailedSeed } from '../testing/simulation/campaign.js';
import type { FaultClass } from '../testing/simulation/faults.js';
import { type Context, describeCommand, positiveInteger } from './context.js';
import { Progress } from './progress.js';
import { counted } from './text.js';

const HELP = `
Runs collections in virtual time on stores that fail, are killed and lose power, and compares
them with a model. Nothing is read or written outside of memory. The same seed does the same
each time. With 200 seeds of 500 operations or more, every class of faults must have struck,
every transition of the charts must have been taken, and enough must have gone on.`;

interface SimulateFlags {
  seed: number;
  seeds: number;
  operations: number;
  jobs?: number;
  minutes?: number;
  without: readonly FaultClass[];
}

/** Operations from which on nothing may be missing that a campaign must reach. */
const OPERATIONS_ENOUGH = 100_000;
/** Lines of a trace that are shown. */
const LINES_SHOWN = 30;

/** `sluice simulate`: runs seeds of the deterministic simulation. */
export function simulateCommand(program: Command, context: Context): void {
  describeCommand(program, 'simulate', 'put the engine itself to the test, by seeds')
    .option('--seed <n>', 'the first seed', positiveInteger, 1)
    .option('--seeds <n>', 'how many in a row', positiveInteger, 1)
    .option('--operations <n>', 'updates in each', positiveInteger, 500)
    .option(
      '--jobs <n>',
      "threads at once; without it, none but the command's own",
      positiveInteger,
    )
    .option('--minutes <n>', 'end after so much time, whether or not all have run', positiveInteger)
    .addOption(
      new Option('--without <classes>', 'fault classes to leave out, with commas between')
        .argParser((text) => text.split(','))
        .default([], 'none'),
    )
    .addHelpText('after', HELP)
    .action((flags: SimulateFlags) => simulateSeeds(context, flags));
}

async function simulateSeeds({ host, output }: Context, flags: SimulateFlags): Promise<void> {
  // Loaded when it is wanted, as the engine itself.
  const { runCampaign } = await import('../testing/simulation/campaign.js');
  const { FAULT_CLASSES } = await import('../testing/simulation/faults.js');
  for (const name of flags.without) {
    if (FAULT_CLASSES.includes(name)) continue;
    throw new InvalidArgumentError(`--without takes some of ${FAULT_CLASSES.join(', ')}.`);
  }
  const { clock, signal } = host;
  const progress = new Progress(host, output.json);
  const { minutes, ...seeds } = flags;
  const report = await runCampaign({
    ...seeds,
    clock,
    signal,
    limitMs: minutes === undefined ? undefined : minutes * 60_000,
    onSeed: ({ seeds: done, failed, seedsPerCpuMinute }) => {
      const note = `${failed.length} failed, ${seedsPerCpuMinute} a minute of a processor`;
      progress.show('simulating', done, flags.seeds, 'seeds', note);
    },
  }).finally(() => progress.stop());
  output.result(report, () => reportText(report, flags));
  if (report.failed.length > 0) {
    throw new SluiceError('SLUICE_FINDINGS', counted(report.failed.length, 'failed seed'));
  }
  const { missing, disproved } = report.transitions;
  const lacking = [
    ...report.faultsMissing.map((name) => `the fault ${name} never struck`),
    ...report.trafficMissing.map((name) => `too little was ${name}`),
    ...missing.map((name) => `never taken: ${name}`),
  ];
  const findings = [
    ...disproved.map((name) => `taken, though there is a reason why not: ${name}`),
    ...(isEnough(report, flags) ? lacking : []),
  ];
  if (findings.length > 0) throw new SluiceError('SLUICE_FINDINGS', findings.join('; '));
}

function isEnough({ operations }: CampaignReport, { without }: SimulateFlags): boolean {
  return operations >= OPERATIONS_ENOUGH && without.length === 0;
}

function reportText(report: CampaignReport, flags: SimulateFlags): string {
  const { seeds, operations, virtualHours, failed, faults, traffic, transitions } = report;
  const { total, missing, seldom } = transitions;
  const taken = total - missing.length - seldom.length;
  return [
    ...failed.flatMap(failureLines),
    `faults: ${countsText(faults)}`,
    `traffic: ${countsText(traffic)}`,
    `transitions taken: ${taken} of ${total}`,
    ...(isEnough(report, flags) ? [...missing, ...seldom] : []).map(
      (name) => `never taken: ${name}`,
    ),
    `${counted(seeds, 'seed')}, ${counted(operations, 'operation')}, ` +
      `${virtualHours.toFixed(2)} virtual hours, ` +
      `${report.seedsPerCpuMinute} seeds a minute of a processor, ${failed.length} failed`,
  ].join('\n');
}

function countsText(counts: Record<string, number>): string {
  const sorted = Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
}

function failureLines({ seed, message, operations, without, lines, replay }: FailedSeed): string[] {
  const left = without.length === 0 ? '' : `, without ${without.join(', ')}`;
  return [
    `seed ${seed}: ${message}`,
    `  with ${counted(operations, 'operation')}${left}; the last of what happened:`,
    ...lines.slice(-LINES_SHOWN).map((line) => `  ${line}`),
    `  again: ${replay}`,
  ];
}
