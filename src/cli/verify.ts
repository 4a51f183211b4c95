import type { Command } from 'commander';
import { SluiceError } from '../errors.js';
import type { Verification } from '../services/points/verify.js';
import { type Context, describeCommand, unlessGivenUp } from './context.js';
import { counted, sizeText } from './text.js';

const HELP = `
Checks every checksum, the manifest's counts against the data, that the log has no gap and that
each id is there once. Nothing is changed. Nobody else may have the collection open.`;

/** `sluice verify DB`: checks everything that is stored. */
export function verifyCommand(program: Command, context: Context): void {
  describeCommand(program, 'verify', 'check everything that is stored')
    .argument('<db>', 'directory of the collection')
    .addHelpText('after', HELP)
    .action((path: string) => verify(context, path));
}

async function verify({ host, output, verifyStore }: Context, path: string): Promise<void> {
  const { signal } = host;
  const result = await unlessGivenUp(host, verifyStore(path, { signal }));
  const { ok, checked, problems } = result;
  output.result({ ok, checked, problems }, () => verificationText(result));
  if (!ok)
    throw new SluiceError('SLUICE_DAMAGED', `${path}: ${counted(problems.length, 'problem')}`);
}

function verificationText({ ok, checked, problems }: Verification): string {
  const { values, bytes, records, segments, blocks, points, indexes, toReplay } = checked;
  const counts = [
    `${counted(values, 'value')} (${sizeText(bytes)})`,
    `${counted(records, 'record')} of the log`,
    counted(segments, 'segment'),
    counted(blocks, 'block'),
    counted(points, 'point'),
  ];
  if (indexes > 0) counts.push(counted(indexes, 'index file'));
  const lines = problems.map(({ what, message }) => `${what}: ${message}`);
  lines.push(`${ok ? 'ok' : 'damaged'}: ${counts.join(', ')}`);
  if (toReplay > 0) {
    const them = toReplay === 1 ? 'it' : 'them';
    const left = `${counted(toReplay, 'record')} of the log still to be applied`;
    lines.push(`${left}: the next opening replays ${them}`);
  }
  return lines.join('\n');
}
