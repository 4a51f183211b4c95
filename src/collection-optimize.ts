import type { OptimizeOptions } from './collection-options.js';
import { SluiceError } from './errors.js';
import { type Clock, sleep } from './services/clock.js';
import type { PointOperation } from './services/points/operations.js';
import type { PointSegmentInfo } from './services/points/segment-info.js';
import type { Status } from './services/status.js';
import type { UpdateHandler } from './update-handler.js';

/** Between two looks at the optimizers. */
const LOOK_INTERVAL_MS = 50;

/** Makes the optimizers look, and waits until they have nothing left to do; see `Collection.optimize`. */
export async function optimizeUntilDone(
  handler: UpdateHandler<PointOperation, PointSegmentInfo>,
  { signal, onProgress }: OptimizeOptions,
  clock: Clock,
): Promise<Status> {
  await handler.plunge();
  handler.trigger();
  await handler.plunge();
  for (;;) {
    onProgress?.(handler.optimizations());
    if (signal?.aborted) throw new SluiceError('SLUICE_ABORTED', 'no longer waited for');
    const status = handler.status();
    const reasons = new Set(status.reasons.map(({ reason }) => reason));
    // A store that is being closed or has broken says so here.
    if (reasons.has('state')) await handler.plunge();
    // An error of an earlier run makes the status red, and may be about to be put right.
    const isWorking =
      status.color === 'yellow' ||
      reasons.has('optimizing') ||
      (reasons.has('planned') && !reasons.has('disabled'));
    const failed = status.errors.find(
      ({ what, recoveredAt }) => recoveredAt === null && what.startsWith('optimization:'),
    );
    if (failed !== undefined && !isWorking) {
      throw new SluiceError(failed.code, `${failed.what} failed: ${failed.message}`);
    }
    if (!isWorking && !reasons.has('backingOff')) return status;
    await sleep(clock, LOOK_INTERVAL_MS, signal);
  }
}
