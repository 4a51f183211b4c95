import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plan } from '#sluice/services/planner.js';
import type { SegmentInfo } from '#sluice/services/ports.js';

function segment(id: number): SegmentInfo {
  return { id, points: 1, appendable: true };
}

/** Chooses the first `count` segments that are free, or none when there are fewer. */
function takes(name: string, count: number) {
  return {
    name,
    select: (segments: readonly SegmentInfo[], busy: ReadonlySet<number>) => {
      const free = segments.map(({ id }) => id).filter((id) => !busy.has(id));
      return free.length < count ? [] : free.slice(0, count);
    },
  };
}

function always(name: string, ...ids: number[]) {
  return { name, select: () => ids };
}

const segments = [1, 2, 3, 4, 5, 6].map(segment);

describe('plan', () => {
  test('asks each optimizer in order until it wants nothing more', () => {
    expect(plan(segments, new Set(), [takes('pairs', 4), takes('singles', 1)])).toEqual([
      { optimizer: 'pairs', segmentIds: [1, 2, 3, 4] },
      { optimizer: 'singles', segmentIds: [5] },
      { optimizer: 'singles', segmentIds: [6] },
    ]);
  });

  test('leaves busy segments alone and the given set unchanged', () => {
    const busy = new Set([1, 3]);
    expect(plan(segments, busy, [takes('pairs', 2)])).toEqual([
      { optimizer: 'pairs', segmentIds: [2, 4] },
      { optimizer: 'pairs', segmentIds: [5, 6] },
    ]);
    expect(busy).toEqual(new Set([1, 3]));
  });

  test.each([
    ['a busy segment', always('bad', 2), new Set([2])],
    ['an unknown segment', always('bad', 99), new Set<number>()],
    ['a segment twice in one selection', always('bad', 1, 1), new Set<number>()],
    ['the same segment for ever', always('bad', 1), new Set<number>()],
  ])('an optimizer that chooses %s is a defect', (_, optimizer, busy) => {
    expect(() => plan(segments, busy, [optimizer])).toThrowError(
      expect.objectContaining({ code: 'SLUICE_DAMAGED', message: expect.stringContaining('bad') }),
    );
  });

  test('whatever well-behaved optimizers want: known, free, once, and the same each time', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 });
    const ids = fc.uniqueArray(fc.nat(40), { maxLength: 20 });
    fc.assert(
      fc.property(ids, fc.array(fc.nat(40)), sizes, (known, busyIds, counts) => {
        const optimizers = counts.map((count, index) => takes(`optimizer ${index}`, count));
        const busy = new Set(busyIds);
        const planned = plan(known.map(segment), busy, optimizers);
        const chosen = planned.flatMap(({ segmentIds }) => segmentIds);
        expect(new Set(chosen).size).toBe(chosen.length);
        expect(chosen.every((id) => known.includes(id) && !busy.has(id))).toBe(true);
        expect(plan(known.map(segment), busy, optimizers)).toEqual(planned);
        const after = new Set([...busy, ...chosen]);
        expect(plan(known.map(segment), after, optimizers)).toEqual([]);
      }),
    );
  });
});
