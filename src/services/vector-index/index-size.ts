import type { HnswGraphOptions } from '../../types.js';
import { graphWidth, type IndexShape } from './graph-space.js';

/** A key, counts, and the links of the few rows on upper layers; measured. */
const ROW_BYTES = 40;

/** A row's links on the lowest layer: twice `m`, four bytes each. */
const LINK_BYTES_PER_M = 8;

/**
 * Bytes that the file of an index will have, about; a byte a dimension less when bytes turn out to
 * tell its directions apart. With few dimensions most of them are links, so that it can be many
 * times as large as the vectors.
 */
export function indexFileBytes(
  rows: number,
  shape: IndexShape,
  { m }: Pick<HnswGraphOptions, 'm'>,
): number {
  // See `GraphSpace`: half precision, unless bytes fit.
  const vectorBytes = graphWidth(shape, true) * (shape.distance === 'cosine' ? 2 : 4);
  return rows * (vectorBytes + LINK_BYTES_PER_M * m + ROW_BYTES);
}
