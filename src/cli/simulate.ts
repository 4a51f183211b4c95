import { type Command, InvalidArgumentError, Option } from 'commander';
import { SluiceError } from '../errors.js';
import type { CampaignOptions, FailedSeed } from '../testing/simulation/campaign.js';
import type { FaultClass } from '../testing/simulation/faults.js';
import { type Context, describeCommand, positiveInteger } from './context.js';
import { processorMs } from './processor-ms.js';
import { Progress } from './progress.js';
import { withSeedProcesses } from './seed-processes.js';
import { findingsOf, isEnough, reportText } from './simulate-report.js';
import { counted } from './text.js';

const HELP = `
Runs collections in virtual time on stores that fail, are killed and lose power, and compares
them with a model. Nothing is read or written outside of memory. The same seed does the same
each time. With 250,000 operations or more, every class of faults must have struck, every
transition of the charts must have been taken that can be, and enough must have gone on.
--record writes what the actors of the first failing seed do, or else those of the first seed;
"sluice inspect --replay" shows it.`;

interface SimulateFlags {
  seed: number;
  seeds: number;
  operations: number;
  jobs?: number;
  minutes?: number;
  without: readonly FaultClass[];
  record?: string;
}

/** `sluice simulate`: runs seeds of the deterministic simulation. */
export function simulateCommand(program: Command, context: Context): void {
  describeCommand(program, 'simulate', 'put the engine itself to the test, by seeds')
    .option('--seed <n>', 'the first seed', positiveInteger, 1)
    .option('--seeds <n>', 'how many in a row', positiveInteger, 1)
    .option('--operations <n>', 'updates in each', positiveInteger, 500)
    .option(
      '--jobs <n>',
      "processes at once; without it, none but the command's own",
      positiveInteger,
    )
    .option('--minutes <n>', 'end after so much time, whether or not all have run', positiveInteger)
    .addOption(
      new Option('--without <classes>', 'fault classes to leave out, with commas between')
        .argParser((text) => text.split(','))
        .default([], 'none'),
    )
    .option('--record <file>', 'write the run of a seed for "sluice inspect --replay"')
    .addHelpText('after', HELP)
    .action((flags: SimulateFlags) => simulateSeeds(context, flags));
}

async function simulateSeeds(context: Context, flags: SimulateFlags): Promise<void> {
  // Loaded when it is wanted, as the engine itself.
  const { runCampaign } = await import('../testing/simulation/campaign.js');
  const { FAULT_CLASSES } = await import('../testing/simulation/faults.js');
  for (const name of flags.without) {
    if (FAULT_CLASSES.includes(name)) continue;
    throw new InvalidArgumentError(`--without takes some of ${FAULT_CLASSES.join(', ')}.`);
  }
  const { host, output } = context;
  const { clock, signal } = host;
  const progress = new Progress(context);
  const { minutes, jobs, record, ...seeds } = flags;
  const { operations, without } = flags;
  const campaign: CampaignOptions = {
    ...seeds,
    processorMs,
    clock,
    signal,
    limitMs: minutes === undefined ? undefined : minutes * 60_000,
    onSeed: ({ seeds: done, failed, seedsPerCpuMinute }) => {
      const note = `${failed.length} failed, ${seedsPerCpuMinute} a minute of a processor`;
      progress.show('simulating', done, flags.seeds, 'seeds', note);
    },
  };
  const running =
    jobs === undefined
      ? runCampaign(campaign)
      : withSeedProcesses(
          Math.min(jobs, flags.seeds),
          { operations, without },
          (lanes, processorMsOfAll) =>
            runCampaign({ ...campaign, lanes, processorMs: processorMsOfAll }),
        );
  const report = await running.finally(() => progress.stop());
  if (record !== undefined) await recordSeed(record, report.failed[0] ?? flags);
  const isWhole = isEnough(report) && flags.without.length === 0;
  output.result(report, () => reportText(report, isWhole));
  if (report.failed.length > 0) {
    throw new SluiceError('SLUICE_FINDINGS', counted(report.failed.length, 'failed seed'));
  }
  const findings = findingsOf(report, isWhole);
  if (findings.length > 0) throw new SluiceError('SLUICE_FINDINGS', findings.join('; '));
}

async function recordSeed(
  path: string,
  { seed, operations, without }: Pick<FailedSeed, 'seed' | 'operations' | 'without'>,
): Promise<void> {
  const { recordRun } = await import('../testing/simulation/record.js');
  const { openRecorder } = await import('../inspect/recorder.js');
  const recorder = await openRecorder(path);
  try {
    await recordRun({ seed, operations, without }, recorder.write);
  } finally {
    await recorder.close();
  }
}
