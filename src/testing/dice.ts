/** A whole number from 0 (inclusive) to `limit` (exclusive). */
export type Dice = (limit: number) => number;

/** A linear congruential generator: its high bits are good enough to choose a way by. */
export function dice(seed: number): Dice {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
