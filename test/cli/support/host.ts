import { PassThrough, Readable } from 'node:stream';
import type { OpenCollection, VerifyStore } from '#sluice/cli/facade.js';
import type { TextStream } from '#sluice/cli/host.js';
import { run } from '#sluice/cli/run.js';
import { type Clock, systemClock } from '#sluice/services/clock.js';

/** What a command did. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** What a test gives a command beside its arguments. */
export interface World {
  openCollection?: OpenCollection;
  verifyStore?: VerifyStore;
  stdin?: Readable;
  signal?: AbortSignal;
  clock?: Clock;
  /** A person watches stderr. */
  isTTY?: boolean;
  /** How wide the terminal is. @default 80 */
  columns?: number;
  /** Stdout and stderr are a terminal that shows colors. */
  colored?: boolean;
}

function collected(isTTY: boolean, { columns = 80, colored = false }: World) {
  const chunks: Buffer[] = [];
  const stream = new PassThrough();
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const hasColors = () => colored;
  const terminal = { isTTY, columns, hasColors, cursorTo: () => true, clearLine: () => true };
  const watched: TextStream = Object.assign(stream, terminal);
  return { stream: watched, text: () => Buffer.concat(chunks).toString() };
}

/** Runs one command line within this process. */
export async function sluice(argv: readonly string[], world: World = {}): Promise<Outcome> {
  const stdout = collected(world.colored ?? false, world);
  const stderr = collected(world.isTTY ?? world.colored ?? false, world);
  const unexpected = () => Promise.reject(new Error('not for this test'));
  const host = {
    stdin: world.stdin ?? Readable.from([]),
    stdout: stdout.stream,
    stderr: stderr.stream,
    clock: world.clock ?? systemClock,
    signal: world.signal ?? new AbortController().signal,
  };
  const code = await run(argv, host, {
    openCollection: world.openCollection ?? unexpected,
    verifyStore: world.verifyStore ?? unexpected,
    version: '1.2.3',
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}
