import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../services/clock.js';

/** A stream for people; a terminal has `isTTY`. */
export type TextStream = Writable & {
  isTTY?: boolean;
  columns?: number;
  hasColors?: () => boolean;
};

/** What a command uses of the process, so that tests can run commands within their own. */
export interface Host {
  stdin: Readable;
  stdout: TextStream;
  stderr: TextStream;
  clock: Clock;
  /** Fires at the first Ctrl-C: commands then finish what is in flight and close. */
  signal: AbortSignal;
}

/** The exit codes of every command. */
export const EXIT = { ok: 0, failed: 1, wrongUse: 2, interrupted: 130 } as const;
