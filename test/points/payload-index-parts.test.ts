// The parts of a payload index against the simplest thing that does the same.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rangeTest } from '#sluice/services/points/filter-match.js';
import { NumberRows } from '#sluice/services/points/payload-index/number-rows.js';
import { RowBits } from '#sluice/services/points/payload-index/row-bits.js';

const rowList = (max: number) => fc.array(fc.nat(max), { maxLength: 40 });
const ascending = (rows: Iterable<number>) => [...new Set(rows)].sort((a, b) => a - b);

describe('a set of rows', () => {
  it('does what a set of numbers does', () => {
    fc.assert(
      fc.property(
        fc.nat(200),
        rowList(220),
        rowList(220),
        fc.nat(210),
        fc.nat(40),
        (rows, some, others, from, length) => {
          const bits = new RowBits(rows);
          bits.addAll(some);
          bits.addRange(from, from + length);
          const inBits = (row: number) => row < rows;
          const range = Array.from({ length }, (_, at) => from + at);
          const expected = ascending([...some, ...range]).filter(inBits);
          expect([...bits.toRows()]).toEqual(expected);
          const other = new RowBits(rows);
          other.addAll(Uint32Array.from(others));
          bits.intersect(other);
          expect([...bits.toRows()]).toEqual(expected.filter((row) => others.includes(row)));
        },
      ),
    );
  });

  it('has every row of a full one', () => {
    const bits = new RowBits(97);
    bits.addRange(0, 97);
    expect([...bits.toRows()]).toEqual(Array.from({ length: 97 }, (_, row) => row));
  });
});

describe('rows by number', () => {
  const number = fc.oneof(
    fc.integer({ min: -20, max: 20 }),
    fc.double({ noNaN: true }),
    fc.constantFrom(0, -0, 5e-324, Number.MAX_SAFE_INTEGER, -1e308),
  );
  const bound = fc.option(number, { nil: undefined });

  it('are those that a look at each would find, in ranges of every kind', () => {
    fc.assert(
      fc.property(
        fc.array(number, { minLength: 1, maxLength: 50 }),
        // More than a few runs; the short list is repeated, so that equal numbers abound.
        fc.nat(3000),
        fc.array(fc.tuple(bound, bound, bound, bound), { minLength: 1, maxLength: 8 }),
        (numbers, rows, ranges) => {
          const index = new NumberRows();
          const numberOf = (row: number) => numbers[(row * row) % numbers.length] ?? 0;
          for (let row = 0; row < rows; row += 1) index.add(numberOf(row), row);
          for (const [gt, gte, lt, lte] of ranges) {
            const given = Object.entries({ gt, gte, lt, lte }).filter(
              ([, value]) => value !== undefined,
            );
            const range = Object.fromEntries(given);
            const test = rangeTest(range);
            const expected = Array.from({ length: rows }, (_, row) => row).filter((row) =>
              test(numberOf(row)),
            );
            const found = index.within(range);
            const bits = new RowBits(rows);
            found.addTo(bits);
            expect(found.size).toBe(expected.length);
            expect([...bits.toRows()]).toEqual(expected);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
