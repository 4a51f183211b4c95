import { type ErrorCode, toSluiceError } from '../errors.js';
import type { Clock } from './clock.js';

/** One failure as status shows it. */
export interface LoggedError {
  /** What failed: `flush`, `optimization:merge`, `updateWorker`, … */
  what: string;
  code: ErrorCode;
  message: string;
  /** Milliseconds since 1970-01-01 UTC of the last time. */
  at: number;
  /** How many times in a row. */
  times: number;
  /** When the same thing succeeded again; null while it hasn't. */
  recoveredAt: number | null;
}

/** Errors are kept for people to read; recovered ones go first when there are more than this. */
const KEEP = 16;

/** The failures of the workers: an error stands until what failed has succeeded. */
export class ErrorLog {
  readonly #clock: Clock;
  #errors: LoggedError[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  report(what: string, thrown: unknown): void {
    const error = toSluiceError(thrown, 'SLUICE_CRASHED');
    const standing = this.#standing(what);
    if (standing !== undefined) {
      standing.code = error.code;
      standing.message = error.message;
      standing.at = this.#clock.now();
      standing.times += 1;
      return;
    }
    const { code, message } = error;
    const at = this.#clock.now();
    this.#errors.push({ what, code, message, at, times: 1, recoveredAt: null });
    while (this.#errors.length > KEEP) {
      const recovered = this.#errors.findIndex((entry) => entry.recoveredAt !== null);
      this.#errors.splice(Math.max(recovered, 0), 1);
    }
  }

  /** What failed has succeeded. */
  recovered(what: string): void {
    const standing = this.#standing(what);
    if (standing !== undefined) standing.recoveredAt = this.#clock.now();
  }

  /** Oldest first. */
  list(): LoggedError[] {
    return this.#errors.map((entry) => ({ ...entry }));
  }

  get standing(): LoggedError[] {
    return this.list().filter((entry) => entry.recoveredAt === null);
  }

  #standing(what: string): LoggedError | undefined {
    return this.#errors.find((entry) => entry.what === what && entry.recoveredAt === null);
  }
}
