import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import xxhash, { type XXHashAPI } from 'xxhash-wasm';
import { frame, KIND, type Kind, loadChecksum, unframe } from '#sluice/services/level/frame.js';

const kinds = Object.keys(KIND) as Kind[];
const framed = fc.record({
  key: fc.string(),
  kind: fc.constantFrom(...kinds),
  payload: fc.uint8Array({ maxLength: 100 }),
});
const damaged = expect.objectContaining({ code: 'SLUICE_DAMAGED' });

let hash: XXHashAPI;
beforeAll(async () => {
  await loadChecksum();
  hash = await xxhash();
});

/** Gives a changed value a right checksum, as another version of the code would. */
function reseal(key: string, value: Uint8Array): Uint8Array {
  const sum = hash.h64Raw(value.subarray(8), hash.h64(key));
  new DataView(value.buffer).setBigUint64(0, sum, true);
  return value;
}

describe('a framed value', () => {
  test('gives back its payload', () => {
    fc.assert(
      fc.property(framed, ({ key, kind, payload }) => {
        expect(unframe(key, kind, frame(key, kind, payload))).toEqual(payload);
      }),
    );
  });

  test('with any one bit changed is damage', () => {
    fc.assert(
      fc.property(framed, fc.nat(), ({ key, kind, payload }, position) => {
        const value = frame(key, kind, payload);
        const bit = position % (value.length * 8);
        value[bit >> 3] = (value[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => unframe(key, kind, value)).toThrowError(damaged);
      }),
    );
  });

  test('cut off anywhere is damage', () => {
    fc.assert(
      fc.property(framed, fc.nat(), ({ key, kind, payload }, position) => {
        const value = frame(key, kind, payload);
        const cut = value.subarray(0, position % value.length);
        expect(() => unframe(key, kind, cut)).toThrowError(damaged);
      }),
    );
  });

  test('under another key is damage', () => {
    fc.assert(
      fc.property(framed, fc.string(), ({ key, kind, payload }, other) => {
        fc.pre(key !== other);
        expect(() => unframe(other, kind, frame(key, kind, payload))).toThrowError(damaged);
      }),
    );
  });

  test('of another kind is damage', () => {
    const value = frame('k', 'block', new Uint8Array(3));
    expect(() => unframe('k', 'record', value)).toThrowError(damaged);
  });

  test.each([
    ['kind', 8],
    ['version', 9],
  ])('with a right checksum and an unknown %s is a newer format', (_, offset) => {
    const value = frame('k', 'block', new Uint8Array(3));
    value[offset] = 99;
    expect(() => unframe('k', 'block', reseal('k', value))).toThrowError(
      expect.objectContaining({ code: 'SLUICE_FORMAT_UNKNOWN' }),
    );
  });

  test('has the same checksum whether it is hashed in pieces or at once', () => {
    const payload = Uint8Array.from({ length: 2_500_000 }, (_, index) => (index * 31) >> 3);
    const value = frame('large', 'block', payload);
    expect(Buffer.compare(reseal('large', value.slice()), value)).toBe(0);
    expect(Buffer.compare(unframe('large', 'block', value), payload)).toBe(0);
  });

  test('is laid out as the format says', () => {
    const value = frame('key', 'manifest', Uint8Array.of(7, 8));
    expect([...value.subarray(8)]).toEqual([3, 1, 0, 0, 0, 0, 0, 0, 7, 8]);
    expect(Buffer.from(value.subarray(0, 8)).toString('hex')).toBe('15e5b16133903fb4');
  });

  test('does not share memory with the payload, and is read in place as a plain array', () => {
    const payload = Uint8Array.of(1, 2, 3, 4);
    const value = frame('k', 'block', payload);
    payload.fill(0);
    const read = unframe('k', 'block', Buffer.from(value));
    expect(read.constructor).toBe(Uint8Array);
    expect([...read]).toEqual([1, 2, 3, 4]);
    expect(unframe('k', 'block', value).byteOffset % 8).toBe(0);
  });
});
