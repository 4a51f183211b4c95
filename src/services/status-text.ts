import type { LoggedError } from './error-log.js';
import type { StatusReason } from './status.js';
import type { OptimizationPhase } from './tracker-log.js';

/** One reason of a status, in words. */
export function reasonText(reason: StatusReason): string {
  switch (reason.reason) {
    case 'optimizing':
    case 'planned':
      return `${reason.reason}: ${reason.optimizer} of ${segmentsText(reason.segmentIds)}`;
    case 'applying':
      return `${operationsText(reason.operations)} of the log still to be applied`;
    case 'error':
      return `${reason.what} has failed (${reason.code})`;
    case 'state':
      return `the collection is ${reason.state}`;
    case 'disabled':
      return 'optimizations are disabled (maxOptimizationThreads is 0)';
    case 'backingOff':
      return 'an optimization has failed and is tried again later';
    case 'waitingForTrigger':
      return `optimizations wait for a trigger: ${reason.why}`;
  }
}

function operationsText(count: number): string {
  return `${count} ${count === 1 ? 'operation' : 'operations'}`;
}

function segmentsText(segmentIds: readonly number[]): string {
  const ids = segmentIds.toSorted((one, other) => one - other);
  return `${ids.length === 1 ? 'segment' : 'segments'} ${ids.join(', ')}`;
}

/** What a run is doing, in words. */
export const PHASE_TEXT: Readonly<Record<OptimizationPhase, string>> = {
  copying: 'copying',
  waitingForCpu: 'waiting for a processor',
  indexing: 'indexing',
  catchingUp: 'catching up',
  swapping: 'swapping',
  rollingBack: 'rolling back',
};

/** One failure of a status, in words. */
export function failureText({ what, code, message, at, times, recoveredAt }: LoggedError): string {
  const since = new Date(at).toISOString();
  const often = times > 1 ? `, ${times} times in a row` : '';
  const over = recoveredAt === null ? '' : ', recovered since';
  return `${what}: ${message} (${code}), ${since}${often}${over}`;
}
