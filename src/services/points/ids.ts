import type { PointId } from '../../types.js';

/**
 * The order of ids in scrolls and among equal scores: numbers before strings, numbers ascending,
 * strings ascending by UTF-16 code unit. Negative, zero or positive, as `Array.sort` wants it.
 */
export function compareIds(a: PointId, b: PointId): number {
  if (typeof a === 'number') return typeof b === 'number' ? a - b : -1;
  if (typeof b === 'number') return 1;
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
