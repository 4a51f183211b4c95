import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { wholeLines } from './marks.js';
import type { Step, StepOptions } from './steps.js';

const ENDURE = fileURLToPath(new URL('./child/endure.mjs', import.meta.url));

/** A system call that fails; those that are common in every process only on some files, by name. */
export interface Call {
  name: string;
  files?: 'databases' | 'indexes';
}

export const CALLS: readonly Call[] = [
  ...['fdatasync', 'fsync', 'rename', 'unlink', 'mkdir'].map((name) => ({ name })),
  ...['write', 'openat', 'read'].map((name) => ({ name, files: 'databases' as const })),
  ...['write', 'openat', 'pread64', 'fsync'].map((name) => ({ name, files: 'indexes' as const })),
];

/** A call in words. */
export const textOf = ({ name, files }: Call) => (files ? `${name} of ${files}` : name);

/** What a call does instead: it fails, that once or from then on, or the process is killed. */
export const EFFECTS = ['EIO', 'EIO+', 'ENOSPC', 'ENOSPC+', 'SIGKILL'] as const;
export type Effect = (typeof EFFECTS)[number];

/** The n-th call of this name by a thread has this effect; strace counts for each thread. */
export interface Fault {
  call: Call;
  effect: Effect;
  number: number;
}

/** A script of several openings; after each round a store that has broken is reopened. */
export interface LongScript {
  inFlightMax: number;
  parts: { options: StepOptions; rounds: Step[][] }[];
}

/** What a process said and how it ended. */
export interface Endured {
  lines: string[];
  /** Whether the fault happened at all. */
  hit: boolean;
  end: 'by itself' | 'killed by the fault' | 'hung' | `with ${string}`;
  /** What strace recorded: every call of the fault's name. */
  trace: string;
}

const TIME_LIMIT_MS = 60_000;
/** Numbers that the databases' files get in one run, about. */
const FILE_NUMBERS = 60;
/** Random names that a process makes in one run, about; see `child/endure.mjs`. */
const RANDOM_NAMES = 150;

/** Runs a script on a store in `directory`, with a fault or, to count calls, without effect. */
export async function endure(
  directory: string,
  target: URL,
  script: LongScript,
  fault: Fault | { call: Call },
): Promise<Endured> {
  const scriptFile = join(directory, 'script.json');
  const marksFile = join(directory, 'marks');
  const traceFile = join(directory, 'trace');
  const store = join(directory, 'store');
  writeFileSync(scriptFile, JSON.stringify(script));
  writeFileSync(marksFile, '');
  mkdirSync(store, { recursive: true });
  const parameters = [ENDURE, target.href, store, scriptFile, marksFile];
  const flags = [...straceFlags(store, fault), '-o', traceFile];
  const child = spawn('strace', [...flags, process.execPath, ...parameters], {
    // One thread for all that Node does in the background, so that numbers mean the same each time.
    env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  }, TIME_LIMIT_MS);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(timer);
  const trace = existsSync(traceFile) ? readFileSync(traceFile, 'latin1') : '';
  const isKilled = signal === 'SIGKILL' && 'effect' in fault && fault.effect === 'SIGKILL';
  return {
    lines: wholeLines(readFileSync(marksFile, 'utf8')),
    hit: isKilled || trace.includes('(INJECTED)'),
    end: isLate
      ? 'hung'
      : isKilled
        ? 'killed by the fault'
        : code === 0
          ? 'by itself'
          : `with ${code ?? signal}: ${errors.slice(0, 500)}`,
    trace,
  };
}

function straceFlags(store: string, fault: Fault | { call: Call }): string[] {
  const { name: callName, files } = fault.call;
  const flags = ['-f', '--seccomp-bpf', '-e', `trace=${callName}`];
  if (files !== undefined) {
    const paths = files === 'databases' ? databaseFiles(store) : indexFiles(store);
    flags.push(...paths.flatMap((path) => ['-P', path]));
  }
  if (!('effect' in fault)) return flags;
  const { effect, number } = fault;
  const when = `when=${number}${effect.endsWith('+') ? '+' : ''}`;
  const name = effect.replace('+', '');
  const what = name === 'SIGKILL' ? `signal=${name}` : `error=${name}`;
  return [...flags, '-e', `inject=${callName}:${what}:${when}`];
}

function databaseFiles(store: string): string[] {
  return ['wal', 'segments'].flatMap((name) => {
    const paths = ['', 'CURRENT', 'UNCLOSED'].map((file) => join(store, name, file));
    for (let number = 1; number <= FILE_NUMBERS; number += 1) {
      const text = String(number).padStart(6, '0');
      const names = [`${text}.log`, `${text}.ldb`, `${text}.dbtmp`, `MANIFEST-${text}`];
      paths.push(...names.map((file) => join(store, name, file)));
    }
    return paths;
  });
}

function indexFiles(store: string): string[] {
  return Array.from({ length: RANDOM_NAMES }, (_, index) => {
    const name = (index + 1).toString(16).padStart(32, '0');
    return join(store, 'vector-index', `${name}.hnsw`);
  });
}

/** The most calls that one thread has made. */
export function callsOfBusiestThread(trace: string, { name }: Call): number {
  const counts = new Map<string, number>();
  for (const line of trace.split('\n')) {
    const [thread = '', text = ''] = line.split(/\s+(.*)/);
    if (text.startsWith(`${name}(`)) counts.set(thread, (counts.get(thread) ?? 0) + 1);
  }
  return Math.max(0, ...counts.values());
}
