import { randomBytes, timingSafeEqual } from 'node:crypto';

/** A word that nobody can guess, fit for a path. */
export function randomToken(): string {
  return randomBytes(16).toString('base64url');
}

/** Compares in a time that tells nothing of where they differ. */
export function isSameToken(token: string, given: string): boolean {
  const [expected, found] = [Buffer.from(token), Buffer.from(given)];
  return expected.length === found.length && timingSafeEqual(expected, found);
}
