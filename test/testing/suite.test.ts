// One test for each property and path, with whatever runner there is.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'sluice/testing';
import { describe, expect, it, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary.js';
import { fetchMachine } from './support/machines.js';

const how = {
  machine: fetchMachine,
  events: [{ type: 'Fetch' }, { type: 'Stop' }] as const,
  children: { load: { outputs: ['fresh'] } },
  properties: { stop: 'Stop' },
};

suite({ test, describe, ...how });

describe('suite', () => {
  it('names each test, and rejects the one that is wrong', async () => {
    const tests = new Map<string, () => Promise<void>>();
    const collect = (name: string, body: () => Promise<void>) => tests.set(name, body);
    const mayNot = { ...how.properties, forbidden: { 'it never loads': () => true } };
    suite({ test: collect, ...how, properties: mayNot });
    expect([...tests.keys()]).toContain('fetch: Stop leads to the end from every state');
    expect([...tests.keys()].some((name) => /^fetch: 1\. idle → Fetch → loading/.test(name))).toBe(
      true,
    );
    await tests.get('fetch: no state is a dead end')?.();
    await expect(tests.get('fetch: it never loads')?.()).rejects.toMatchObject({
      code: 'SLUICE_FINDINGS',
    });
  });

  it('works with the runner of Node', async () => {
    const place = await temporaryDirectory();
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const program = `
      import { test } from 'node:test';
      import { suite } from '${root}dist/testing/index.js';
      import { createMachine } from '${root}node_modules/xstate/dist/xstate.cjs.mjs';
      const states = { off: { on: { Press: 'on' } }, on: { on: { Press: 'off' } } };
      const machine = createMachine({ id: 'lamp', initial: 'off', states });
      suite({ test, machine, events: [{ type: 'Press' }] });
    `;
    writeFileSync(join(place, 'lamp.test.mjs'), program);
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--test', '--test-reporter=tap', 'lamp.test.mjs'],
      { cwd: place, env },
    );
    expect(stdout).toMatch(/ok \d+ - lamp: no state is a dead end/);
    expect(stdout).toMatch(/ok \d+ - lamp: \d+\. off → Press → on → Press → off/);
    expect(stdout).toMatch(/# fail 0/);
  });

  it('refuses what registers no test', () => {
    expect(() => suite({ ...how, test: undefined as never })).toThrow(TypeError);
    expect(() => suite({ ...how, test, paths: () => [] })).toThrow('no path');
  });
});
