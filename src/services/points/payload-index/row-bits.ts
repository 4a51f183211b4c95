const WORD_BITS = 32;

/** A set of rows of a segment, one bit for each. */
export class RowBits {
  /** Rows from this one on are never in it. */
  readonly rows: number;
  readonly #words: Uint32Array;

  constructor(rows: number) {
    this.rows = rows;
    this.#words = new Uint32Array(Math.ceil(rows / WORD_BITS));
  }

  /** Adds a row; one that the set can't have is passed over. */
  add(row: number): void {
    if (row < this.rows) this.#set(row);
  }

  /** As `add`, for many. */
  addAll(rows: readonly number[] | Uint32Array): void {
    for (let at = 0; at < rows.length; at += 1) this.add(rows[at] ?? this.rows);
  }

  /** Adds the rows `from`…`to - 1`. */
  addRange(from: number, to: number): void {
    const end = Math.min(to, this.rows);
    for (let row = from; row < end; row += 1) this.#set(row);
  }

  /** Keeps what the other set, of as many rows, has too. */
  intersect(other: RowBits): void {
    for (let at = 0; at < this.#words.length; at += 1) {
      this.#words[at] = this.#word(at) & other.#word(at);
    }
  }

  /** The rows in ascending order. */
  toRows(): Uint32Array {
    let count = 0;
    for (const word of this.#words) count += bitsIn(word);
    const rows = new Uint32Array(count);
    let next = 0;
    for (let at = 0; at < this.#words.length; at += 1) {
      for (let word = this.#word(at); word !== 0; word &= word - 1) {
        rows[next] = at * WORD_BITS + lowestBit(word);
        next += 1;
      }
    }
    return rows;
  }

  #set(row: number): void {
    const at = row >>> 5;
    this.#words[at] = this.#word(at) | (1 << (row & (WORD_BITS - 1)));
  }

  #word(at: number): number {
    return this.#words[at] ?? 0;
  }
}

function lowestBit(word: number): number {
  return WORD_BITS - 1 - Math.clz32(word & -word);
}

function bitsIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
