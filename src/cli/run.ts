import { Command, CommanderError } from 'commander';
import { isCancelled, SluiceError } from '../errors.js';
import type { Context } from './context.js';
import { getCommand } from './get.js';
import { graphCommand } from './graph.js';
import { EXIT, type Host } from './host.js';
import { infoCommand } from './info.js';
import { ingestCommand } from './ingest.js';
import { inspectCommand } from './inspect.js';
import { type LogLevel, openLog } from './log-lines.js';
import { optimizeCommand } from './optimize.js';
import { Output, UsageError } from './output.js';
import { searchCommand } from './search.js';
import { simulateCommand } from './simulate.js';
import { snapshotCommand } from './snapshot.js';
import { verifyCommand } from './verify.js';

const HELP = `
Exit codes: 0 done; 1 failed; 2 wrong use; 130 ended by Ctrl-C or SIGTERM. The first Ctrl-C
lets a command finish what is in flight; a second one ends it at once, which every store survives.
"sluice COMMAND --help" tells more about a command.`;

/** What the commands work with, besides the process. */
export interface Services extends Pick<Context, 'openCollection' | 'verifyStore'> {
  /** Shown by `--version`. */
  version: string;
}

/**
 * Runs one command line (without the program's name) and returns the exit code: 0 ok, 1 failed,
 * 2 wrong use, 130 interrupted. Never throws.
 */
export async function run(
  argv: readonly string[],
  host: Host,
  { version, ...services }: Services,
): Promise<number> {
  const output = new Output(host, argv.includes('--json'));
  const context: Context = { host, output, logger: undefined, ...services };
  const program = createProgram(context, version);
  program.hook('preAction', async (_, command) => {
    const { log } = command.opts<{ log?: LogLevel }>();
    if (log !== undefined) context.logger = await openLog(host, log, output.json);
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
    if (host.signal.aborted && isInterrupt(error)) return output.interrupted();
    return output.failure(error instanceof CommanderError ? usageError(error) : error);
  }
  return host.signal.aborted ? output.interrupted() : EXIT.ok;
}

function createProgram(context: Context, version: string): Command {
  const { host } = context;
  const program = new Command('sluice');
  program
    .description(
      'Look into a Sluice collection, fill it, search it, check it, copy it, put it to the test.',
    )
    .version(version)
    .exitOverride()
    .showSuggestionAfterError(false)
    .addHelpText('after', HELP)
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      // Errors are written by `run`, on one line; help that nobody asked for goes to stderr.
      writeErr: (text) => host.stderr.write(text),
      outputError: () => undefined,
    });
  ingestCommand(program, context);
  searchCommand(program, context);
  getCommand(program, context);
  infoCommand(program, context);
  optimizeCommand(program, context);
  verifyCommand(program, context);
  snapshotCommand(program, context);
  inspectCommand(program, context);
  graphCommand(program, context);
  simulateCommand(program, context);
  return program;
}

function usageError(error: CommanderError): UsageError {
  if (error.code === 'commander.help') return new UsageError('a command is needed');
  const message = error.message.replace(/^error: /, '');
  const isUnknown = error.code === 'commander.unknownCommand';
  return new UsageError(isUnknown ? `${message}; "sluice --help" lists them` : message);
}

function isInterrupt(error: unknown): boolean {
  return isCancelled(error) || (error instanceof SluiceError && error.code === 'SLUICE_ABORTED');
}
