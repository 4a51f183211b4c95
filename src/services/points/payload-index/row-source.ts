import type { RowBits } from './row-bits.js';

/** Rows that may pass a condition: no row that passes it is missing. */
export interface RowSource {
  /** So many rows at most. */
  readonly size: number;
  addTo(bits: RowBits): void;
  /** A list of the same rows, where they lie in ascending order, each once. */
  ascending?(): Uint32Array | undefined;
}

/** The rows of a list. */
export function listed(rows: readonly number[] = []): RowSource {
  return { size: rows.length, addTo: (bits) => bits.addAll(rows) };
}

/** The rows of a list in ascending order, each once. */
export function posted(rows: readonly number[] = []): RowSource {
  return { ...listed(rows), ascending: () => new Uint32Array(rows) };
}

/** The rows of all sources. */
export function unionOf(sources: readonly RowSource[]): RowSource {
  return {
    size: sources.reduce((sum, { size }) => sum + size, 0),
    addTo: (bits) => {
      for (const source of sources) source.addTo(bits);
    },
  };
}

/** The source with the fewest rows; the first of equals. */
export function smallestOf(sources: readonly RowSource[]): RowSource | undefined {
  let smallest: RowSource | undefined;
  for (const source of sources) {
    if (smallest === undefined || source.size < smallest.size) smallest = source;
  }
  return smallest;
}
