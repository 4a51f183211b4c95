import type { Command } from 'commander';
import { SluiceError } from '../errors.js';
import { type Context, describeCommand } from './context.js';

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

async function verify(context: Context, path: string): Promise<void> {
  const { ok, checked, problems } = await context.verifyStore(path, {
    signal: context.host.signal,
  });
  context.output.result({ ok, checked, problems }, () => {
    const counts = Object.entries(checked).map(([what, count]) => `${count} ${what}`);
    const lines = problems.map(({ what, message }) => `${what}: ${message}`);
    return [...lines, `${ok ? 'ok' : 'damaged'}: ${counts.join(', ')}`].join('\n');
  });
  if (!ok) throw new SluiceError('SLUICE_DAMAGED', `${path}: ${count(problems.length)}`);
}

function count(problems: number): string {
  return problems === 1 ? '1 problem' : `${problems} problems`;
}
