import type { Collection, OptimizerOptions } from 'sluice';
import { points, until } from './points.js';
import type { Store } from './stores.js';

/** Optimizer options under which nothing is optimized and one upsert fills a segment. */
export const ONE_UPSERT_A_SEGMENT: Partial<OptimizerOptions> = {
  maxSegmentSizeKb: 1,
  maxOptimizationThreads: 0,
};

/**
 * Fills segments with so many points each, in a new collection opened with `ONE_UPSERT_A_SEGMENT`
 * and 256 dimensions, so that a vector has 1 KB. Ids go up from 0. `spare` leaves an empty segment
 * behind the last.
 */
export async function fillSegments(
  collection: Collection,
  sizes: readonly number[],
  { spare = false } = {},
): Promise<void> {
  let id = 0;
  for (const [index, size] of sizes.entries()) {
    const isLast = index === sizes.length - 1;
    if (isLast && !spare) await collection.configure({ optimizers: { maxSegmentSizeKb: null } });
    await collection.upsert(points(id, size, 256));
    id += size;
    if (!isLast || spare) await until(() => sizesOf(collection).includes(0));
  }
}

/** A new collection with so many points in each of its segments; see `fillSegments`. */
export async function openFilled(
  store: Store,
  sizes: readonly number[],
  options?: { spare: boolean },
): Promise<Collection> {
  const collection = await store.open({ dimensions: 256, optimizers: ONE_UPSERT_A_SEGMENT });
  await fillSegments(collection, sizes, options);
  return collection;
}

/** Points in each segment, the most first. */
export function sizesOf(collection: Collection): number[] {
  const sizes = collection.info().segments.map((segment) => segment.points);
  return sizes.sort((a, b) => b - a);
}
