import type { SegmentInfo } from '../../services/ports.js';
import { createUpdateHandler, type UpdateHandler } from '../../update-handler.js';
import type { UpdateHandlerOptions } from '../../update-handler-options.js';
import type { Dice } from '../dice.js';
import { HastenedClock } from './hastened-clock.js';
import type { Ledger } from './ledger.js';
import type { Operations, Place, StoreAdapters, Supports } from './place.js';

/** Flushes come when a path asks for them. */
const NEVER_MS = 100_000_000;
export const HASTE = 50;

/** What those who test whole stores are given; `Clause` is what they judge. */
export interface StoreTestOptions<Op, Clause extends string> {
  place: Place<StoreAdapters<Op>>;
  operations: Operations<Op>;
  supports: Supports;
  ledger: Ledger<Clause>;
  random: Dice;
}

/** A store on the core, made of these adapters, in which time passes quickly. */
export function storeOn<Op>(
  { wal, segments, optimizers = [], codec, deathCounter }: Omit<StoreAdapters<Op>, 'content'>,
  settings: Partial<UpdateHandlerOptions<Op, SegmentInfo>> = {},
): UpdateHandler<Op> {
  return createUpdateHandler<Op>({
    ...{ wal, segments, optimizers },
    ...(codec === undefined ? {} : { codec }),
    ...(deathCounter === undefined ? {} : { deathCounter }),
    ...{ flushIntervalMs: NEVER_MS, clock: new HastenedClock(HASTE), ...settings },
  });
}

/** Lets the optimizers do what there is to do. */
export async function optimize(
  handler: Pick<UpdateHandler<never>, 'nextPass' | 'telemetry' | 'trigger'>,
): Promise<void> {
  const { signal } = new AbortController();
  handler.trigger();
  do await handler.nextPass(signal);
  while (handler.telemetry().optimizations.running > 0);
}
