import { Packr } from 'msgpackr';
import { SluiceError, toSluiceError } from '../../errors.js';
import type { Payload, PointId } from '../../types.js';
import { float32ToBytes } from './float32-bytes.js';
import { isJsonObject } from './json.js';
import type { Pace } from './pace.js';
import { checkTexts, type PackedTexts, packPayloads } from './payload-text.js';
import type { Segment } from './segment.js';

/** A block is closed when it has reached this size. */
const BLOCK_BYTES = 1024 * 1024;

/** What a row takes beside its vector and its payload, about. */
export const ROW_BYTES = 16;

/** What a stamp takes: a row number and an op number. */
export const STAMP_BYTES = 12;

/** Stamps of one block: packed in one go, in some 2 ms. */
const STAMPS_MAX = 8192;

/** What it takes at most: both numbers as doubles. */
const STAMP_BYTES_MAX = 18;

/** Version of blocks of rows; those without one have their payloads in one JSON array. */
const ROWS_VERSION = 2;

/** What a row takes at most beside its vector and its payload, if its id is a number or a UUID. */
const ROW_BYTES_MAX = 64;

/** More than the names and lengths of the columns take. */
const HEADER_BYTES = 256;

/** What the encoders begin with. */
const SHARED_BYTES = 8192;

const packr = new Packr({ useRecords: false });

/** A block before it is written; `count` entries of a log. */
export interface EncodedBlock {
  /** Its memory is used again for the next block. */
  data: Uint8Array;
  count: number;
}

/** Rows in columns. `vectors` are row after row, as little-endian float32 bytes. */
export interface RowsBlock {
  ids: PointId[];
  payloads: PackedTexts;
  insertedAt: number[];
  vectors: Uint8Array;
}

/** Stamps in the order in which they were given. */
export interface StampsBlock {
  rows: number[];
  deletedAt: number[];
}

/** Rows `from`…`to` (exclusive) of a segment in blocks of about 1 MiB. */
export async function* encodeRows(
  segment: Segment,
  from: number,
  to: number,
  pace: Pace,
): AsyncGenerator<EncodedBlock> {
  const rowBytes = segment.slab.dimensions * Float32Array.BYTES_PER_ELEMENT + ROW_BYTES;
  const scratch = new Scratch();
  let first = from;
  let bytes = 0;
  for (let row = from; row < to; row += 1) {
    bytes += rowBytes + segment.payloads.lengthAt(row);
    if (bytes >= BLOCK_BYTES) {
      yield rowsBlock(segment, first, row + 1, scratch);
      first = row + 1;
      bytes = 0;
    }
    if (pace.isDue()) await pace.rest();
  }
  if (first < to) yield rowsBlock(segment, first, to, scratch);
}

/** Stamps `from`…`to` (exclusive) of a segment in blocks of about 100 KiB. */
export async function* encodeStamps(
  segment: Segment,
  from: number,
  to: number,
  pace: Pace,
): AsyncGenerator<EncodedBlock> {
  const scratch = new Scratch();
  for (let first = from; first < to; first += STAMPS_MAX) {
    const rows = segment.stamps.slice(first, Math.min(to, first + STAMPS_MAX));
    const deletedAt = rows.map((row) => segment.deletedAt[row]);
    const bytes = rows.length * STAMP_BYTES_MAX + HEADER_BYTES;
    yield { data: packInto(scratch.bytes(bytes), { rows, deletedAt }), count: rows.length };
    if (pace.isOver()) await pace.rest();
  }
}

/**
 * The inverse of `encodeRows` for one block; the payloads' texts are not parsed. Throws
 * `SLUICE_DAMAGED`, and `SLUICE_FORMAT_UNKNOWN` for a newer version.
 */
export function decodeRows(data: Uint8Array, dimensions: number): RowsBlock {
  const columns = unpack(data);
  const { version, ids, insertedAt, vectors } = columns;
  // Before anything else: a later version may have other columns.
  if (version !== undefined && version !== ROWS_VERSION) {
    throw new SluiceError('SLUICE_FORMAT_UNKNOWN', `unknown version of blocks: ${version}`);
  }
  const isTable = Array.isArray(ids) && isNumbers(insertedAt) && vectors instanceof Uint8Array;
  if (!isTable) throw damaged('of rows: it lacks a column');
  const isWhole =
    insertedAt.length === ids.length &&
    vectors.length === ids.length * dimensions * Float32Array.BYTES_PER_ELEMENT;
  if (!isWhole) throw damaged('of rows: its columns differ in length');
  return { ids, payloads: payloadsOf(columns, ids.length), insertedAt, vectors };
}

