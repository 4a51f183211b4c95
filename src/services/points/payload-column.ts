import { assert, SluiceError } from '../../errors.js';
import type { Payload } from '../../types.js';
import { type PackedTexts, type PayloadText, parsePayload } from './payload-text.js';

/** Few enough that a chunk of short texts is small. */
const CHUNK_ROWS = 128;
const SHIFT = Math.log2(CHUNK_ROWS);

/** What a chunk begins with, in bytes. */
const CHUNK_BYTES_MIN = 1024;

/** A full chunk whose texts take a smaller share of it gives the rest back. */
const FILLED_MIN = 0.75;

/**
 * The payloads of a segment, append only, as texts in a few large buffers: they cost the garbage
 * collector nothing, a flush copies them, and a reader parses those that it returns. A row that a
 * filter has looked at is kept parsed, because filters tend to come again.
 */
export class PayloadColumn {
  readonly #chunks: PayloadChunk[] = [];
  #length = 0;
  #bytes = 0;

  get length(): number {
    return this.#length;
  }

  /** Bytes of all texts. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Adds a row with a copy of the text. Throws a transient `SLUICE_NOT_ENOUGH_SPACE` when the
   * machine has no memory for it.
   */
  push(text: PayloadText): void {
    this.#lastChunk().push(text);
    this.#length += 1;
    this.#bytes += text.length;
  }

  /** Adds rows with copies of texts that follow each other. Throws as `push`. */
  takeIn({ bytes, lengths }: PackedTexts): void {
    let begin = 0;
    for (let at = 0; at < lengths.length; ) {
      const chunk = this.#lastChunk();
      const run = lengths.slice(at, at + CHUNK_ROWS - (this.#length & (CHUNK_ROWS - 1)));
      const end = begin + run.reduce((sum, length) => sum + length, 0);
      chunk.takeIn(bytes.subarray(begin, end), run);
      this.#length += run.length;
      this.#bytes += end - begin;
      at += run.length;
      begin = end;
    }
  }

  /** A row's text, as a window on the column. */
  textAt(row: number): PayloadText {
    return this.#chunkOf(row).textAt(row & (CHUNK_ROWS - 1));
  }

  /** A row's payload, parsed anew: nobody else has it. Errors: `SLUICE_DAMAGED`. */
  read(row: number): Payload {
    return parsePayload(this.textAt(row));
  }

  /** A row's payload, parsed once and kept: it must not be changed. Errors: `SLUICE_DAMAGED`. */
  at(row: number): Payload {
    return this.#chunkOf(row).at(row & (CHUNK_ROWS - 1));
  }

  /** As `at`, but what isn't kept yet is not kept: for those who look at each row once. */
  peek(row: number): Payload {
    return this.#chunkOf(row).peek(row & (CHUNK_ROWS - 1));
  }

  /** Bytes of a row's text. */
  lengthAt(row: number): number {
    return this.#chunkOf(row).lengthAt(row & (CHUNK_ROWS - 1));
  }

  /** The texts of rows `from`…`to` (exclusive), copied. */
  pack(from: number, to: number): PackedTexts {
    const lengths: number[] = [];
    for (let row = from; row < to; row += 1) lengths.push(this.lengthAt(row));
    const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
    let end = 0;
    for (let row = from; row < to; ) {
      const first = row & (CHUNK_ROWS - 1);
      const count = Math.min(to - row, CHUNK_ROWS - first);
      const run = this.#chunkOf(row).bytesOf(first, first + count);
      bytes.set(run, end);
      end += run.length;
      row += count;
    }
    return { bytes, lengths };
  }

  /** Forgets the rows from `rows` on. */
  truncate(rows: number): void {
    const cut = this.#chunks.splice(Math.ceil(rows / CHUNK_ROWS));
    const last = this.#chunks.at(-1);
    this.#bytes -= cut.reduce((sum, { sizeBytes }) => sum + sizeBytes, last?.sizeBytes ?? 0);
    this.#length = Math.min(this.#length, rows);
    last?.truncate(this.#length - (this.#chunks.length - 1) * CHUNK_ROWS);
    this.#bytes += last?.sizeBytes ?? 0;
  }

  /** The one with room for the next row. */
  #lastChunk(): PayloadChunk {
    if (this.#length >>> SHIFT === this.#chunks.length) {
      this.#chunks.push(new PayloadChunk(this.#chunks.at(-1)?.sizeBytes ?? 0));
    }
    return this.#chunkOf(this.#length);
  }

  #chunkOf(row: number): PayloadChunk {
    const chunk = this.#chunks[row >>> SHIFT];
    assert(chunk !== undefined, 'the row is in the column');
    return chunk;
  }
}

/** The texts of `CHUNK_ROWS` rows, one after the other. */
class PayloadChunk {
  #bytes: Uint8Array;
  /** In doubles: few texts that have been merged into often may have more than 4 GiB. */
  readonly #ends = new Float64Array(CHUNK_ROWS);
  #rows = 0;
  /** The rows that filters have looked at; empty while there are none. */
  #parsed: (Payload | undefined)[] = [];

  /** `before`: bytes that the texts of the chunk before it take; these are likely to take as many. */
  constructor(before: number) {
    this.#bytes = allocate(Math.max(CHUNK_BYTES_MIN, Math.ceil(before * 1.125)));
  }

  get sizeBytes(): number {
    return this.#beginOf(this.#rows);
  }

  push(text: PayloadText): void {
    this.takeIn(text, [text.length]);
  }

  takeIn(texts: Uint8Array, lengths: readonly number[]): void {
    let end = this.sizeBytes;
    this.#reserve(end + texts.length);
    this.#bytes.set(texts, end);
    for (const length of lengths) {
      end += length;
      this.#ends[this.#rows] = end;
      this.#rows += 1;
    }
    if (this.#rows === CHUNK_ROWS && end < this.#bytes.length * FILLED_MIN) this.#resize(end);
  }

  textAt(row: number): PayloadText {
    return this.bytesOf(row, row + 1);
  }

  /** The texts of rows `from`…`to` (exclusive), one after the other. */
  bytesOf(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(this.#beginOf(from), this.#beginOf(to));
  }

  lengthAt(row: number): number {
    return this.#beginOf(row + 1) - this.#beginOf(row);
  }

  at(row: number): Payload {
    return this.#parsed[row] ?? this.#parse(row);
  }

  peek(row: number): Payload {
    return this.#parsed[row] ?? parsePayload(this.textAt(row));
  }

  truncate(rows: number): void {
    this.#rows = rows;
    this.#parsed.fill(undefined, rows);
  }

  #parse(row: number): Payload {
    const payload = parsePayload(this.textAt(row));
    // Without holes, which would make each look slower.
    if (this.#parsed.length === 0) this.#parsed = Array.from({ length: CHUNK_ROWS });
    this.#parsed[row] = payload;
    return payload;
  }

  #beginOf(row: number): number {
    return row === 0 ? 0 : (this.#ends[row - 1] ?? 0);
  }

  #reserve(bytes: number): void {
    if (bytes > this.#bytes.length) this.#resize(Math.max(bytes, 2 * this.#bytes.length));
  }

  #resize(bytes: number): void {
    const resized = allocate(bytes);
    resized.set(this.#bytes.subarray(0, this.sizeBytes));
    this.#bytes = resized;
  }
}

function allocate(bytes: number): Uint8Array {
  try {
    return new Uint8Array(bytes);
  } catch (error) {
    throw new SluiceError('SLUICE_NOT_ENOUGH_SPACE', 'no memory left for payloads', {
      cause: error,
    });
  }
}
