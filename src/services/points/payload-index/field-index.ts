import type { JsonValue, Match, Payload, Range } from '../../../types.js';
import { elementwise } from '../filter-match.js';
import type { PayloadIndexType } from '../operations.js';
import { anyAt, type PayloadPath, parsePath } from '../payload-path.js';
import { NumberRows } from './number-rows.js';
import { listed, posted, type RowSource, unionOf } from './row-source.js';

/** The values that a match or a range can be true of. */
type Scalar = string | number | boolean;

/** Rows by value, or by kind of value. */
type Postings<Key> = Map<Key, number[]>;

/** Lists of this many values are looked up however few the rows are. */
const LISTED_MIN = 64;

/** From so many rows a value on, looking up a longer list costs less than looking at the rows. */
const ROWS_PER_LISTED = 16;

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
  readonly #numbers = new NumberRows();
  readonly #others: Postings<Scalar> = new Map();
  /** By `typeof`. */
  readonly #strays: Postings<string> = new Map();
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

  /** The rows that may pass a match; undefined for one that too many pass or that is too long. */
  match(match: Match): RowSource | undefined {
    if ('except' in match) return undefined;
    if ('value' in match) return this.#withValue(match.value);
    const { length } = match.any;
    if (length > LISTED_MIN && length * ROWS_PER_LISTED > this.#rows) return undefined;
    return unionOf(match.any.map((value) => this.#withValue(value)));
  }

  /** The rows that may have a number in the range. */
  range(range: Range): RowSource {
    return unionOf([this.#numbers.within(range), listed(this.#strays.get('number'))]);
  }

  #withValue(value: Scalar): RowSource {
    if (!this.#holds(value)) return posted(this.#strays.get(typeof value));
    if (typeof value === 'number') return this.#numbers.within({ gte: value, lte: value });
    return posted(this.#others.get(value));
  }

  #add(value: JsonValue): void {
    // No match and no range is true of null, an object or an array within an array.
    if (typeof value === 'object') return;
    if (!this.#holds(value)) append(this.#strays, typeof value, this.#rows);
    else if (typeof value === 'number') this.#numbers.add(value, this.#rows);
    else append(this.#others, value, this.#rows);
  }
}

/** Adds a row to a list unless it is its last one. */
function append<Key>(postings: Postings<Key>, key: Key, row: number): void {
  const rows = postings.get(key);
  if (rows === undefined) postings.set(key, [row]);
  else if (rows.at(-1) !== row) rows.push(row);
}
