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
each time. --record writes what the actors of the first failing seed do, else those of the first
seed; "sluice inspect --replay" shows it. Every class of faults must have struck when 200 seeds
or more are run.`;

interface SimulateFlags {
  seed: number;
  seeds: number;
  operations: number;
  minutes?: number;
  without: readonly FaultClass[];
  record?: string;
}

/** Seeds from which on every class of faults must have struck. */
const SEEDS_ENOUGH = 200;
/** Lines of a trace that are shown. */
const LINES_SHOWN = 30;

/** `sluice simulate`: runs seeds of the deterministic simulation. */
export function simulateCommand(program: Command, context: Context): void {
  describeCommand(program, 'simulate', 'put the engine itself to the test, by seeds')
    .option('--seed <n>', 'the first seed', positiveInteger, 1)
    .option('--seeds <n>', 'how many in a row', positiveInteger, 1)
    .option('--operations <n>', 'updates in each', positiveInteger, 500)
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
  const { minutes, record, ...seeds } = flags;
  const report = await runCampaign({
    ...seeds,
    clock,
    signal,
    limitMs: minutes === undefined ? undefined : minutes * 60_000,
    onSeed: (done) => progress.show('simulating', done, flags.seeds, 'seeds'),
  }).finally(() => progress.stop());
  if (record !== undefined) await recordSeed(record, report.failed[0] ?? flags);
  output.result(report, () => reportText(report));
  const isEnough = report.seeds >= SEEDS_ENOUGH && flags.without.length === 0;
  if (report.failed.length > 0) {
    throw new SluiceError('SLUICE_FINDINGS', counted(report.failed.length, 'failed seed'));
  }
  if (isEnough && report.faultsMissing.length > 0) {
    const missing = report.faultsMissing.join(', ');
    throw new SluiceError('SLUICE_FINDINGS', `faults that never struck: ${missing}`);
  }
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

function reportText(report: CampaignReport): string {
  const { seeds, operations, virtualHours, failed, faults, transitions } = report;
  const { total, missing } = transitions;
  const strikes = Object.entries(faults).map(([name, count]) => `${name} ${count}`);
  return [
    ...failed.flatMap(failureLines),
    `faults: ${strikes.sort().join(', ') || 'none'}`,
    `transitions taken: ${total - missing.length} of ${total}`,
    ...(seeds >= SEEDS_ENOUGH ? missing.map((name) => `never taken: ${name}`) : []),
    `${counted(seeds, 'seed')}, ${counted(operations, 'operation')}, ` +
      `${virtualHours.toFixed(2)} virtual hours, ${failed.length} failed`,
  ].join('\n');
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
