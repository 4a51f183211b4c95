import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../examples/demo/demo.mjs', import.meta.url));

test('the demo runs without a terminal, shows everything it promises and tidies up', async () => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script]);
  expect(stderr).toBe('');
  expect(stdout).toMatch(/1\. Ingest 2113 films/);
  expect(stdout).toMatch(/merge of \d+ segments, \d+ films: \d+ ms\n/);
  expect(stdout).toMatch(/indexing of \d segments?, \d+ films: \d+ ms\n/);
  expect(stdout).toMatch(/green: .* films, \d of them indexed\n/);
  expect(stdout).toMatch(/vacuum of 1 segment, \d+ films: \d+ ms\n {2}/);
  expect(stdout).toMatch(/ {2}green: \d segments? with /);
  for (const title of ['Alien', 'Shrek', 'The Matrix Reloaded']) {
    expect(stdout).toMatch(new RegExp(` {2}${title}: .+ \\(\\d{4}\\), .+ \\(\\d{4}\\), .+\\n`));
  }
  const [, acknowledged, found] =
    /(\d+) films acknowledged, (\d+) of them there/.exec(stdout) ?? [];
  expect(Number(acknowledged)).toBeGreaterThanOrEqual(600);
  expect(found).toBe(acknowledged);
  const [, path = ''] = /into (.+)\n/.exec(stdout) ?? [];
  expect(path).not.toBe('');
  expect(existsSync(path)).toBe(false);
});
