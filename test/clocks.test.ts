import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ClockMap } from '#sluice/services/clocks.js';
import { clockTag } from './points/arbitraries.js';

/** A map whose clock 1/0 stands at tick 5, set with token 7. */
function atFive(): ClockMap {
  const clocks = new ClockMap();
  clocks.advance({ peerId: 1, clockId: 0, tick: 5, token: 7 });
  return clocks;
}

describe('a clock tag', () => {
  // tick, token, force → accepted, the clock's tick afterwards, whether the clock changed
  test.each<[number, number, boolean, boolean, number, boolean]>([
    [6, 7, false, true, 6, true],
    [6, 8, false, true, 6, true],
    [6, 8, true, true, 6, true],
    [5, 7, false, true, 5, false],
    [5, 7, true, true, 5, false],
    [5, 8, false, false, 5, false],
    [5, 8, true, true, 5, false],
    [4, 7, false, false, 5, false],
    [4, 7, true, true, 5, false],
    [0, 7, false, false, 5, false],
    [0, 7, true, true, 5, false],
  ])('tick %i token %i force %s at tick 5 token 7: accepted %s', (...row) => {
    const [tick, token, force, accepted, current, changed] = row;
    const clocks = atFive();
    const { version } = clocks;
    const tag = { peerId: 1, clockId: 0, tick, token, force };
    expect(clocks.advance(tag)).toEqual({ accepted, current });
    expect(clocks.currentTick(1, 0)).toBe(current);
    expect(clocks.version > version).toBe(changed);
  });

  test.each<[number, boolean, boolean, number]>([
    [1, false, true, 1],
    [9, true, true, 9],
    [0, false, false, 0],
    [0, true, true, 0],
  ])('tick %i force %s of an unknown clock: accepted %s', (tick, force, accepted, current) => {
    const clocks = atFive();
    expect(clocks.advance({ peerId: 1, clockId: 1, tick, force })).toEqual({ accepted, current });
    expect(clocks.toJSON()).toHaveLength(current === 0 ? 1 : 2);
  });

  test('moves the token with the tick', () => {
    const clocks = atFive();
    clocks.advance({ peerId: 1, clockId: 0, tick: 6, token: 8 });
    expect(clocks.advance({ peerId: 1, clockId: 0, tick: 6, token: 7 }).accepted).toBe(false);
    expect(clocks.advance({ peerId: 1, clockId: 0, tick: 6, token: 8 }).accepted).toBe(true);
  });

  test('without a token has token 0', () => {
    const clocks = new ClockMap();
    clocks.advance({ peerId: 1, clockId: 0, tick: 1 });
    expect(clocks.advance({ peerId: 1, clockId: 0, tick: 1, token: 0 }).accepted).toBe(true);
    expect(clocks.advance({ peerId: 1, clockId: 0, tick: 1, token: 1 }).accepted).toBe(false);
  });

  test('moves the clock of its own peer and number only', () => {
    const clocks = atFive();
    clocks.advance({ peerId: 10, clockId: 0, tick: 2 });
    clocks.advance({ peerId: 1, clockId: 10, tick: 3 });
    expect([clocks.currentTick(1, 0), clocks.currentTick(10, 0), clocks.currentTick(0, 1)]).toEqual(
      [5, 2, 0],
    );
    expect(clocks.toJSON().map(({ peerId, clockId }) => [peerId, clockId])).toEqual([
      [1, 0],
      [1, 10],
      [10, 0],
    ]);
  });
});

test('clocks come back from JSON as they were', () => {
  fc.assert(
    fc.property(fc.array(clockTag), fc.array(clockTag), (before, after) => {
      const clocks = new ClockMap();
      for (const tag of before) clocks.advance(tag);
      const loaded = ClockMap.fromJSON(JSON.parse(JSON.stringify(clocks)));
      expect(loaded.toJSON()).toEqual(clocks.toJSON());
      expect(loaded.version).toBe(0);
      for (const tag of [...before, ...after]) {
        expect(loaded.advance(tag)).toEqual(clocks.advance(tag));
      }
    }),
  );
});

const record = { peerId: 1, clockId: 0, tick: 1, token: 0 };
test.each<[string, unknown]>([
  ['no list', {}],
  ['no record', [null]],
  ['a missing token', [{ peerId: 1, clockId: 0, tick: 1 }]],
  ['tick 0', [{ ...record, tick: 0 }]],
  ['a negative tick', [{ ...record, tick: -1 }]],
  ['text', [{ ...record, tick: '1' }]],
  ['the same clock twice', [record, { ...record, tick: 2 }]],
])('stored clocks with %s are damaged', (_name, data) => {
  expect(() => ClockMap.fromJSON(data)).toThrowError(
    expect.objectContaining({ code: 'SLUICE_DAMAGED' }),
  );
});
