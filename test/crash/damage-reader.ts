import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const READER = fileURLToPath(new URL('./child/damage-reader.mjs', import.meta.url));
const TIME_LIMIT_MS = 60_000;

/** What came of opening and reading a store: what it holds, or what went wrong. */
export interface Reading {
  /** Everything in it. */
  text?: string;
  /** The code of what was thrown. */
  code?: string;
  message?: string;
  /** It was read, and contradicts itself. */
  error?: string;
}

/** A store read twice; `third` is empty, or what went wrong when it was worked with. */
export interface Answer {
  first: Reading;
  second: Reading;
  third: Reading;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Reads stores in a process of its own, and in another one when that has died or hangs. */
export class DamageReader {
  readonly #command: readonly [string, ...string[]];
  #child: Child | undefined;
  #lines: AsyncIterator<string> | undefined;
  #errors = '';

  /** `command` runs node with whatever arguments are added to it. */
  constructor(command: readonly [string, ...string[]] = [process.execPath]) {
    this.#command = command;
  }

  /** The answer, or how the process ended without one. `goOn`: work with a store that opens. */
  async read(path: string, goOn: boolean): Promise<Answer | string> {
    const child = this.#running();
    child.stdin.write(`${JSON.stringify({ path, goOn })}\n`);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, TIME_LIMIT_MS);
    const line = await this.#lines?.next();
    clearTimeout(timer);
    if (line !== undefined && !line.done) return JSON.parse(line.value) as Answer;
    this.#child = undefined;
    return isLate ? 'hangs' : `dies: ${child.signalCode ?? child.exitCode} ${this.#errors}`;
  }

  /** Allows the process no more than so many file descriptors; it must have read a store before. */
  limitDescriptors(count: number): void {
    const pid = this.#running().pid;
    execFileSync('prlimit', [`--pid=${pid}`, `--nofile=${count}:`]);
  }

  end(): void {
    this.#child?.stdin.end();
    this.#child = undefined;
  }

  #running(): Child {
    if (this.#child !== undefined) return this.#child;
    const [program, ...parameters] = this.#command;
    const child = spawn(program, [...parameters, READER], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-500);
    });
    // Writing to a process that has just died: reading tells of that.
    child.stdin.on('error', () => {});
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.#child = child;
    return child;
  }
}
