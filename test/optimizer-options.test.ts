import { describe, expect, test } from 'vitest';
import {
  DEFAULT_OPTIMIZER_OPTIONS,
  indexingThresholdBytes,
  maxSegmentSizeBytes,
  resolveOptimizerOptions,
  segmentNumber,
} from '#sluice/services/optimizer-options.js';

describe('optimizer options', () => {
  test('have defaults, which given ones override and later ones override again', () => {
    expect(resolveOptimizerOptions(undefined)).toEqual({
      deletedThreshold: 0.2,
      vacuumMinVectorNumber: 1000,
      defaultSegmentNumber: 0,
      maxSegmentSizeKb: null,
      indexingThresholdKb: null,
      maxOptimizationThreads: null,
    });
    const first = resolveOptimizerOptions({ deletedThreshold: 0.5, maxOptimizationThreads: 0 });
    const second = resolveOptimizerOptions({ maxOptimizationThreads: null }, first);
    expect(second).toEqual({ ...DEFAULT_OPTIMIZER_OPTIONS, deletedThreshold: 0.5 });
    expect(resolveOptimizerOptions({ deletedThreshold: undefined }, first)).toEqual(first);
  });

  test.each<[object, string]>([
    [{ deletedTreshold: 0.2 }, 'unknown option optimizers.deletedTreshold'],
    [{ deletedThreshold: -0.1 }, 'optimizers.deletedThreshold'],
    [{ deletedThreshold: 1.1 }, 'optimizers.deletedThreshold'],
    [{ deletedThreshold: Number.NaN }, 'optimizers.deletedThreshold'],
    [{ deletedThreshold: null }, 'optimizers.deletedThreshold'],
    [{ vacuumMinVectorNumber: 1.5 }, 'optimizers.vacuumMinVectorNumber'],
    [{ defaultSegmentNumber: '2' }, 'optimizers.defaultSegmentNumber'],
    [{ maxSegmentSizeKb: 0 }, 'optimizers.maxSegmentSizeKb must be a finite number above 0, not 0'],
    [{ indexingThresholdKb: Number.POSITIVE_INFINITY }, 'optimizers.indexingThresholdKb'],
    [{ maxOptimizationThreads: -1 }, 'optimizers.maxOptimizationThreads'],
  ])('%o is refused, naming the option', (given, problem) => {
    expect(() => resolveOptimizerOptions(given)).toThrowError(
      expect.objectContaining({
        code: 'SLUICE_BAD_OPTION',
        message: expect.stringContaining(problem),
      }),
    );
  });

  test('that are no object are a TypeError', () => {
    expect(() => resolveOptimizerOptions([])).toThrow(TypeError);
    expect(() => resolveOptimizerOptions(null)).toThrow(TypeError);
  });

  test('give the thresholds that optimizers compare with', () => {
    const options = (given: object) => resolveOptimizerOptions(given);
    expect([1, 4, 64].map((cpus) => segmentNumber(options({}), cpus))).toEqual([2, 4, 8]);
    expect(segmentNumber(options({ defaultSegmentNumber: 20 }), 4)).toBe(20);
    expect(maxSegmentSizeBytes(options({}), 3)).toBe(3 * 200_000 * 1024);
    expect(maxSegmentSizeBytes(options({ maxSegmentSizeKb: 5 }), 3)).toBe(5120);
    expect(indexingThresholdBytes(options({}))).toBe(20_000 * 1024);
    expect(indexingThresholdBytes(options({ indexingThresholdKb: 1 }))).toBe(1024);
    expect(indexingThresholdBytes(options({ indexingThresholdKb: 0 }))).toBe(
      Number.POSITIVE_INFINITY,
    );
  });
});
