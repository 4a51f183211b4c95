import { readFileSync } from 'node:fs';
import type { TestFunction } from 'sluice/testing';
import { expect, test } from 'vitest';

const docs = readFileSync(new URL('../../../docs/testing.md', import.meta.url), 'utf8');

/** Gives the tests that a suite registers, by name, without running them. */
export function collected(
  register: (test: TestFunction) => void,
): Map<string, () => Promise<void>> {
  const tests = new Map<string, () => Promise<void>>();
  register((name, body) => tests.set(name, body));
  return tests;
}

/** Expects that a suite rejects something broken by the test with this name, as docs/testing.md says. */
export function rejects(
  what: string,
  clause: string,
  register: (test: TestFunction) => void,
  reason: RegExp = /^not kept: /,
): void {
  test(`${what}: rejected by "${clause}"`, async () => {
    expect(docs).toContain(`| ${what} | ${clause} |`);
    const found = [...collected(register)].filter(([name]) => name.endsWith(`: ${clause}`));
    expect(found).toHaveLength(1);
    const error = await found[0]?.[1]().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'SLUICE_MISMATCH' });
    expect((error as Error).message).toMatch(reason);
  });
}
