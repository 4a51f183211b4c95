/**
 * What the failure means for the caller and for the workers:
 *
 * - `declined`: the request was refused; nothing changed and everything goes on.
 * - `transient`: the same step may succeed when it is tried again; workers retry with back-off.
 * - `sticky`: the storage can no longer be written by this handle; the collection is `broken`
 *   until `reopen()`, which finds out what was really written.
 */
export type ErrorKind = 'declined' | 'transient' | 'sticky';

/** Every code with the kind it has unless the place that throws says otherwise. */
const KINDS = {
  SLUICE_ABORTED: 'declined',
  SLUICE_BAD_FILTER: 'declined',
  SLUICE_BAD_ID: 'declined',
  SLUICE_BAD_LINE: 'declined',
  SLUICE_BAD_OPTION: 'declined',
  SLUICE_BAD_PAYLOAD: 'declined',
  SLUICE_BAD_VECTOR: 'declined',
  SLUICE_BROKEN: 'declined',
  SLUICE_CANCELLED: 'transient',
  SLUICE_CLOCK_REJECTED: 'declined',
  SLUICE_CRASHED: 'transient',
  SLUICE_DAMAGED: 'sticky',
  SLUICE_DECLINED: 'declined',
  SLUICE_DIMENSIONS_MISMATCH: 'declined',
  SLUICE_DISK_FULL: 'sticky',
  SLUICE_EXISTS: 'declined',
  SLUICE_FINDINGS: 'declined',
  SLUICE_FORMAT_UNKNOWN: 'sticky',
  SLUICE_INDEX_LOST: 'transient',
  SLUICE_INDEX_UNAVAILABLE: 'declined',
  SLUICE_INSPECTOR_UNAVAILABLE: 'declined',
  SLUICE_IO: 'sticky',
  SLUICE_LOCKED: 'declined',
  SLUICE_MISMATCH: 'declined',
  SLUICE_NOT_A_STORE: 'declined',
  SLUICE_NOT_ENOUGH_SPACE: 'transient',
  SLUICE_NOT_EXPLORABLE: 'declined',
  SLUICE_NOT_FOUND: 'declined',
  SLUICE_NOT_OPEN: 'declined',
  SLUICE_OPERATION_TOO_LARGE: 'declined',
  SLUICE_POINT_NOT_FOUND: 'declined',
  SLUICE_READER_TOO_SLOW: 'declined',
  SLUICE_STOPPED: 'declined',
  SLUICE_THREAD: 'transient',
  SLUICE_WAL_FULL: 'declined',
  SLUICE_WAL_TRUNCATED: 'declined',
} as const satisfies Record<string, ErrorKind>;

/** A stable, upper-case error code; each has a heading in docs/errors.md. */
export type ErrorCode = keyof typeof KINDS;

/** All codes, sorted; docs/errors.md is tested against this list. */
export const ERROR_CODES: readonly ErrorCode[] = (Object.keys(KINDS) as ErrorCode[]).sort();

/** An operational error. `code` is part of the API and changes only in a major release; the message is not. */
export class SluiceError extends Error {
  override readonly name = 'SluiceError';
  readonly code: ErrorCode;
  readonly kind: ErrorKind;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; kind?: ErrorKind } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.kind = options.kind ?? KINDS[code];
  }
}

/** True for an error that a worker may try again: marked `transient` by whoever threw it. */
export function isTransient(error: unknown): boolean {
  return error instanceof SluiceError && error.kind === 'transient';
}

/** True for an error after which the storage must be reopened. */
export function isSticky(error: unknown): boolean {
  return error instanceof SluiceError && error.kind === 'sticky';
}

/** True for the error an effect throws because its AbortSignal fired. */
export function isCancelled(error: unknown): boolean {
  return error instanceof SluiceError && error.code === 'SLUICE_CANCELLED';
}

/** Throws `SLUICE_CANCELLED` (with the signal's reason as cause) when the signal has fired. */
export function throwIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof SluiceError) throw signal.reason;
  throw new SluiceError('SLUICE_CANCELLED', 'cancelled', { cause: signal.reason });
}

/**
 * What a caller gets whose own signal ended the work: any end by that signal becomes
 * `SLUICE_ABORTED` with the signal's reason as cause; another failure stays what it is.
 */
export function abortedByCaller(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted !== true) return error;
  if (!isCancelled(error) && error !== signal.reason) return error;
  return new SluiceError('SLUICE_ABORTED', 'given up by the caller', { cause: signal.reason });
}

/** The text of anything that was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Wraps anything that isn't a SluiceError, so that each failure has a code. */
export function toSluiceError(error: unknown, code: ErrorCode, message?: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const text = errorText(error);
  return new SluiceError(code, message === undefined ? text : `${message}: ${text}`, {
    cause: error,
  });
}

/** An invariant of our own; a failure is a defect of Sluice or of an adapter and stops the collection. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new SluiceError('SLUICE_DAMAGED', `invariant violated: ${message}`);
}
