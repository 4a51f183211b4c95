import type { Distance, PointInput, Vector } from 'sluice';

/** A point with its score, computed in doubles. */
export interface Scored {
  id: PointInput['id'];
  point: PointInput;
  score: number;
}

/** All points by nearness to the query, the nearest first, equal scores by numeric id. */
export function bruteForce(
  candidates: readonly PointInput[],
  query: Vector,
  distance: Distance,
): Scored[] {
  const scored = candidates.map((point) => ({
    id: point.id,
    point,
    score: scoreOf(Float32Array.from(point.vector), Float32Array.from(query), distance),
  }));
  const sign = distance === 'euclid' ? 1 : -1;
  return scored.sort((a, b) => sign * (a.score - b.score) || Number(a.id) - Number(b.id));
}

function scoreOf(a: Float32Array, b: Float32Array, distance: Distance): number {
  let product = 0;
  let difference = 0;
  for (const [at, value] of a.entries()) {
    const other = b[at] ?? Number.NaN;
    product += value * other;
    difference += (value - other) ** 2;
  }
  if (distance === 'euclid') return Math.sqrt(difference);
  return distance === 'dot' ? product : product / (Math.hypot(...a) * Math.hypot(...b));
}
