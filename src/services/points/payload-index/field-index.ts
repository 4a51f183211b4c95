import type { JsonValue, Match, Payload, Range } from '../../../types.js';
import { elementwise } from '../filter-match.js';
import type { PayloadIndexType } from '../operations.js';
import { anyAt, type PayloadPath, parsePath } from '../payload-path.js';
import type { RowBits } from './row-bits.js';
import type { RowSource } from './row-source.js';
import { SortedNumbers } from './sorted-numbers.js';

/** The values that a match or a range can be true of. */
type Scalar = string | number | boolean;

/** Rows by value; each list ascends. */
type Postings<Key> = Map<Key, number[]>;

const NO_ROWS: readonly number[] = [];

/** Numbers in a range whose rows are counted one by one to tell its size. */
const COUNTED_MAX = 1024;

const HOLDS: { readonly [Type in PayloadIndexType]: (value: Scalar) => boolean } = {
  keyword: (value) => typeof value === 'string',
  integer: Number.isInteger,
  float: Number.isFinite,
  bool: (value) => typeof value === 'boolean',
};

/**
 * The rows of one segment by their values at one path, for the first `rows` rows. Rows never
 * change, so it only grows. Values of another type than its own are strays: their rows are kept by
 * kind, not by value, so that an answer never lacks a row, whatever is asked and whatever is there.
 */
export class FieldIndex {
  readonly type: PayloadIndexType;
  readonly #path: PayloadPath;
  readonly #holds: (value: Scalar) => boolean;
  readonly #postings: Postings<Scalar> = new Map();
  /** By `typeof`. */
  readonly #strays: Postings<string> = new Map();
  /** The keys of the postings that are numbers. */
  readonly #numbers = new SortedNumbers();
  /** Rows in all postings together; one that has two values counts twice. */
  #entries = 0;
  #rows = 0;
  readonly #note = elementwise((value) => {
    this.#add(value);
    return false;
  });

  constructor(key: string, type: PayloadIndexType) {
    this.type = type;
    this.#path = parsePath(key, 'SLUICE_BAD_PAYLOAD');
    this.#holds = HOLDS[type];
  }

  /** Rows that have been added. */
  get rows(): number {
    return this.#rows;
  }

  /** Adds the next row. */
  add(payload: Payload): void {
    anyAt(payload, this.#path, this.#note);
    this.#rows += 1;
  }

  /** The rows that pass a match; undefined for `except`, which nearly every row passes. */
  match(match: Match): RowSource | undefined {
    if ('except' in match) return undefined;
    const wanted = 'any' in match ? match.any : [match.value];
    const lists = wanted.map((value) => this.#rowsWith(value));
    return {
      size: lists.reduce((sum, rows) => sum + rows.length, 0),
      addTo: (bits) => {
        for (const rows of lists) bits.addAll(rows);
      },
    };
  }

  /** The rows that may have a number in the range. */
  range(range: Range): RowSource {
    const { sorted, recent } = this.#numbers.within(range);
    const strays = this.#strays.get('number') ?? NO_ROWS;
    const addTo = (bits: RowBits) => {
      for (const value of sorted) bits.addAll(this.#rowsWith(value));
      for (const value of recent) bits.addAll(this.#rowsWith(value));
      bits.addAll(strays);
    };
    const count = sorted.length + recent.length;
    if (count > COUNTED_MAX) {
      // Each number outside of the range has at least one row.
      const outside = this.#numbers.size - count;
      return { size: this.#entries - outside + strays.length, addTo };
    }
    const sizeOf = (sum: number, value: number) => sum + this.#rowsWith(value).length;
    const size = sorted.reduce(sizeOf, 0) + recent.reduce(sizeOf, 0) + strays.length;
    return { size, addTo };
  }

  /** The rows that may have this value. */
  #rowsWith(value: Scalar): readonly number[] {
    const isHeld = this.#holds(value);
    return (isHeld ? this.#postings.get(value) : this.#strays.get(typeof value)) ?? NO_ROWS;
  }

  #add(value: JsonValue): void {
    // No match and no range is true of null, an object or an array within an array.
    if (typeof value === 'object') return;
    if (!this.#holds(value)) {
      append(this.#strays, typeof value, this.#rows);
      return;
    }
    const isNew = !this.#postings.has(value);
    this.#entries += append(this.#postings, value, this.#rows);
    if (isNew && typeof value === 'number') this.#numbers.add(value);
  }
}

/** Adds a row to a list unless it is its last one; returns how many this added. */
function append<Key>(postings: Postings<Key>, key: Key, row: number): 0 | 1 {
  const rows = postings.get(key);
  if (rows === undefined) postings.set(key, [row]);
  else if (rows.at(-1) === row) return 0;
  else rows.push(row);
  return 1;
}
