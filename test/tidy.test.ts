// The rules of the house that a regular expression can check.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const LINES_MAX = 400;
const COLUMNS_MAX = 100;
/** The formatter folds code, but not comments. */
const COMMENT_COLUMNS_MAX = 120;

interface SourceFile {
  /** From the root, with slashes. */
  path: string;
  lines: string[];
  /** The text without its comments, with as many lines. */
  code: string;
  imports: { from: string; typeOnly: boolean }[];
}

function readTree(folder: string): SourceFile[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name).replaceAll('\\', '/'))
    .filter((path) => /\.(ts|tsx|mts|mjs)$/.test(path))
    .sort()
    .map(readSource);
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const code = text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/(^|\s)\/\/.*$/gm, '$1');
  const statements = code.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from\s+'([^']+)'/gm);
  const bare = code.matchAll(/(?:^import\s+|\bimport\()'([^']+)'/gm);
  const imports = [
    ...[...statements].map(([, type, from = '']) => ({ from, typeOnly: type !== undefined })),
    ...[...bare].map(([, from = '']) => ({ from, typeOnly: false })),
  ];
  return { path, lines: text.split('\n'), code, imports };
}

/** The file that a relative import names; a package is named as it is. */
function resolve({ path }: SourceFile, from: string): string {
  if (!from.startsWith('.')) return from;
  return join(dirname(path), from).replaceAll('\\', '/').replace(/\.js$/, '.ts');
}

const source = readTree('src');
const tests = readTree('test');
/** Built by a tool of its own; only the form of its files is looked at. */
const page = readTree('page');

