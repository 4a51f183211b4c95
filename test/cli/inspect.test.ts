// `sluice inspect`: what it refuses, what it prints, what it leaves behind.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCollection } from 'sluice';
import { describe, expect, it } from 'vitest';
import { until } from '../support/points.js';
import { temporaryDirectory } from '../support/temporary.js';
import { sluice } from './support/host.js';

async function collectionAt(directory: string): Promise<string> {
  const path = join(directory, 'films.db');
  await (await openCollection(path, { dimensions: 2 })).close();
  return path;
}

describe('sluice inspect', () => {
  it.each([
    ['neither a collection nor a recording', [], /say which collection/],
    ['both', ['db', '--replay', 'file'], /goes with --port alone/],
    ['a recording of a recording', ['--replay', 'a', '--record', 'b'], /goes with --port alone/],
    ['what is no port', ['db', '--port', '99999'], /must be a port/],
  ])('refuses %s', async (_, flags, message) => {
    const { code, stderr } = await sluice(['inspect', ...flags]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('serves until Ctrl-C, records, and then shows the recording', async () => {
    const directory = await temporaryDirectory();
    const path = await collectionAt(directory);
    const file = join(directory, 'films.jsonl');
    const interrupt = new AbortController();
    const world = { openCollection, signal: interrupt.signal };
    const running = sluice(['inspect', path, '--record', file, '--json'], world);
    await until(() => readFileSync(file, { flag: 'a+' }).length > 5000);
    interrupt.abort();
    const { code, stdout } = await running;
    expect(code).toBe(130);
    const { url } = JSON.parse(stdout);
    await expect(fetch(url)).rejects.toThrow('fetch failed');
    const messages = readFileSync(file, 'utf8')
      .trimEnd()
      .split('\n')
      .map((one) => JSON.parse(one));
    expect(messages[0]).toMatchObject({ type: 'start', title: path });
    expect(messages).toContainEqual(expect.objectContaining({ type: 'state', value: 'stopped' }));
    const shown = await sluice(['inspect', '--replay', file], { signal: AbortSignal.abort() });
    expect(shown.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//);
  });

  it('leaves an earlier recording alone when the collection can not be opened', async () => {
    const directory = await temporaryDirectory();
    const file = join(directory, 'films.jsonl');
    writeFileSync(file, 'earlier');
    const flags = ['inspect', join(directory, 'nowhere.db'), '--record', file];
    const { code, stderr } = await sluice(flags, { openCollection });
    expect([code, readFileSync(file, 'utf8')]).toEqual([1, 'earlier']);
    expect(stderr).toContain('SLUICE_NOT_FOUND');
  });

  it('tells of a recording that there is not', async () => {
    const { code, stderr } = await sluice(['inspect', '--replay', 'nowhere.jsonl']);
    expect(code).toBe(1);
    expect(stderr).toContain('SLUICE_NOT_FOUND');
  });
});
