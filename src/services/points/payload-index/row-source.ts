import type { RowBits } from './row-bits.js';

/** Rows that may pass a condition: no row that passes it is missing. */
export interface RowSource {
  /** So many rows at most. */
  readonly size: number;
  addTo(bits: RowBits): void;
}