/** Every place in the sources where the pattern is found in code, as path:line. */
function found(pattern: RegExp, allowed: (path: string) => boolean = () => false): string[] {
  return source
    .filter(({ path }) => !allowed(path))
    .flatMap(({ path, code }) =>
      code.split('\n').flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}`] : [])),
    );
}

/** Imports from files that match `by` of what matches `what`; each is a broken rule. */
function imported(by: RegExp, what: RegExp): string[] {
  return source
    .filter(({ path }) => by.test(path))
    .flatMap((file) => file.imports.map(({ from }) => `${file.path} → ${resolve(file, from)}`))
    .filter((arrow) => what.test(arrow.slice(arrow.indexOf('→ ') + 2)));
}

describe('the sources are tidy', () => {
  it('reads them at all', () => {
    expect(source.length).toBeGreaterThan(50);
    expect(source.find(({ path }) => path === 'src/machines/update-handler.ts')?.imports).toEqual([
      { from: './update-handler-setup.js', typeOnly: false },
    ]);
  });

  it('has no file that is too long', () => {
    const long = [...source, ...page].filter(({ lines }) => lines.length > LINES_MAX + 1);
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  it('has no line that is too long', () => {
    const long = [...source, ...page].flatMap(({ path, lines, code }) =>
      code.split('\n').flatMap((inner, at) => {
        const line = lines[at] ?? '';
        const columnsMax = inner.trim() === '' ? COMMENT_COLUMNS_MAX : COLUMNS_MAX;
        return line.length > columnsMax && !/https?:\/\//.test(line) ? [`${path}:${at + 1}`] : [];
      }),
    );
    expect(long).toEqual([]);
  });

  it('has file names in kebab-case', () => {
    const odd = [...source, ...tests, ...page].filter(
      ({ path }) => !/^([a-z0-9.-]+\/)*[a-z0-9.-]+$/.test(path),
    );
    expect(odd.map(({ path }) => path)).toEqual([]);
  });

  it('has no hole in its types', () => {
    expect(found(/(:|<|\bas|\|)\s*any\b(?!\w)|as unknown as|@ts-(ignore|nocheck|expect)/)).toEqual(
      [],
    );
  });

  it('has no leftover', () => {
    expect(found(/\bconsole\.log\b|\bdebugger\b/)).toEqual([]);
    const markers = /\b(TODO|FIXME|XXX|HACK)\b|biome-ignore/;
    const left = source.flatMap(({ path, lines }) =>
      lines.flatMap((line, at) => (markers.test(line) ? [`${path}:${at + 1}`] : [])),
    );
    expect(left).toEqual([]);
  });

  it('takes time and chance only from where they can be replaced', () => {
    const time = /(?<![.\w])(setTimeout|setInterval|setImmediate)\(|\bDate\.now\b|\bnew Date\(\)/;
    expect(found(time, (path) => path === 'src/services/clock.ts')).toEqual([]);
    expect(found(/Math\.random|performance\.now/)).toEqual([]);
  });

  it('has no cycle among its modules', () => {
    const known = new Map(source.map((file) => [file.path, file]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, trail: string[]) => {
      if (trail.includes(path)) cycles.push([...trail, path].join(' → '));
      const file = known.get(path);
      if (file === undefined || done.has(path) || trail.includes(path)) return;
      for (const { from, typeOnly } of file.imports) {
        if (!typeOnly) visit(resolve(file, from), [...trail, path]);
      }
      done.add(path);
    };
    for (const { path } of source) visit(path, []);
    expect(cycles).toEqual([]);
  });
});

describe('the house keeps its walls', () => {
  it('machines know XState and each other, nothing else', () => {
    expect(imported(/^src\/machines\//, /^(?!xstate$|src\/machines\/)/)).toEqual([]);
  });

  it('machines wait for nothing and ask nobody what time it is', () => {
    const impure =
      /\b(await|async)\b|\bDate\b|\bMath\.random\b|\bcrypto\b|\bprocess\b|\bglobalThis\b/;
    expect(found(impure, (path) => !path.startsWith('src/machines/'))).toEqual([]);
  });

  it('services know no machine and no XState', () => {
    expect(imported(/^src\/services\//, /^src\/machines\/|xstate/)).toEqual([]);
  });

  it('ports and the small services know no engine and no storage', () => {
    const core = /^src\/services\/[^/]+$|^src\/(core|actors|update-handler|options|errors)\.ts$/;
    expect(imported(core, /^src\/services\/(points|level|optimizers|vector-index)\//)).toEqual([]);
  });

  it('nothing but the command knows the library for tests, and that knows machines, charts, errors and the clock alone', () => {
    expect(imported(/^src\/(?!testing\/|cli\/)/, /^src\/testing\//)).toEqual([]);
    const allowed =
      /^(?!src\/(testing|machines|charts)\/|src\/errors\.ts$|src\/services\/clock\.ts$|@?xstate)/;
    // The simulation runs the whole collection.
    expect(imported(/^src\/testing\/(?!system\/|kit\/|simulation\/)/, allowed)).toEqual([]);
  });

  it('what tests whole stores knows the core too, but no engine and no storage', () => {
    const allowed =
      /^(?!src\/(testing|charts)\/|src\/[^/]+$|src\/(services|machines)\/[^/]+$|@?xstate)/;
    expect(imported(/^src\/testing\/(system|kit)\//, allowed)).toEqual([]);
  });

  it('charts know XState alone', () => {
    expect(imported(/^src\/charts\//, /^(?!xstate$|src\/charts\/)/)).toEqual([]);
  });

  it('nothing knows the command line', () => {
    expect(imported(/^src\/(?!cli\/)/, /^src\/cli\//)).toEqual([]);
  });

  it('what comes with Node stays where a browser does not go', () => {
    const threads = 'src/services/optimizers/(build-thread|build-worker|processors)\\.ts';
    const places = new RegExp(
      `^src/(?!services/(level|vector-index)/|cli/|inspect/)(?!${threads.slice(4)})`,
    );
    expect(imported(places, /^(node:|fs$|path$|os$|worker_threads$|child_process$)/)).toEqual([]);
  });

  it('one file knows the graph package', () => {
    const users = [...source, ...tests].filter(({ imports }) =>
      imports.some(({ from }) => /^(@xstate\/graph|xstate\/graph)$/.test(from)),
    );
    expect(users.map(({ path }) => path)).toHaveLength(1);
  });
});
