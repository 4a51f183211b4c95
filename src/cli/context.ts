import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Logger } from 'pino';
import { SluiceError } from '../errors.js';
import type { TimerHandle } from '../services/clock.js';
import type { CollectionHandle, OpenCollection, VerifyStore } from './facade.js';
import type { Host } from './host.js';
import { LOG_LEVELS } from './log-lines.js';
import type { Output } from './output.js';

/** What every command is given. */
export interface Context {
  host: Host;
  output: Output;
  openCollection: OpenCollection;
  verifyStore: VerifyStore;
  /** What `--log` asks for. */
  logger: Logger | undefined;
}

/** How long opening or checking may take to end by itself after a signal. Milliseconds. */
const GIVE_UP_LIMIT_MS = 2000;

/**
 * Waits for work that was given the host's signal, and after that signal for a limited time only:
 * a long log is read and applied in steps that nothing ends early. The process then ends without
 * it, which a store survives at any moment. Errors: `SLUICE_ABORTED`.
 */
export function unlessGivenUp<T>({ clock, signal }: Host, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: TimerHandle | undefined;
    const giveUp = () => {
      timer = clock.setTimeout(
        () => reject(new SluiceError('SLUICE_ABORTED', 'did not end in time after the signal')),
        GIVE_UP_LIMIT_MS,
      );
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
    const settled = () => {
      signal.removeEventListener('abort', giveUp);
      if (timer !== undefined) clock.clearTimeout(timer);
    };
    work.then(resolve, reject).finally(settled);
  });
}

/** Opens a collection; a signal gives that up within a limit. */
export function openWithin(
  { host, openCollection, logger }: Context,
  path: string,
  options: Omit<Parameters<OpenCollection>[1], 'signal' | 'logger'> = {},
): Promise<CollectionHandle> {
  const { signal } = host;
  const logging = logger === undefined ? {} : { logger };
  return unlessGivenUp(host, openCollection(path, { ...options, ...logging, signal }));
}

/** Opens an existing collection for the time of one action, and closes it whatever happens. */
export async function withCollection(
  context: Context,
  path: string,
  action: (collection: CollectionHandle) => Promise<void>,
): Promise<void> {
  const collection = await openWithin(context, path);
  try {
    await action(collection);
  } finally {
    await collection.close();
  }
}

/** A command with what all of them have. */
export function describeCommand(program: Command, usage: string, summary: string): Command {
  return program
    .command(usage)
    .description(summary)
    .option('--json', 'print one JSON document on stdout, for machines');
}

/** A command that opens a collection, and can show what it logs. */
export function describeOpening(program: Command, usage: string, summary: string): Command {
  const log = new Option('--log <level>', 'show what the collection logs, on stderr');
  return describeCommand(program, usage, summary).addOption(log.choices(LOG_LEVELS));
}

/** For option values: a whole number from 1. */
export function positiveInteger(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a whole number from 1.');
}

/** For option values: any JSON. */
export function jsonValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidArgumentError(`It must be JSON: ${String(error)}.`);
  }
}
