import type { OptimizeOptions } from './collection-options.js';
import { SluiceError } from './errors.js';
import { type Clock, sleep } from './services/clock.js';
import type { PointOperation } from './services/points/operations.js';
import type { PointSegmentInfo } from './services/points/segment-info.js';
import type { Status } from './services/status.js';
import type { UpdateHandler } from './update-handler.js';

/** How often progress is told while nothing else happens. */
const PROGRESS_INTERVAL_MS = 250;

/** Reasons for which nothing that is planned will be started. */
const STANDSTILL = ['disabled', 'waitingForTrigger'];

/** Makes the optimizers look, and waits until they have nothing left to do; see `Collection.optimize`. */
export async function optimizeUntilDone(
  handler: UpdateHandler<PointOperation, PointSegmentInfo>,
  { signal, onProgress }: OptimizeOptions,
  clock: Clock,
): Promise<Status> {
  await handler.plunge();
  // Only the pass that the trigger leads to makes the room that other plans may come of.
  const first = nextLook(handler, clock, { signal, intervalMs: undefined });
  try {
    handler.trigger();
    await handler.plunge();
    await first.come;
  } finally {
    first.end();
  }
  for (;;) {
    const next = nextLook(handler, clock, {
      signal,
      intervalMs: onProgress && PROGRESS_INTERVAL_MS,
    });
    try {
      onProgress?.(handler.optimizations());
      if (signal?.aborted) throw noLongerWaitedFor();
      const status = handler.status();
      const reasons = new Set<string>(status.reasons.map(({ reason }) => reason));
      // A store that is being closed or has broken says so here.
      if (reasons.has('state')) await handler.plunge();
      // An error of an earlier run makes the status red, and may be about to be put right.
      const isWorking =
        status.color === 'yellow' ||
        reasons.has('optimizing') ||
        (reasons.has('planned') && !STANDSTILL.some((reason) => reasons.has(reason)));
      const failed = status.errors.find(
        ({ what, recoveredAt }) => recoveredAt === null && what.startsWith('optimization:'),
      );
      if (failed !== undefined && !isWorking) {
        throw new SluiceError(failed.code, `${failed.what} failed: ${failed.message}`);
      }
      if (!isWorking && !reasons.has('backingOff')) {
        await reclaimed(handler, signal);
        return status;
      }
      await next.come;
    } finally {
      next.end();
    }
  }
}

/** What is worth it of what the optimizers have replaced is given back to the disk. */
async function reclaimed(
  handler: UpdateHandler<PointOperation, PointSegmentInfo>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const reclaim = handler.reclaim();
  if (signal === undefined) return reclaim;
  const ended = new AbortController();
  const given = new Promise<never>((_, reject) => {
    const give = () => reject(noLongerWaitedFor());
    if (signal.aborted) give();
    signal.addEventListener('abort', give, { signal: ended.signal });
  });
  try {
    await Promise.race([reclaim, given]);
  } finally {
    ended.abort();
  }
}

function noLongerWaitedFor(): SluiceError {
  return new SluiceError('SLUICE_ABORTED', 'no longer waited for');
}

/** The next time at which it is worth looking; asked for before a look, so that nothing is missed. */
function nextLook(
  handler: UpdateHandler<PointOperation, PointSegmentInfo>,
  clock: Clock,
  options: { signal: AbortSignal | undefined; intervalMs: number | undefined },
): { come: Promise<unknown>; end: () => void } {
  const { signal, intervalMs } = options;
  const ended = new AbortController();
  const end = () => {
    signal?.removeEventListener('abort', end);
    ended.abort();
  };
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted) end();
  const passed = handler.nextPass(ended.signal);
  if (intervalMs === undefined) return { come: passed, end };
  return { come: Promise.race([passed, sleep(clock, intervalMs, ended.signal)]), end };
}
