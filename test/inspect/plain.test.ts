// Whatever a system holds, what is shown of it is small, plain, and never the data itself.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plainCopy } from '#sluice/inspect/plain.js';
import { projectEvent, projectSnapshot } from '#sluice/inspect/projection.js';

const bytes = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

const anything = fc.anything({
  maxDepth: 6,
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withSparseArray: true,
  withNullPrototype: true,
  key: fc.oneof(fc.string(), fc.string({ unit: 'grapheme', maxLength: 300 })),
});

describe('a plain copy', () => {
  test('keeps small values as they are', () => {
    const value = { count: 3, name: 'merge', flags: [true, false], inner: { none: null } };
    expect(plainCopy(value, 1000)).toEqual(value);
  });

  test('names data by kind and size', () => {
    const value = {
      vector: new Float32Array(64),
      plain: Array.from({ length: 64 }, (_, at) => at / 3),
      points: new Map([[1, 2]]),
      log: 12n,
      act: () => {},
      at: Number.NaN,
    };
    expect(plainCopy(value, 1000)).toEqual({
      vector: 'Float32Array(256 bytes)',
      plain: '64 numbers',
      points: 'Map(1)',
      log: '12',
      at: 'NaN',
    });
  });

  test('cuts what is long, deep, or a circle', () => {
    const circle: Record<string, unknown> = { text: 'x'.repeat(10_000) };
    circle.self = circle;
    expect(bytes(plainCopy(circle, 1000))).toBeLessThan(1200);
    expect(plainCopy(['a'].concat(Array(99).fill('b')), 1000)).toHaveLength(21);
  });

  test('counts what nothing is left of', () => {
    const holes = Array.from({ length: 20 }, () => Array.from({ length: 20 }, () => undefined));
    expect(bytes(plainCopy([holes, holes, holes], 300))).toBeLessThan(400);
  });

  test('shows a field that can not be read as what it throws', () => {
    for (const name of ['bad', 'sessionId']) {
      const value = Object.defineProperty({}, name, {
        enumerable: true,
        get: () => {
          throw new TypeError('no');
        },
      });
      expect(plainCopy(value, 1000)).toEqual({ [name]: 'TypeError: no' });
    }
  });

  test('of anything takes little more than it may, and is JSON', () => {
    fc.assert(
      fc.property(anything, fc.integer({ min: 10, max: 2000 }), (value, bytesMax) => {
        const copy = plainCopy(value, bytesMax);
        expect(JSON.parse(JSON.stringify(copy))).toEqual(copy);
        expect(bytes(copy)).toBeLessThan(bytesMax + 200);
      }),
      { numRuns: 300 },
    );
  });

  test('a snapshot and its event are below 2 KB together', () => {
    fc.assert(
      fc.property(anything, anything, (held, sent) => {
        const snapshot = { status: 'active', value: held, context: held, output: sent };
        const shown = projectSnapshot({ ...snapshot, error: held } as never);
        expect(bytes([shown, projectEvent({ type: 'Sent', sent } as never) ?? null])).toBeLessThan(
          2048,
        );
      }),
      { numRuns: 100 },
    );
  });
});
