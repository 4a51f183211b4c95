// `sluice graph`: the files of tests that it writes run and pass, and what a person fills in is kept.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary.js';
import { sluice } from './support/host.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const execute = promisify(execFile);

/** The large ones take seconds: `SLUICE_GRAPH_ALL=1` takes them too. */
const MACHINES = [
  ...['updateWorker', 'optimizationTask', 'flushWorker'],
  ...(process.env.SLUICE_GRAPH_ALL === undefined ? [] : ['updateHandler', 'optimizerScheduler']),
];

const DOOR = readFileSync(join(ROOT, 'test/testing/support/door.mjs'), 'utf8');

/** A project of somebody who has installed the package, with the machine of a door. */
async function project(): Promise<string> {
  const place = await temporaryDirectory();
  await mkdir(join(place, 'node_modules'));
  symlinkSync(ROOT, join(place, 'node_modules/sluice'));
  for (const name of ['xstate', 'vitest']) {
    symlinkSync(join(ROOT, 'node_modules', name), join(place, 'node_modules', name));
  }
  writeFileSync(join(place, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(place, 'door.mjs'), DOOR);
  return place;
}

/** Without what the runner of these tests tells the processes that it starts. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, VITEST: __, ...env } = process.env;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('VITEST')));
}

const graph = (...argv: string[]) => sluice(['graph', ...argv]);

describe('sluice graph --tests', () => {
  test('writes tests that pass with node:test, for machines of Sluice too', async () => {
    const place = await project();
    const door = await graph(join(place, 'door.mjs'), ...testsIn(place, 'door.test.mjs', 'node'));
    expect(door).toMatchObject({ code: 0, stderr: '' });
    expect(door.stdout).toMatch(/door\.test\.mjs: 3 paths, 11 steps, of 7 states\n.*: new/);
    for (const id of MACHINES) {
      const { code } = await graph(id, ...testsIn(place, `${id}.test.mjs`, 'node'));
      expect(code).toBe(0);
    }
    const { stdout } = await execute(
      process.execPath,
      ['--test', '--test-reporter=tap', ...filesOf(place, '.test.mjs')],
      { cwd: place, env: environment() },
    );
    expect(stdout).toMatch(/ok \d+ - 1\. closed → Knock → unlocking/);
    expect(stdout).toMatch(/# fail 0\n/);
    for (const id of ['door', ...MACHINES]) expect(stdout).toMatch(new RegExp(`^ok .*${id}`, 'm'));
    expect(readFileSync(join(place, 'door.test.mjs'), 'utf8')).toContain(
      '// Made by `sluice graph ./door.mjs#door --tests door.test.mjs --runner node`, ',
    );
  }, 60_000);

  test('writes TypeScript that passes with vitest, and that the compiler accepts', async () => {
    const place = await project();
    await graph(join(place, 'door.mjs#door'), ...testsIn(place, 'door.spec.ts', 'vitest'));
    await graph('flushWorker', ...testsIn(place, 'flush.test.ts', 'vitest'), '--paths', 'shortest');
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    writeFileSync(
      join(place, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          ...{ module: 'NodeNext', target: 'ES2022', strict: true, noEmit: true, allowJs: true },
          ...{ skipLibCheck: true, verbatimModuleSyntax: true, types: [] },
        },
        include: ['*.ts'],
      }),
    );
    const run = (...argv: string[]) =>
      execute(process.execPath, argv, { cwd: place, env: environment() });
    const [{ stdout }] = await Promise.all([run(vitest, 'run', '--root', place), run(tsc)]);
    expect(stdout).toMatch(/Test Files .*2 passed/);
  }, 60_000);

  test('keeps the driver, explores as it says, and tells what it says nothing of', async () => {
    const place = await project();
    const argv = [join(place, 'door.mjs'), ...testsIn(place, 'door.test.mjs', 'node')];
    await graph(...argv);
    const before = readFileSync(join(place, 'door.test.mjs'), 'utf8');
    const driver = join(place, 'door.driver.mjs');
    const filled = readFileSync(driver, 'utf8')
      .replace('outputs: [undefined]', "outputs: ['green', 'yellow']")
      .replace(/^ +unlock: asThePathSays,\n/m, '')
      .replace(/^ +unlock: \{ outputs/m, "    'unlock': { outputs")
      .replaceAll('Knock: (', 'Knocked: (');
    writeFileSync(driver, filled);
    // Beside the module that has been loaded, one with an event more; its tests have the old name.
    writeFileSync(
      join(place, 'other.mjs'),
      DOOR.replace('closed: { on: {', 'closed: { on: { Ring: {},'),
    );
    const again = await graph(join(place, 'other.mjs'), ...argv.slice(1));
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toContain('door.driver.mjs: kept as it is');
    expect(again.stderr).toMatch(/^sluice: never sent Ring: add to the events/);
    expect(readFileSync(driver, 'utf8')).toBe(filled);
    expect(readFileSync(join(place, 'door.test.mjs'), 'utf8')).not.toBe(before);
  });

  test('takes the exploration that the module exports', async () => {
    const place = await project();
    const how = `{ events: [{ type: 'Knock' }], children: { unlock: { outputs: ['blue'], errors: [] } } }`;
    writeFileSync(join(place, 'home.mjs'), `${DOOR}export const doorExploration = ${how};\n`);
    const { code, stderr } = await graph(
      join(place, 'home.mjs'),
      ...testsIn(place, 'home.test.mjs', 'node'),
    );
    expect({ code, stderr: stderr.trim() }).toEqual({
      ...{ code: 0, stderr: 'sluice: never sent Stop: add to the events of the exploration' },
    });
    const text = readFileSync(join(place, 'home.test.mjs'), 'utf8');
    expect(text).toContain("import { door, doorExploration } from './home.mjs';");
    expect(text).toContain("output: 'blue'");
    expect(readFileSync(join(place, 'home.driver.mjs'), 'utf8')).not.toContain('exploration =');
  });

  test('writes over nothing that it has not made', async () => {
    const place = await project();
    const file = join(place, 'mine.test.mjs');
    writeFileSync(file, '// mine\n');
    const argv = [join(place, 'door.mjs'), ...testsIn(place, 'mine.test.mjs', 'node')];
    const refused = await graph(...argv);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /^sluice: .*mine\.test\.mjs was not made by .* \(SLUICE_EXISTS\)\n$/,
    );
    expect(readFileSync(file, 'utf8')).toBe('// mine\n');
    expect(filesOf(place, '.driver.mjs')).toEqual([]);
    expect((await graph(...argv, '--force')).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toMatch(/^\/\/ Made by `sluice graph /);
  });

  test.each([
    ['an id that is none', ['gate'], 2, /there is no machine gate: give one of updateHandler, /],
    ['no module', ['./no-such.mjs'], 1, /there is no module .* \(SLUICE_NOT_FOUND\)/],
    ['an export that is none', ['PLACE/door.mjs#gate'], 2, /exports no state machine named gate/],
    ['a module with none', ['PLACE/none.mjs'], 2, /none\.mjs exports no state machine/],
    ['a module with two', ['PLACE/two.mjs'], 2, /exports several machines: a, b; say two\.mjs#a/],
    ['a module that throws', ['PLACE/throws.mjs'], 2, /throws\.mjs can't be loaded: not today/],
    ['a file of another kind', ['PLACE/door.mjs', '--tests', 'a.txt'], 2, /a\.txt can't be a file/],
    ['a guard that wants a result', ['PLACE/wants.mjs'], 1, /export.* by .*wants\.mjs as wantsExp/],
    ['no runner', ['PLACE/door.mjs', '--tests', 'a.mjs', '--runner'], 2, /runner/],
    [
      'a length for shortest',
      ['flushWorker', '--paths', 'shortest', '--length', '3'],
      2,
      /--length/,
    ],
  ])('%s is one clear line', async (_, argv, code, line) => {
    const place = await project();
    writeFileSync(join(place, 'none.mjs'), 'export const none = 1;\n');
    writeFileSync(join(place, 'throws.mjs'), "throw new Error('not today');\n");
    const two = "import { createMachine } from 'xstate';\nexport const a = createMachine({});\n";
    const wants =
      'export const wants = createMachine({ on: { Go: { guard: ({ event }) => event.to.x } } });';
    writeFileSync(join(place, 'wants.mjs'), `import { createMachine } from 'xstate';\n${wants}\n`);
    writeFileSync(join(place, 'two.mjs'), `${two}export const b = createMachine({});\n`);
    const given = argv.map((word) => word.replace('PLACE', place));
    const [runner, tests] = [
      ['--runner', 'node'],
      ['--tests', join(place, 'x.test.mjs')],
    ];
    const outcome = await graph(
      ...given,
      ...(given.includes('--runner') ? [] : runner),
      ...(given.includes('--tests') ? [] : tests),
    );
    expect(outcome).toMatchObject({ code, stdout: '' });
    expect(outcome.stderr).toMatch(line);
    expect(outcome.stderr.split('\n')).toHaveLength(2);
  });
});

describe('sluice graph', () => {
  test('lists the machines of Sluice', async () => {
    const { code, stdout } = await graph();
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^MACHINE +STATES +TRANSITIONS +WHAT IT DOES\nupdateHandler +\d+ +\d+ +The root/,
    );
    const listed = JSON.parse((await graph('--json')).stdout);
    expect(listed).toHaveLength(5);
    expect(listed[0]).toEqual({
      ...{ id: 'updateHandler', description: expect.stringMatching(/^The root: .*\.$/) },
      ...{ states: expect.any(Number), transitions: expect.any(Number) },
    });
  });

  test('draws a machine of Sluice and one of somebody else, in every format', async () => {
    const door = join(await project(), 'door.mjs');
    for (const machine of ['flushWorker', door]) {
      expect((await graph(machine)).stdout).toMatch(/^stateDiagram-v2\n {2}\[\*\] --> s1\n/);
      expect((await graph(machine, '--format', 'dot')).stdout).toMatch(/^digraph "\w+" \{\n/);
      expect((await graph(machine, '--format', 'markdown')).stdout).toMatch(
        /^# \w+\n[\s\S]*\| State /,
      );
      const { stdout } = await graph(machine, '--format', 'json');
      const { id, states } = JSON.parse(stdout);
      expect(Object.keys(states)).toContain('stopped');
      const whole = JSON.parse((await graph(machine, '--format', 'json', '--json')).stdout);
      expect(whole).toEqual({ machine: id, format: 'json', chart: JSON.parse(stdout) });
    }
  });

  test.each([
    ['a format that is none', ['flushWorker', '--format', 'png'], /Allowed choices are mermaid/],
    ['a format of no machine', ['--format', 'dot'], /say which machine/],
    [
      'a format for tests',
      ['flushWorker', '--format', 'dot', '--tests', 'a.mjs'],
      /--format is of/,
    ],
    ['paths without tests', ['flushWorker', '--paths', 'edges'], /go with --tests/],
    ['tests for no runner', ['flushWorker', '--tests', 'a.mjs'], /--tests needs --runner/],
  ])('%s is wrong use', async (_, argv, line) => {
    const { code, stdout, stderr } = await graph(...argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(line);
    expect(stderr).toMatch(/\(SLUICE_BAD_OPTION\)\n$/);
  });
});

function testsIn(place: string, file: string, runner: string): string[] {
  return ['--tests', join(place, file), '--runner', runner];
}

const filesOf = (place: string, ending: string) =>
  readdirSync(place).filter((name) => name.endsWith(ending));
