// What is written down is a program that says the same.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { literal } from '#sluice/testing/literal.js';

const evaluate = (text: string): unknown => new Function(`'use strict'; return (${text});`)();

it('writes any plain value so that it reads as the same', () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  fc.assert(
    fc.property(value, fc.nat(110), (plain, column) => {
      const same = evaluate(literal(plain, '  ', column));
      // JSON has no negative zero, and neither has what is written.
      expect(JSON.stringify(same)).toBe(JSON.stringify(plain));
    }),
    { numRuns: 50 },
  );
});

it('writes what a line or a string would end with, and undefined', () => {
  const odd = { "it's": '\u2028\n\\\'"`', __proto__: 1, 'a-b': undefined };
  expect(evaluate(literal(odd))).toEqual(odd);
  expect(Object.keys(evaluate(literal(JSON.parse('{"__proto__":1}'))) as object)).toEqual([
    '__proto__',
  ]);
});

it('folds what is too long for a line', () => {
  const long = { list: Array.from({ length: 40 }, (_, at) => at * 1000), short: [1] };
  const lines = literal(long).split('\n');
  expect(lines.every((line) => line.length <= 100)).toBe(true);
  expect(lines.at(-2)).toBe('  short: [1],');
});
