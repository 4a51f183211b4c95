import { describe, expect, test } from 'vitest';
import { selectForConfigMismatch } from '#sluice/services/optimizers/config-mismatch.js';
import { selectForIndexing } from '#sluice/services/optimizers/indexing.js';
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

describe('indexing selection', () => {
  function index(
    segments: readonly (number | string)[][],
    options: { thresholdKb: number; segmentNumber?: number; maxKb?: number; busy?: Set<number> },
  ) {
    const { thresholdKb, segmentNumber = 2, maxKb = 100_000, busy = none } = options;
    const infos = segments.map(([sizeKb, indexed], at) => ({
      id: at + 1,
      vectorBytes: Number(sizeKb) * KB,
      indexed: indexed === 'indexed',
    }));
    return selectForIndexing(infos, busy, {
      indexingThresholdBytes: thresholdKb * KB,
      segmentNumber,
      maxSegmentSizeBytes: maxKb * KB,
    });
  }

  const sizes = [[25], [90], [100], [200]];

  test('takes the largest above the threshold, with the smallest other one above it', () => {
    expect(index(sizes, { thresholdKb: 1000 })).toEqual([]);
    expect(index(sizes, { thresholdKb: 50 })).toEqual([4, 2]);
    expect(index(sizes, { thresholdKb: 150 })).toEqual([4]);
    expect(index(sizes, { thresholdKb: 0 })).toEqual([4, 1]);
  });

  test('the threshold is inclusive, and an empty segment is never indexed', () => {
    expect(index([[50], [10]], { thresholdKb: 50 })).toEqual([1]);
    expect(index([[0], [0]], { thresholdKb: 0 })).toEqual([]);
    expect(index(sizes, { thresholdKb: Number.POSITIVE_INFINITY })).toEqual([]);
  });

  test('takes one alone while there are few segments', () => {
    expect(index(sizes, { thresholdKb: 50, segmentNumber: 5 })).toEqual([4]);
    expect(index(sizes, { thresholdKb: 50, segmentNumber: 4 })).toEqual([4, 2]);
  });

  test('a partner must fit below the maximum size; an indexed one is the second choice', () => {
    expect(index(sizes, { thresholdKb: 50, maxKb: 290 })).toEqual([4]);
    expect(index(sizes, { thresholdKb: 50, maxKb: 291 })).toEqual([4, 2]);
    const mixed = [[200], [90, 'indexed'], [60, 'indexed'], [10]];
    expect(index(mixed, { thresholdKb: 50 })).toEqual([1, 3]);
    expect(index(mixed, { thresholdKb: 50, maxKb: 260 })).toEqual([1]);
  });

  test('leaves indexed and busy ones alone', () => {
    expect(index([[200, 'indexed'], [90]], { thresholdKb: 100 })).toEqual([]);
    expect(index(sizes, { thresholdKb: 50, busy: new Set([4, 2]) })).toEqual([3]);
  });

  test('ties go to the lower id', () => {
    expect(index([[90], [90]], { thresholdKb: 50, segmentNumber: 3 })).toEqual([1]);
  });
});

describe('config mismatch selection', () => {
  const wanted = { m: 16, efConstruct: 100 };
  const at = (id: number, vectorBytes: number, hnsw: typeof wanted | null) => {
    return { id, vectorBytes, hnsw };
  };

  test('takes the largest whose index has other parameters, ties by id', () => {
    const segments = [
      at(1, 500, wanted),
      at(2, 100, { m: 8, efConstruct: 100 }),
      at(3, 300, { m: 16, efConstruct: 20 }),
      at(4, 300, { m: 8, efConstruct: 100 }),
      at(5, 900, null),
    ];
    expect(selectForConfigMismatch(segments, none, wanted)).toEqual([3]);
    expect(selectForConfigMismatch(segments, new Set([3]), wanted)).toEqual([4]);
    expect(selectForConfigMismatch(segments, new Set([3, 4]), wanted)).toEqual([2]);
    expect(selectForConfigMismatch(segments, new Set([3, 4, 2]), wanted)).toEqual([]);
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
