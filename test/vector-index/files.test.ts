import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { copyFile, mkdir, readFile, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FileVectorIndexes } from '#sluice/services/vector-index/file-indexes.js';
import { loadGraphLibrary } from '#sluice/services/vector-index/usearch-index.js';
import type { VectorIndexRecord } from '#sluice/services/vector-index/vector-index.js';
import { buildOptions, filesIn, newIndexes, someVectors, sourceOf } from './support/indexes.js';

const shape = { dimensions: 16, distance: 'cosine' } as const;
const query = Float32Array.from({ length: 16 }, (_, at) => Math.sin(at));
const source = (rows: number) => sourceOf(someVectors(rows), 'cosine');
const lost = { code: 'SLUICE_INDEX_LOST', kind: 'transient' };

const emptyGraph = async () =>
  (await loadGraphLibrary()).create(
    { ...shape, numbers: 'half', width: 16 },
    { m: 16, efConstruct: 100 },
  );

async function oneIndex(rows = 300) {
  const made = await newIndexes();
  const { record } = await made.indexes.build(source(rows), buildOptions());
  return { ...made, record, path: join(made.directory, record.file) };
}

describe('the file of an index', () => {
  test('answers as before when it is opened, by another process too', async () => {
    const { indexes, directory } = await newIndexes();
    const built = await indexes.build(source(500), buildOptions());
    await indexes.close();
    const { indexes: later } = await newIndexes({ directory });
    const opened = await later.open(structuredClone(built.record), shape);
    expect(opened.record).toEqual(built.record);
    expect(opened.search(query, 30)).toEqual(built.search(query, 30));
    expect(built.record).toMatchObject({ rows: 500, m: 16, efConstruct: 100 });
  });

  test('has an axis for zero vectors only where there are some', async () => {
    const { indexes, directory } = await newIndexes();
    const widths: number[] = [];
    for (const zeros of [0, 1]) {
      const vectors = someVectors(50).map((vector, row) => (row < zeros ? vector.fill(0) : vector));
      const { record } = await indexes.build(sourceOf(vectors, 'cosine'), buildOptions());
      const graph = await emptyGraph();
      graph.view(join(directory, record.file));
      widths.push(graph.dimensions());
      const opened = await indexes.open(record, shape);
      expect(opened.search(query, 50)?.toSorted()).toEqual(
        Uint32Array.from({ length: 50 }, (_, row) => row),
      );
    }
    expect(widths).toEqual([16, 17]);
  });

  test('is no longer needed once it is mapped', async () => {
    const { indexes, record, files } = await oneIndex();
    const index = await indexes.open(record, shape);
    const before = index.search(query, 20);
    await indexes.remove([record.file]);
    expect(await files()).toEqual([]);
    expect(index.search(query, 20)).toEqual(before);
  });

  test('that is empty or missing is an error, and closes no descriptor of the process', async () => {
    const { directory } = await newIndexes();
    await mkdir(directory);
    const empty = join(directory, 'empty');
    await writeFile(empty, '');
    const graph = await emptyGraph();
    const { ino } = fstatSync(0);
    expect(() => graph.view(empty)).toThrow('empty');
    expect(() => graph.view(join(directory, 'missing'))).toThrow('ENOENT');
    expect(fstatSync(0).ino).toBe(ino);
  });

  test.skipIf(process.platform === 'win32')(
    'is opened, too, by a process whose input is a named pipe that nobody writes to',
    async () => {
      const { directory, path } = await oneIndex();
      const pipe = join(directory, 'pipe');
      execFileSync('mkfifo', [pipe]);
      const input = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
      const program = `
        import { loadGraphLibrary } from '#sluice/services/vector-index/usearch-index.js';
        const graph = (await loadGraphLibrary()).create(
          { dimensions: 16, distance: 'cosine', width: 16 },
          { m: 16, efConstruct: 100 },
        );
        graph.view(${JSON.stringify(path)});
        process.stdout.write(String(graph.size()));`;
      const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
        stdio: [input, 'pipe', 'inherit'],
        encoding: 'utf8',
        timeout: 15_000,
      });
      closeSync(input);
      expect(stdout).toBe('300');
    },
  );

  test('is lost when any part of it is changed', async () => {
    const { indexes, record, path } = await oneIndex();
    const bytes = await readFile(path);
    const places = Array.from({ length: 25 }, (_, at) =>
      Math.floor((at * (bytes.length - 1)) / 24),
    );
    for (const place of places) {
      const changed = Uint8Array.from(bytes);
      changed[place] = (changed[place] ?? 0) ^ 1;
      await writeFile(path, changed);
      await expect(indexes.open(record, shape)).rejects.toMatchObject(lost);
    }
    await writeFile(path, bytes);
    expect((await indexes.open(record, shape)).record).toEqual(record);
  });

  test('is lost when it is cut anywhere', async () => {
    const { indexes, record, path } = await oneIndex();
    const { bytes } = record;
    for (const length of [bytes - 1, bytes - 4096, Math.floor(bytes / 2), 100, 1, 0]) {
      await truncate(path, length);
      await expect(indexes.open(record, shape)).rejects.toMatchObject(lost);
    }
  });

  test('is lost when it is missing, longer, or that of another index', async () => {
    const { indexes, directory, record, path } = await oneIndex();
    const other = await indexes.build(source(300), buildOptions({ efConstruct: 50 }));
    await copyFile(join(directory, other.record.file), path);
    await expect(indexes.open(record, shape)).rejects.toMatchObject(lost);
    await truncate(path, record.bytes + 4096);
    await expect(indexes.open(record, shape)).rejects.toMatchObject(lost);
    await unlink(path);
    await expect(indexes.open(record, shape)).rejects.toMatchObject({
      ...lost,
      cause: expect.objectContaining({ code: 'ENOENT' }),
    });
  });

  test('is lost for a record that is not its own, and for vectors of other dimensions', async () => {
    const { indexes, record } = await oneIndex();
    const changes: Partial<Record<keyof VectorIndexRecord, unknown>>[] = [
      { rows: 301 },
      { rows: 'many' },
      { rows: -1 },
      { m: 17 },
      { efConstruct: undefined },
      { bytes: 5 },
      { checksum: 5 },
      { file: undefined },
      { file: '.' },
      { file: `../vector-index/${record.file}` },
    ];
    for (const change of changes) {
      const opened = indexes.open({ ...record, ...change } as VectorIndexRecord, shape);
      await expect(opened, JSON.stringify(change)).rejects.toMatchObject(lost);
    }
    const opened = indexes.open(record, { ...shape, dimensions: 32 });
    await expect(opened).rejects.toMatchObject(lost);
    expect((await indexes.open(record, shape)).record).toEqual(record);
  });
});

