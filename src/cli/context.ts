import { type Command, InvalidArgumentError } from 'commander';
import type { CollectionHandle, OpenCollection, VerifyStore } from './facade.js';
import type { Host } from './host.js';
import type { Output } from './output.js';

/** What every command is given. */
export interface Context {
  host: Host;
  output: Output;
  openCollection: OpenCollection;
  verifyStore: VerifyStore;
}

/** Opens an existing collection for the time of one action, and closes it whatever happens. */
export async function withCollection(
  context: Context,
  path: string,
  action: (collection: CollectionHandle) => Promise<void>,
): Promise<void> {
  const collection = await context.openCollection(path, { signal: context.host.signal });
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
