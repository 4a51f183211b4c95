import { SluiceError } from '../errors.js';
import type { ClockTick, RecoveryPoint } from '../types.js';
import { checkOptions, numberOption, type OptionChecks } from './option-checks.js';

type ClockId = Pick<ClockTick, 'peerId' | 'clockId'>;

/** The highest tick of each of some clocks. */
export class ClockTicks {
  readonly #ticks = new Map<string, ClockTick>();

  constructor(ticks: Iterable<ClockTick> = []) {
    for (const tick of ticks) this.raise(tick);
  }

  get size(): number {
    return this.#ticks.size;
  }

  /** The clock's tick; 0 when it isn't there. */
  of(clock: ClockId): number {
    return this.#ticks.get(clockKey(clock))?.tick ?? 0;
  }

  /** Sets a clock that is behind; true when it was. */
  raise({ peerId, clockId, tick }: ClockTick): boolean {
    if (tick <= this.of({ peerId, clockId })) return false;
    this.#ticks.set(clockKey({ peerId, clockId }), { peerId, clockId, tick });
    return true;
  }

  [Symbol.iterator](): IterableIterator<ClockTick> {
    return this.#ticks.values();
  }

  /** In the order of the ids. */
  toJSON(): ClockTick[] {
    const ticks = Array.from(this, (tick) => ({ ...tick }));
    return ticks.sort((a, b) => a.peerId - b.peerId || a.clockId - b.clockId);
  }
}

/** The text that a map finds a clock by. */
export function clockKey({ peerId, clockId }: ClockId): string {
  return `${peerId}/${clockId}`;
}

const count = numberOption({ whole: true, min: 0 });

const TICK_CHECKS: OptionChecks<ClockTick> = {
  peerId: count,
  clockId: count,
  tick: numberOption({ whole: true, min: 1 }),
};

/**
 * Checks a recovery point that comes from elsewhere. Throws a `TypeError` when it is no list of
 * objects, `SLUICE_BAD_OPTION` for everything else that is wrong with it.
 */
export function checkRecoveryPoint(value: RecoveryPoint): ClockTicks {
  if (!Array.isArray(value)) throw new TypeError('a recovery point is a list of ticks');
  const ticks = new ClockTicks();
  for (const [at, entry] of value.entries()) {
    const name = `recoveryPoint[${at}]`;
    if (entry === undefined) throw new TypeError(`${name} must be an object, not undefined`);
    const { peerId, clockId, tick } = checkOptions<ClockTick>(entry, TICK_CHECKS, name);
    if (peerId === undefined || clockId === undefined || tick === undefined) {
      throw new SluiceError('SLUICE_BAD_OPTION', `${name} needs peerId, clockId and tick`);
    }
    if (ticks.of({ peerId, clockId }) > 0) {
      throw new SluiceError('SLUICE_BAD_OPTION', `${name} names clock ${peerId}/${clockId} again`);
    }
    ticks.raise({ peerId, clockId, tick });
  }
  return ticks;
}
