import type { Distance } from '../../types.js';

/**
 * The score of one row of a slab: the vector at `slab[offset]`… against the query that the function
 * was made for. `inverseNorm` is the row's, as `inverseNormAt` gives it; only cosine reads it.
 */
export type RowScore = (slab: Float32Array, offset: number, inverseNorm: number) => number;

/** True when a higher score is nearer: for `cosine` and `dot`; a `euclid` score is a distance. */
export function higherIsBetter(distance: Distance): boolean {
  return distance !== 'euclid';
}

// Float32Array elements are read as doubles, so every sum below is one of doubles. Four sums run
// beside each other, because each addition would otherwise wait for the one before it.

/** The dot product of `query` and the row of `slab` that begins at `offset`. */
export function dotAt(query: Float32Array, slab: Float32Array, offset: number): number {
  const length = query.length;
  const unrolled = length - (length % 4);
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = 0;
  for (; i < unrolled; i += 4) {
    a += (query[i] as number) * (slab[offset + i] as number);
    b += (query[i + 1] as number) * (slab[offset + i + 1] as number);
    c += (query[i + 2] as number) * (slab[offset + i + 2] as number);
    d += (query[i + 3] as number) * (slab[offset + i + 3] as number);
  }
  for (; i < length; i++) a += (query[i] as number) * (slab[offset + i] as number);
  return a + b + (c + d);
}

/** The square of the Euclidean distance of `query` and the row of `slab` at `offset`. */
export function squaredDistanceAt(query: Float32Array, slab: Float32Array, offset: number): number {
  const length = query.length;
  const unrolled = length - (length % 4);
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let i = 0;
  for (; i < unrolled; i += 4) {
    const p = (query[i] as number) - (slab[offset + i] as number);
    const q = (query[i + 1] as number) - (slab[offset + i + 1] as number);
    const r = (query[i + 2] as number) - (slab[offset + i + 2] as number);
    const s = (query[i + 3] as number) - (slab[offset + i + 3] as number);
    a += p * p;
    b += q * q;
    c += r * r;
    d += s * s;
  }
  for (; i < length; i++) {
    const p = (query[i] as number) - (slab[offset + i] as number);
    a += p * p;
  }
  return a + b + (c + d);
}

/**
 * One over the length of the row of `slab` at `offset`, 0 for a zero vector. Keep it as a double:
 * for tiny vectors it is larger than a float32 can hold.
 */
export function inverseNormAt(slab: Float32Array, offset: number, dimensions: number): number {
  let sum = 0;
  for (let i = offset; i < offset + dimensions; i++) {
    const value = slab[i] as number;
    sum += value * value;
  }
  return inverseRoot(sum);
}

/** `inverseNormAt` of `count` rows that follow each other, put into `norms` from the place `to` on. */
export function inverseNormsAt(
  slab: Float32Array,
  offset: number,
  dimensions: number,
  { count, norms, to }: { count: number; norms: number[]; to: number },
): void {
  let row = 0;
  // Four rows at once: each sum waits for its last addition.
  for (; row + 4 <= count; row += 4) {
    const first = offset + row * dimensions;
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = first; i < first + dimensions; i++) {
      const p = slab[i] as number;
      const q = slab[i + dimensions] as number;
      const r = slab[i + 2 * dimensions] as number;
      const s = slab[i + 3 * dimensions] as number;
      a += p * p;
      b += q * q;
      c += r * r;
      d += s * s;
    }
    norms[to + row] = inverseRoot(a);
    norms[to + row + 1] = inverseRoot(b);
    norms[to + row + 2] = inverseRoot(c);
    norms[to + row + 3] = inverseRoot(d);
  }
  for (; row < count; row += 1) {
    norms[to + row] = inverseNormAt(slab, offset + row * dimensions, dimensions);
  }
}

function inverseRoot(sum: number): number {
  return sum === 0 ? 0 : 1 / Math.sqrt(sum);
}

/**
 * The score function of a query. `cosine` gives -1…1, and 0 when either vector is zero (vectors are
 * stored as given, not normalised); `dot` the dot product; `euclid` the distance.
 */
export function rowScore(distance: Distance, query: Float32Array): RowScore {
  switch (distance) {
    case 'cosine': {
      const queryInverseNorm = inverseNormAt(query, 0, query.length);
      return (slab, offset, inverseNorm) => {
        const score = dotAt(query, slab, offset) * queryInverseNorm * inverseNorm;
        // Rounding can carry equal directions a little beyond 1.
        return Math.min(1, Math.max(-1, score));
      };
    }
    case 'dot':
      return (slab, offset) => dotAt(query, slab, offset);
    case 'euclid':
      return (slab, offset) => Math.sqrt(squaredDistanceAt(query, slab, offset));
  }
}
