/** Fills the array with random bytes and returns it; tests and simulations pass a seeded one. */
export type RandomFill = (target: Uint8Array<ArrayBuffer>) => Uint8Array;

/** The platform's own source of randomness. */
export const systemRandom: RandomFill = (target) => crypto.getRandomValues(target);

/** A random identity of `byteLength` bytes as lower-case hex digits. */
export function randomId(byteLength: number, random: RandomFill = systemRandom): string {
  const bytes = random(new Uint8Array(byteLength));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
