import type { Collection } from '../../../collection.js';
import { errorText, SluiceError } from '../../../errors.js';
import type { RecoveryPoint, WalDelta } from '../../../types.js';
import type { World } from '../world.js';

/** A recovery point of this collection, and how far its log was then. */
export interface PastPoint {
  point: RecoveryPoint;
  visible: number;
}

/**
 * The recovery point names the newest tick of each clock that is applied and synced; what somebody
 * lacks who was there before begins with the next operation. Of a broken collection it names no more
 * than that. Returns the point.
 */
export async function expectClocks(
  world: World,
  collection: Collection,
  past: PastPoint | undefined,
): Promise<PastPoint | undefined> {
  const { oracle, violated } = world;
  const { applied, synced } = collection.telemetry().log;
  // A replay that failed may have come further than what readers are shown.
  oracle.advance(collection.info().wal.applied);
  if (applied > oracle.present) {
    violated('only what was submitted is applied', `${applied} of ${oracle.present} operations`);
  }
  const visible = Math.min(applied, synced);
  const point = collection.recoveryPoint();
  const ticks = oracle.ticksUpTo(visible);
  const found = point.map(({ clockId, tick }) => `${clockId}: ${tick}`).join(', ');
  if (collection.handler.state === 'broken') {
    // A reopening that failed may have read what is on disk, and not what the log has besides.
    const isSafe = point.every(({ clockId, tick }) => tick <= (ticks.get(clockId) ?? 0));
    if (!isSafe)
      violated('a recovery point names what is safe', `${found} at ${visible}, too much`);
    return past;
  }
  const wanted = [...ticks].map(([id, tick]) => `${id}: ${tick}`).join(', ');
  if (found !== wanted) {
    violated('a recovery point names what is safe', `${found} at ${visible}, should be ${wanted}`);
  }
  await expectDelta(world, collection, past ?? { point, visible }, visible);
  return { point, visible };
}

async function expectDelta(
  world: World,
  collection: Collection,
  { point, visible: had }: PastPoint,
  visible: number,
): Promise<void> {
  const { traffic, violated } = world;
  const forgotten = collection.telemetry().log.acked;
  const ending = await world.ending(collection.walDelta(point));
  if (ending.status === 'overdue') violated('each caller is answered', 'walDelta');
  if (ending.status === 'failed' && !(ending.error instanceof SluiceError)) {
    violated('calls fail only for a reason', `walDelta: ${errorText(ending.error)}`);
  }
  if (ending.status !== 'done') return;
  traffic.count('delta');
  const found = deltaText(ending.value);
  if (point.length === 0) {
    if (found !== 'empty') violated('a delta begins with what is lacked', `${found} of nothing`);
    return;
  }
  const first = had + 1;
  const expected = visible <= had ? 'equal' : forgotten > had ? 'cutOff' : `from ${first}`;
  // A round may be about to forget more than it has told.
  if (found === expected || (found === 'cutOff' && expected !== 'equal')) return;
  violated(
    'a delta begins with what is lacked',
    `${found} after ${had} of ${visible}, forgotten ${forgotten}: should be ${expected}`,
  );
}

function deltaText(delta: WalDelta): string {
  return delta.status === 'from' ? `from ${delta.opNum}` : delta.status;
}
