import { SluiceError } from '../errors.js';
import type { ClockTag, ClockTick } from '../types.js';
import { clockKey } from './clock-ticks.js';
import { DeclinedRanges } from './declined-ranges.js';
import type { LogNotes, TickChange } from './ports.js';
import { TickHistory } from './tick-history.js';

/** The notes of a log that has had no record. */
export const NO_NOTES: LogNotes = { declined: [], forgotten: [], untagged: false, changes: [] };

/** What is known of a log when nothing was stored about it. */
export function unknownNotes(applied: number, forgotten: readonly ClockTick[] = []): LogNotes {
  return { ...NO_NOTES, forgotten, untagged: applied > 0 };
}

/** Keeps `LogNotes` up to date while operations are applied and records forgotten. */
export class LogNotebook {
  #declined = new DeclinedRanges();
  #ticks = new TickHistory([], false, []);

  /** Begins anew with what a commit stored, on a log that has forgotten records up to `acked`. */
  open(notes: LogNotes, acked: number): void {
    checkNotes(notes);
    this.#declined = DeclinedRanges.fromJSON(notes.declined);
    this.#ticks = new TickHistory(notes.forgotten, notes.untagged, notes.changes);
    this.forget(acked);
  }

  get ticks(): TickHistory {
    return this.#ticks;
  }

  /** Whether the operation was declined. */
  isDeclined(opNum: number): boolean {
    return this.#declined.has(opNum);
  }

  /** An operation has been applied or declined. */
  add(opNum: number, tag: ClockTag | undefined, declined: boolean): void {
    this.#ticks.add(opNum, tag);
    if (declined) this.#declined.add(opNum);
  }

  /** The highest number up to `upTo` that the log may forget. */
  forgettable(upTo: number): number {
    return this.#ticks.forgettable(upTo);
  }

  /** The log forgets records up to this number. */
  forget(upTo: number): void {
    this.#ticks.forget(upTo);
    this.#declined.forget(upTo);
  }

  toJSON(): LogNotes {
    const { forgotten, untagged, changes } = this.#ticks;
    return {
      declined: this.#declined.toJSON(),
      forgotten: forgotten.toJSON(),
      untagged,
      changes: [...changes],
    };
  }
}

/** Checks notes that were stored with the operations up to `applied`. Errors: `SLUICE_DAMAGED`. */
export function checkNotes(notes: LogNotes, applied = Number.POSITIVE_INFINITY): void {
  if (typeof notes !== 'object' || notes === null || !Array.isArray(notes.changes)) throw damaged();
  DeclinedRanges.fromJSON(notes.declined);
  const isSound =
    (notes.declined.at(-1) ?? 0) <= applied &&
    areTicks(notes.forgotten) &&
    typeof notes.untagged === 'boolean' &&
    (notes.changes.at(-1)?.last ?? 0) <= applied &&
    notes.changes.every((change: TickChange | null, at: number) => {
      if (change === null) return false;
      const { first, last, ticks, untagged } = change;
      const before = notes.changes[at - 1]?.last ?? 0;
      const isPlaced = [first, last].every(Number.isSafeInteger) && before < first && first <= last;
      return isPlaced && areTicks(ticks) && typeof untagged === 'boolean';
    });
  if (!isSound) throw damaged();
}

function damaged(): SluiceError {
  return new SluiceError('SLUICE_DAMAGED', 'the notes about the log make no sense');
}

function areTicks(ticks: readonly ClockTick[]): boolean {
  if (!Array.isArray(ticks)) return false;
  const isTick = (value: ClockTick | null) => {
    if (value === null) return false;
    const { peerId, clockId, tick } = value;
    return [peerId, clockId, tick].every(Number.isSafeInteger) && tick > 0;
  };
  return ticks.every(isTick) && new Set(ticks.map(clockKey)).size === ticks.length;
}
