import { SluiceError } from '../errors.js';
import type { ClockTag, ClockTick } from '../types.js';

/** One clock as it is stored: the newest tick that was accepted, and the token it came with. */
export interface ClockRecord {
  peerId: number;
  clockId: number;
  tick: number;
  token: number;
}

/** What `ClockMap.advance` decided. */
export interface ClockDecision {
  accepted: boolean;
  /** The clock's tick afterwards; 0 for a clock that isn't known. */
  current: number;
}

interface ClockValue {
  tick: number;
  token: number;
}

/**
 * The newest tick of every clock (`peerId`, `clockId`) whose operations arrived here. It tells an
 * operation that is new, or the same one sent again, from one that has been overtaken.
 *
 * @see Qdrant `lib/collection/src/shards/local_shard/clock_map.rs`
 */
export class ClockMap {
  readonly #clocks = new Map<string, ClockValue>();
  #version = 0;

  /** Grows with each change of a clock: compare two readings to know whether to store the map. */
  get version(): number {
    return this.#version;
  }

  /**
   * Decides about an operation and moves its clock on:
   *
   * - a tick above the clock's is accepted, and the clock takes tick and token;
   * - the clock's own tick is accepted with the same token only (the same operation sent again);
   *   no token counts as token 0;
   * - a lower tick is rejected, and so is tick 0, which a clock has before its first operation;
   * - `force` accepts the operation in any case, but never sets a clock back.
   */
  advance(tag: ClockTag): ClockDecision {
    const decision = this.judge(tag);
    const { peerId, clockId, tick, token = 0 } = tag;
    if (tick <= decision.current) return decision;
    this.#clocks.set(clockKey(peerId, clockId), { tick, token });
    this.#version++;
    return { accepted: true, current: tick };
  }

  /** Decides as `advance` does, and leaves the clock where it is. */
  judge({ peerId, clockId, tick, token = 0, force = false }: ClockTag): ClockDecision {
    const clock = this.#clocks.get(clockKey(peerId, clockId));
    const current = clock?.tick ?? 0;
    const sentAgain = clock !== undefined && tick === current && token === clock.token;
    return { accepted: tick > current || sentAgain || force, current };
  }

  /** The newest tick of a clock; 0 when it isn't known. */
  currentTick(peerId: number, clockId: number): number {
    return this.#clocks.get(clockKey(peerId, clockId))?.tick ?? 0;
  }

  /** The newest tick of each clock, in the order of their ids. */
  ticks(): ClockTick[] {
    return this.toJSON().map(({ peerId, clockId, tick }) => ({ peerId, clockId, tick }));
  }

  /** The clocks as plain JSON, in the order of their ids; `ClockMap.fromJSON` is the inverse. */
  toJSON(): ClockRecord[] {
    const records = Array.from(this.#clocks, ([key, value]) => ({ ...parseKey(key), ...value }));
    return records.sort((a, b) => a.peerId - b.peerId || a.clockId - b.clockId);
  }

  /** Errors: `SLUICE_DAMAGED` when the data isn't what `toJSON` gives. */
  static fromJSON(data: unknown): ClockMap {
    if (!Array.isArray(data)) throw new SluiceError('SLUICE_DAMAGED', 'the clocks are no list');
    const map = new ClockMap();
    for (const record of data) {
      if (!isClockRecord(record)) {
        throw new SluiceError('SLUICE_DAMAGED', `no clock: ${JSON.stringify(record)}`);
      }
      const key = clockKey(record.peerId, record.clockId);
      if (map.#clocks.has(key)) {
        throw new SluiceError('SLUICE_DAMAGED', `clock ${key} is stored twice`);
      }
      map.#clocks.set(key, { tick: record.tick, token: record.token });
    }
    return map;
  }
}

function clockKey(peerId: number, clockId: number): string {
  return `${peerId}/${clockId}`;
}

function parseKey(key: string): { peerId: number; clockId: number } {
  const slash = key.indexOf('/');
  return { peerId: Number(key.slice(0, slash)), clockId: Number(key.slice(slash + 1)) };
}

function isClockRecord(record: unknown): record is ClockRecord {
  if (typeof record !== 'object' || record === null) return false;
  const { peerId, clockId, tick, token } = record as Partial<Record<keyof ClockRecord, unknown>>;
  return [peerId, clockId, tick, token].every(isCount) && tick !== 0;
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
