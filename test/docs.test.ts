import { execFile } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ERROR_CODES } from 'sluice';
import { expect, test } from 'vitest';
import { temporaryDirectory } from './support/temporary.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const pages = [
  'README.md',
  'examples/README.md',
  'examples/kv-store/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

function page(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

/** The code blocks in a language below a heading of a page. */
function blocks(heading: string, language: string, path = 'README.md'): string[] {
  const [, section = ''] = page(path).split(`## ${heading}\n`);
  const [own = ''] = section.split('\n## ');
  return [...own.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, found, code = '']) =>
    found === language ? [code] : [],
  );
}

/** A directory as a reader of the README has it: the package, the examples, and `npx`. */
async function workplace(): Promise<string> {
  const place = await temporaryDirectory();
  for (const folder of ['node_modules', 'bin']) mkdirSync(join(place, folder));
  symlinkSync(root, join(place, 'node_modules/sluice'), 'junction');
  for (const name of ['level', 'xstate']) {
    symlinkSync(join(root, 'node_modules', name), join(place, 'node_modules', name), 'junction');
  }
  symlinkSync(join(root, 'examples'), join(place, 'examples'), 'junction');
  symlinkSync(join(root, 'dist/cli/main.js'), join(place, 'bin/sluice'));
  // The true one looks for the same command, but takes seconds for it.
  writeFileSync(join(place, 'bin/npx'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
  return place;
}

async function execute(place: string, command: string, ...argv: string[]): Promise<string> {
  // What the runner of these tests tells the processes that it starts is not for those of a reader.
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env;
  const env = { ...inherited, PATH: `${join(place, 'bin')}:${process.env.PATH}` };
  const { stdout, stderr } = await promisify(execFile)(command, argv, { cwd: place, env });
  expect(stderr).toBe('');
  return stdout;
}

test('docs/errors.md has one heading for each code, and no other', () => {
  const headings = [...page('docs/errors.md').matchAll(/^## (.+)$/gm)].map(
    ([, heading]) => heading,
  );
  expect(headings).toEqual(ERROR_CODES);
});

test('the examples of the README run, one after the other, and print what it says', async () => {
  const place = await workplace();
  const [program = '', ...more] = blocks('A collection in 15 lines', 'ts');
  expect(more).toEqual([]);
  expect(program.trimEnd().split('\n').length).toBeLessThanOrEqual(16);
  writeFileSync(join(place, 'films.mjs'), program);
  const printed = await execute(place, process.execPath, 'films.mjs');
  expect(program).toContain('[{ id: 1, score: 1, payload: … }, { id: 2, … }]');
  expect(printed).toMatch(/^\[\s+\{\s+id: 1,\s+score: 1,\s+payload: [\s\S]+\{\s+id: 2,/);
  expect(program).toContain("{ color: 'green', reasons: [], errors: [] }");
  expect(printed).toMatch(/\{ color: 'green', reasons: \[\], errors: \[\] \}\n$/);

  const [second = ''] = blocks('What it can do', 'ts');
  writeFileSync(join(place, 'more.mjs'), second);
  const shown = (await execute(place, process.execPath, 'more.mjs')).replace(/\s+/g, ' ');
  const result = "{ opNum: 3, status: 'completed', affected: 1, optimized: true }";
  expect(second).toContain(`// ${result}`);
  expect(shown).toContain(result);
  expect(shown).toMatch(/\{ path: '.*films-backup\.db', opNum: 3, points: 4 \}/);

  const [commands = ''] = blocks('The same from the shell', 'sh');
  const lines = (await execute(place, 'sh', '-e', '-c', commands)).split('\n');
  expect(lines[0]).toMatch(/^2113 points in /);
  expect(lines[1]).toMatch(/^ +ID +SCORE +PAYLOAD$/);
  expect(lines[2]).toMatch(/^1447 +1\.0000 +\{"title":"Alien",/);
  expect(lines).toContain('points           2113');
  expect(lines.at(-2)).toMatch(/^ok: /);
  // A dozen processes, on a machine that may be busy.
}, 90_000);

test('the programs on the core run in the folder of the example', async () => {
  const place = await workplace();
  for (const name of ['kv-store.mjs', 'segments.mjs', 'compaction.mjs']) {
    copyFileSync(join(root, 'examples/kv-store', name), join(place, name));
  }
  const [own = ''] = blocks('A store of your own', 'js');
  const [store = ''] = [
    ...page('examples/kv-store/README.md').matchAll(/^```js\n([\s\S]*?)^```$/gm),
  ].map(([, code]) => code);
  const printed = await Promise.all(
    [own, store].map((program, at) => {
      writeFileSync(join(place, `program-${at}.mjs`), program);
      return execute(place, process.execPath, `program-${at}.mjs`);
    }),
  );
  const said = [own, store].map((program) => [...program.matchAll(/\); \/\/ (.*)$/gm)]);
  expect(printed).toEqual(said.map((lines) => lines.map(([, line]) => `${line}\n`).join('')));
});

test('the page of docs/operations.md is served', async () => {
  const place = await workplace();
  const [program = ''] = blocks('Seeing it work', 'js', 'docs/operations.md');
  const opened = `import { openCollection } from 'sluice';
const collection = await openCollection('./films.db', { dimensions: 3 });
${program}
await collection.close();`;
  writeFileSync(join(place, 'inspect.mjs'), opened);
  const printed = await execute(place, process.execPath, 'inspect.mjs');
  expect(printed).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]+\/\n$/);
});

test('the door of docs/testing.md passes its tests, and those that are written for it', async () => {
  const place = await workplace();
  const heading = 'Test a machine of your own';
  const [machine = '', tests = '', excerpt = ''] = blocks(heading, 'js', 'docs/testing.md');
  writeFileSync(join(place, 'door.mjs'), machine);
  writeFileSync(join(place, 'door.test.mjs'), tests);
  const [, , commands = ''] = blocks(heading, 'sh', 'docs/testing.md');
  const [write = ''] = commands.split('\n');
  await execute(place, 'sh', '-e', '-c', write);
  const written = readFileSync(join(place, 'door.paths.test.mjs'), 'utf8');
  // The page shows it without the indentation that it has there.
  expect(written.replace(/^ {2}/gm, '')).toContain(excerpt);
  const files = ['door.test.mjs', 'door.paths.test.mjs'];
  const printed = await execute(place, process.execPath, '--test', '--test-reporter=tap', ...files);
  expect(printed).toContain('closed → Knock → unlocking → unlock done "green" → open');
  expect(printed).toMatch(/# fail 0/);
});

test('the log of docs/testing.md passes the suite as it is written there', async () => {
  const place = await workplace();
  const programs = blocks('Test adapters of your own', 'js', 'docs/testing.md');
  const files = ['line-log.mjs', 'line-log.test.mjs'];
  for (const [at, name] of files.entries()) writeFileSync(join(place, name), programs[at] ?? '');
  const reporter = '--test-reporter=tap';
  const printed = await execute(place, process.execPath, '--test', reporter, 'line-log.test.mjs');
  expect(printed).toMatch(
    /ok \d+ - the write-ahead log: what was appended is there after the log was/,
  );
  expect(printed).toMatch(/# fail 0/);
});

test('links within the documentation lead somewhere', () => {
  const broken = pages.flatMap((path) =>
    [...page(path).matchAll(/\]\(([^)#]+)[^)]*\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => !existsSync(join(root, dirname(path), target)))
      .map((target) => `${path}: ${target}`),
  );
  expect(broken).toEqual([]);
});
