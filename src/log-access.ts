// The log as the façade of the core gives it out.
import type { Core } from './core.js';
import { SluiceError } from './errors.js';
import { checkRecoveryPoint } from './services/clock-ticks.js';
import {
  booleanOption,
  checkOptions,
  numberOption,
  type OptionChecks,
  signalOption,
} from './services/option-checks.js';
import type { SegmentInfo } from './services/ports.js';
import { resolveWalDelta } from './services/wal-delta.js';
import type { Change, ChangesOptions, RecoveryPoint, WalDelta } from './types.js';

const CHANGES_CHECKS: OptionChecks<ChangesOptions> = {
  from: numberOption({ whole: true, min: 1 }),
  follow: booleanOption,
  signal: signalOption,
};

/** See `UpdateHandler.changes`. */
export function openChanges<Op, Info extends SegmentInfo>(
  core: Core<Op, Info>,
  options: ChangesOptions | undefined,
): AsyncIterableIterator<Change<Op>> {
  const checked = checkOptions<ChangesOptions>(options, CHANGES_CHECKS);
  if (core.tail.closed !== undefined) throw core.tail.closed;
  return core.feed.changes(checked);
}

/** See `UpdateHandler.recoveryPoint`. */
export function recoveryPointOf<Op, Info extends SegmentInfo>({
  wasOpen,
  notes,
  tail,
}: Core<Op, Info>): RecoveryPoint {
  if (!wasOpen) throw new SluiceError('SLUICE_NOT_OPEN', 'the store is not open');
  return notes.ticks.newest(tail.visible).toJSON();
}

/** See `UpdateHandler.walDelta`. */
export async function walDeltaOf<Op, Info extends SegmentInfo>(
  core: Core<Op, Info>,
  recoveryPoint: RecoveryPoint,
): Promise<WalDelta> {
  const point = checkRecoveryPoint(recoveryPoint);
  const { tail, notes, flush, keepFrom } = core;
  if (tail.closed !== undefined) throw tail.closed;
  const { wal, codec, clockTagOf, clock } = core.options;
  // As a reader's: a log that is full meanwhile has its writers wait, it does not decline them.
  const hold = keepFrom.holdForReader(flush.forgotten + 1, flush.forgotten);
  try {
    return await resolveWalDelta(point, {
      history: notes.ticks,
      visible: tail.visible,
      async *tags(from, to) {
        let restAt = clock.now() + REST_AFTER_MS;
        for await (const { opNum, data } of wal.read(from, to)) {
          yield { opNum, clockTag: clockTagOf(codec.decode(data)) };
          if (clock.now() < restAt) continue;
          await clock.yield();
          restAt = clock.now() + REST_AFTER_MS;
        }
      },
    });
  } finally {
    hold.release();
    tail.recheck();
  }
}

/** The event loop gets a turn after this many milliseconds of decoding. */
const REST_AFTER_MS = 8;