describe('files that nobody names', () => {
  test('are swept, whoever built them; all else stays, and so does what is being built', async () => {
    const { indexes, directory } = await newIndexes();
    const [kept, left] = await Promise.all(
      [100, 200].map(async (rows) => (await indexes.build(source(rows), buildOptions())).record),
    );
    await indexes.close();
    const foreign = ['README', 'notes.hnsw', `${'0'.repeat(32)}.txt`];
    for (const name of foreign) await writeFile(join(directory, name), 'mine');
    const { indexes: later } = await newIndexes({ directory });
    const { record: own } = await later.build(source(50), buildOptions());
    const sweep = () => later.sweep(new Set([kept?.file ?? '']));
    const sweeps: Promise<void>[] = [];
    const onProgress = () => void sweeps.push(sweep());
    const { record: other } = await later.build(source(60), buildOptions({ onProgress }));
    expect(sweeps).not.toEqual([]);
    await Promise.all(sweeps);
    const names = await filesIn(directory);
    expect(names).toEqual([...foreign, kept?.file, other.file].sort());
    expect(names).not.toContain(left?.file);
    expect(names).not.toContain(own.file);
    // As after a reopening that found a manifest older than the build.
    await sweep();
    expect(await filesIn(directory)).toEqual([...foreign, kept?.file].sort());
  });

  test('are none where nothing was built', async () => {
    const { indexes, directory } = await newIndexes();
    await indexes.sweep(new Set());
    await indexes.remove(['0'.repeat(32).concat('.hnsw')]);
    expect(await filesIn(directory)).toEqual([]);
  });

  test('are removed by name, once or twice, but nothing outside of their directory', async () => {
    const { indexes, directory, record, files } = await oneIndex();
    const outside = join(directory, '..', 'precious');
    await writeFile(outside, 'mine');
    await indexes.remove([record.file, record.file, '../precious', '']);
    expect(await files()).toEqual([]);
    expect(await readFile(outside, 'utf8')).toBe('mine');
  });
});

describe('indexes without a directory', () => {
  const temporaries = async () =>
    (await filesIn(tmpdir())).filter((name) => name.startsWith('sluice-vector-index-'));

  test('have one of their own from the first build until they are closed', async () => {
    const before = await temporaries();
    const ours = async () => (await temporaries()).filter((name) => !before.includes(name));
    const indexes = new FileVectorIndexes();
    await indexes.sweep(new Set());
    const index = await indexes.build(source(100), buildOptions());
    const found = await ours();
    const holds = await Promise.all(found.map((name) => filesIn(join(tmpdir(), name))));
    const at = holds.findIndex((names) => names.includes(index.record.file));
    expect(at).toBeGreaterThanOrEqual(0);
    await indexes.close();
    await indexes.close();
    expect(await ours()).not.toContain(found[at]);
    expect(index.search(query, 100)).toHaveLength(100);
  });

  test('know no file of others', async () => {
    const { record } = await oneIndex();
    const indexes = new FileVectorIndexes();
    await expect(indexes.open(record, shape)).rejects.toMatchObject(lost);
    await indexes.close();
    await expect(indexes.open(record, shape)).rejects.toMatchObject({ code: 'SLUICE_NOT_OPEN' });
  });
});
