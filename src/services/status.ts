import { toSluiceError } from '../errors.js';
import type { ErrorLog, LoggedError } from './error-log.js';
import type { OptimizationRuns } from './optimization-runs.js';
import type { SegmentInfo } from './ports.js';

/**
 * - `green`: nothing to do.
 * - `yellow`: optimizing or about to.
 * - `grey`: there is work that nothing will start now.
 * - `red`: something has failed and has not succeeded since.
 */
export type StatusColor = 'green' | 'yellow' | 'grey' | 'red';

/** Why the color is what it is. */
export type StatusReason =
  | { reason: 'optimizing'; optimizer: string; segmentIds: readonly number[] }
  | { reason: 'planned'; optimizer: string; segmentIds: readonly number[] }
  | { reason: 'disabled' | 'backingOff' }
  | { reason: 'waitingForTrigger'; why: string }
  | { reason: 'applying'; operations: number }
  | { reason: 'error'; what: string; code: string }
  | { reason: 'state'; state: string };

export interface Status {
  color: StatusColor;
  reasons: StatusReason[];
  /** Failures, oldest first; `recoveredAt` tells which are over. */
  errors: LoggedError[];
}

/** Derives the status from the same plan that the scheduler follows. */
export function deriveStatus<Info extends SegmentInfo>(facts: {
  /** The root's state, by name. */
  state: string;
  /** Operations in the log that are not applied. */
  behind: number;
  slots: number;
  /** Why the optimizers wait for a trigger; undefined when they don't. */
  heldBecause: string | undefined;
  runs: OptimizationRuns<Info>;
  errors: ErrorLog;
}): Status {
  const { state, behind, slots, heldBecause, runs, errors } = facts;
  const reasons: StatusReason[] = errors.standing.map(({ what, code }) => ({
    reason: 'error',
    what,
    code,
  }));
  const isLive = ['recovering', 'running', 'reconfiguring'].includes(state);
  if (state !== 'running') reasons.push({ reason: 'state', state });
  if (behind > 0) reasons.push({ reason: 'applying', operations: behind });
  const standstill = standstillReasons(slots, heldBecause);
  const work = isLive ? optimizerReasons(standstill, runs) : NO_WORK;
  reasons.push(...work.reasons);
  const isFailed = state === 'broken' || reasons.some(({ reason }) => reason === 'error');
  const color = isFailed ? 'red' : work.color === 'green' && behind > 0 ? 'yellow' : work.color;
  return { color, reasons, errors: errors.list() };
}

interface Work {
  color: StatusColor;
  reasons: StatusReason[];
}

const NO_WORK: Work = { color: 'green', reasons: [] };

/** What the optimizers do and want; an optimizer that can't be asked is an error to show. */
function optimizerReasons<Info extends SegmentInfo>(
  standstill: StatusReason[],
  runs: OptimizationRuns<Info>,
): Work {
  try {
    return workOf(standstill, runs);
  } catch (error) {
    const { code } = toSluiceError(error, 'SLUICE_CRASHED');
    return { color: 'red', reasons: [{ reason: 'error', what: 'plan', code }] };
  }
}

/** Why nothing that is planned will be started. */
function standstillReasons(slots: number, heldBecause: string | undefined): StatusReason[] {
  const reasons: StatusReason[] = slots === 0 ? [{ reason: 'disabled' }] : [];
  if (heldBecause !== undefined) reasons.push({ reason: 'waitingForTrigger', why: heldBecause });
  return reasons;
}

function workOf<Info extends SegmentInfo>(
  standstill: StatusReason[],
  runs: OptimizationRuns<Info>,
): Work {
  const running = runs.running.map(
    ({ optimizer, segmentIds }): StatusReason => ({ reason: 'optimizing', optimizer, segmentIds }),
  );
  const planned = runs.startable().map((entry): StatusReason => ({ reason: 'planned', ...entry }));
  if (running.length > 0) return { color: 'yellow', reasons: [...running, ...planned] };
  if (planned.length > 0) {
    const color = standstill.length > 0 ? 'grey' : 'yellow';
    return { color, reasons: [...standstill, ...planned] };
  }
  if (runs.pending().length > 0) return { color: 'grey', reasons: [{ reason: 'backingOff' }] };
  return { color: 'green', reasons: [] };
}
