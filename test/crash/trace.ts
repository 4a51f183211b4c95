import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CallReader, TRACED_CALLS } from './call-reader.js';
import { StraceLines } from './strace-lines.js';
import type { Trace } from './trace-events.js';

/** Longest string strace prints: above any single write of a store under test. */
const STRING_BYTES_MAX = 64 * 1024 * 1024;

/** Why nothing can be traced here, or undefined when it can. */
export function traceUnavailable(): string | undefined {
  if (process.platform !== 'linux') return 'tracing needs Linux and strace';
  const { status, error } = spawnSync('strace', ['-f', '--seccomp-bpf', '-o', '/dev/null', 'true']);
  if (error !== undefined) return 'strace is not installed (on Debian: apt-get install strace)';
  return status === 0 ? undefined : 'strace may not trace processes here';
}

export interface TraceOptions {
  /** Arguments of node: a script and its arguments. */
  command: readonly string[];
  /** Directory whose files are followed; it must exist, and what is in it counts as durable. */
  directory: string;
  /** File, outside of that directory, into which the process reports. */
  marksFile: string;
  /** Where strace may write; removed afterwards. */
  traceFile: string;
  /** How long each `fdatasync`, LevelDB's way to sync a file, waits before it begins. @default 0 */
  fdatasyncDelayMs?: number;
}

/** Runs node under strace until it ends and returns what it did to the directory. */
export async function traceRun(options: TraceOptions): Promise<Trace> {
  const { command, marksFile, traceFile, fdatasyncDelayMs = 0 } = options;
  const directory = realpathSync(options.directory);
  const reader = new CallReader(directory, marksFile);
  reader.recorder.setUp(entriesOf(directory, ''));
  const begin = reader.recorder.events.length;
  const flags = ['-f', '--seccomp-bpf', '-xx', '-s', String(STRING_BYTES_MAX), '-o', traceFile];
  const calls = `trace=${TRACED_CALLS.map((name) => `?${name}`).join()}`;
  const delay = `inject=fdatasync:delay_enter=${fdatasyncDelayMs * 1000}`;
  if (fdatasyncDelayMs > 0) flags.push('-e', delay);
  const child = spawn('strace', [...flags, '-e', calls, process.execPath, ...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`the traced process ended with ${code}: ${errors}`);
  const lines = new StraceLines(
    (call) => reader.begin(call),
    (call, state) => reader.end(call, state),
  );
  for (const line of linesOf(readFileSync(traceFile))) lines.line(line);
  rmSync(traceFile);
  return { events: reader.recorder.events, begin };
}

/** The lines of a file that may be too large for one string. */
function* linesOf(data: Buffer): Generator<string> {
  let start = 0;
  for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, start)) {
    yield data.toString('latin1', start, end);
    start = end + 1;
  }
}

/** Everything in a directory, each directory before what is in it. */
export function* entriesOf(
  directory: string,
  below: string,
): Generator<{ path: string; data: Uint8Array | undefined }> {
  if (!existsSync(join(directory, below))) return;
  for (const entry of readdirSync(join(directory, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      yield { path, data: undefined };
      yield* entriesOf(directory, path);
    } else {
      yield { path, data: readFileSync(join(directory, path)) };
    }
  }
}
