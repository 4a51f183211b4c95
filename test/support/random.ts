export { Random } from '#sluice/testing/simulation/random.js';

/** The number in the environment variable `name`, or `fallback` when it isn't set. */
export function numberFromEnvironment(name: string, fallback: number): number {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new TypeError(`${name} must be an integer, not ${text}`);
  return value;
}