/** The inverse of `encodeStamps` for one block. Throws `SLUICE_DAMAGED`. */
export function decodeStamps(data: Uint8Array): StampsBlock {
  const { rows, deletedAt } = unpack(data);
  if (!isNumbers(rows) || !isNumbers(deletedAt)) throw damaged('of stamps: it lacks a column');
  if (rows.length !== deletedAt.length) throw damaged('of stamps: its columns differ in length');
  return { rows, deletedAt };
}

/**
 * Memory for one block after the other: each in its own would be garbage that lies in memory until
 * the collector comes, which a flush of many blocks doesn't make it do.
 */
class Scratch {
  #bytes = Buffer.allocUnsafeSlow(0);
  #numbers = new Float32Array();

  bytes(length: number): Buffer {
    if (this.#bytes.length < length) this.#bytes = Buffer.allocUnsafeSlow(length);
    return this.#bytes;
  }

  numbers(length: number): Float32Array {
    if (this.#numbers.length < length) this.#numbers = new Float32Array(length);
    return this.#numbers.subarray(0, length);
  }
}

function rowsBlock(segment: Segment, first: number, end: number, scratch: Scratch): EncodedBlock {
  const count = end - first;
  const payloads = segment.payloads.pack(first, end);
  const vectors = scratch.numbers(count * segment.slab.dimensions);
  segment.slab.copyTo(vectors, first, end);
  const columns = {
    version: ROWS_VERSION,
    ids: segment.ids.slice(first, end),
    payloads: payloads.bytes,
    lengths: payloads.lengths,
    insertedAt: segment.insertedAt.slice(first, end),
    vectors: float32ToBytes(vectors),
  };
  const bytes = payloads.bytes.length + vectors.byteLength + count * ROW_BYTES_MAX + HEADER_BYTES;
  return { data: packInto(scratch.bytes(bytes), columns), count };
}

/**
 * Packs into a buffer, or into another one if it is too small. All encoders of a process share the
 * one that they have otherwise; it would grow to four times of a block, and stay so large, and log
 * records that lie in it would keep all of it.
 */
function packInto(buffer: Buffer, columns: object): Uint8Array {
  packr.useBuffer(buffer);
  try {
    return packr.pack(columns);
  } finally {
    packr.useBuffer(Buffer.allocUnsafeSlow(SHARED_BYTES));
  }
}

function isNumbers(column: unknown): column is number[] {
  return Array.isArray(column) && column.every((value) => Number.isSafeInteger(value));
}

function unpack(data: Uint8Array): Record<string, unknown> {
  try {
    const columns: unknown = packr.unpack(data);
    if (typeof columns === 'object' && columns !== null) return columns as Record<string, unknown>;
  } catch (error) {
    throw toSluiceError(error, 'SLUICE_DAMAGED', 'a block cannot be decoded');
  }
  throw damaged('that is no table');
}

function payloadsOf(columns: Record<string, unknown>, count: number): PackedTexts {
  const { version, payloads, lengths } = columns;
  if (version !== undefined) return checkTexts(payloads, lengths, count);
  const old = packPayloads(parsePayloads(payloads));
  return checkTexts(old.bytes, old.lengths, count);
}

function parsePayloads(text: unknown): Payload[] {
  try {
    const payloads: unknown = JSON.parse(String(text));
    if (Array.isArray(payloads) && payloads.every(isJsonObject)) return payloads;
  } catch (error) {
    throw toSluiceError(error, 'SLUICE_DAMAGED', 'the payloads of a block cannot be parsed');
  }
  throw damaged('of rows: its payloads are none');
}

function damaged(where: string): SluiceError {
  return new SluiceError('SLUICE_DAMAGED', `a damaged block ${where}`);
}
