import { describe, expect, test } from 'vitest';
import { mergeOptimizer, selectForMerge } from '#sluice/services/optimizers/merge.js';
import { selectForVacuum, vacuumOptimizer } from '#sluice/services/optimizers/vacuum.js';

const KB = 1024;
const none: ReadonlySet<number> = new Set();

function sized(...sizesKb: number[]) {
  return sizesKb.map((sizeKb, index) => ({ id: index + 1, vectorBytes: sizeKb * KB }));
}

function merge(sizesKb: number[], segmentNumber: number, maxKb: number, busy = none) {
  const thresholds = { segmentNumber, maxSegmentSizeBytes: maxKb * KB };
  return selectForMerge(sized(...sizesKb), busy, thresholds);
}

describe('merge selection', () => {
  test('stays below the maximum size', () => {
    expect(merge([40, 50, 60], 1, 100)).toEqual([]);
    expect(merge([40, 50, 60], 1, 150)).toEqual([]);
    expect(merge([40, 50, 60], 1, 151)).toEqual([1, 2, 3]);
    expect(merge([40, 50, 60], 1, 200)).toEqual([1, 2, 3]);
  });

  test('takes the smallest, as many as bring the count to the target', () => {
    expect(merge([3, 3, 3, 10, 20, 20, 20], 5, 100_000)).toEqual([1, 2, 3, 4]);
    expect(merge([20, 3, 20, 3, 10, 20, 3], 5, 100_000)).toEqual([2, 4, 7, 5]);
  });

  test('does nothing at the target, or for two segments', () => {
    expect(merge([1, 1, 1, 1, 1], 5, 100)).toEqual([]);
    expect(merge([1, 1], 1, 100)).toEqual([]);
    expect(merge([1, 1, 1], 2, 100)).toEqual([1, 2, 3]);
  });

  test('busy segments neither count nor are chosen', () => {
    expect(merge([1, 1, 1, 1, 1, 1], 5, 100, new Set([2]))).toEqual([]);
    expect(merge([1, 1, 1, 1, 1, 1], 3, 100, new Set([2]))).toEqual([1, 3, 4, 5]);
  });
});

describe('vacuum selection', () => {
  const thresholds = { deletedThreshold: 0.2, vacuumMinVectorNumber: 50 };

  function vacuum(...segments: [rows: number, deleted: number][]) {
    const infos = segments.map(([rows, deleted], index) => ({ id: index + 1, rows, deleted }));
    return selectForVacuum(infos, none, thresholds);
  }

  test('takes a segment of which half is deleted', () => {
    expect(vacuum([200, 100])).toEqual([1]);
  });

  test('takes the worst one only, ties by id', () => {
    expect(vacuum([100, 30], [100, 60], [100, 60], [100, 40])).toEqual([2]);
  });

  test('the threshold is exclusive, the least number of rows inclusive', () => {
    expect(vacuum([100, 20])).toEqual([]);
    expect(vacuum([100, 21])).toEqual([1]);
    expect(vacuum([49, 49])).toEqual([]);
    expect(vacuum([50, 50])).toEqual([1]);
  });

  test('leaves busy, empty and clean segments alone, whatever the thresholds', () => {
    const segments = [
      { id: 1, rows: 100, deleted: 99 },
      { id: 2, rows: 0, deleted: 0 },
      { id: 3, rows: 10, deleted: 0 },
    ];
    const eager = { deletedThreshold: 0, vacuumMinVectorNumber: 0 };
    expect(selectForVacuum(segments, new Set([1]), eager)).toEqual([]);
  });
});

test('the optimizers ask for the thresholds at every selection', () => {
  let segmentNumber = 5;
  let deletedThreshold = 0.5;
  const begin = () => undefined;
  const thresholds = () => ({ segmentNumber, maxSegmentSizeBytes: KB });
  const merging = mergeOptimizer({ thresholds, begin });
  const vacuuming = vacuumOptimizer({
    thresholds: () => ({ deletedThreshold, vacuumMinVectorNumber: 0 }),
    begin,
  });
  const info = { points: 7, rows: 10, deleted: 3, vectorBytes: 1, appendable: true };
  const segments = [1, 2, 3].map((id) => ({ ...info, id }));
  expect([merging.name, vacuuming.name]).toEqual(['merge', 'vacuum']);
  expect(merging.select(segments, none)).toEqual([]);
  expect(vacuuming.select(segments, none)).toEqual([]);
  segmentNumber = 1;
  deletedThreshold = 0.1;
  expect(merging.select(segments, none)).toEqual([1, 2, 3]);
  expect(vacuuming.select(segments, none)).toEqual([1]);
  expect(merging.begin([1])).toBeUndefined();
});
