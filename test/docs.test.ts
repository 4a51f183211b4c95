import { readFile } from 'node:fs/promises';
import { ERROR_CODES } from 'sluice';
import { expect, test } from 'vitest';

test('docs/errors.md has one heading for each code, and no other', async () => {
  const text = await readFile(new URL('../docs/errors.md', import.meta.url), 'utf8');
  const headings = [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual(ERROR_CODES);
});
