import { execFileSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SluiceError, vectorIndexSupport } from 'sluice';
import { describe, expect, onTestFinished, test } from 'vitest';
import { indexFileBytes } from '#sluice/services/vector-index/index-size.js';
import { temporaryDirectory } from '../support/temporary.js';
import { buildOptions, filesIn, newIndexes, someVectors, sourceOf } from './support/indexes.js';

const fixture = (folder: string, name: string) =>
  new URL(`${folder}/fixtures/${name}-worker.mjs`, import.meta.url);

/** Seconds of work, unless it is stopped. */
function muchWork() {
  return { ...sourceOf(someVectors(10_000, 32), 'euclid', 1024), efConstruct: 400 };
}

describe('the size of a file', () => {
  test.each([
    [2, 'euclid', 64, 0],
    // In bytes instead of half precision.
    [64, 'cosine', 16, 64],
    [64, 'dot', 4, 0],
  ] as const)('is known before: %s dimensions, %s, m %s', async (dimensions, distance, m, less) => {
    const { indexes } = await newIndexes();
    const source = sourceOf(someVectors(500, dimensions), distance);
    const { record } = await indexes.build(source, buildOptions({ m }));
    const expected = indexFileBytes(500, source, { m });
    expect((record.bytes + 500 * less) / expected).toBeGreaterThan(0.8);
    expect(record.bytes / expected).toBeLessThan(1.02);
  });
});

describe('a build', () => {
  test('reports its progress, and leaves the event loop free', async () => {
    const { indexes } = await newIndexes();
    const seen: number[] = [];
    let turns = 0;
    let longest = 0;
    let last = performance.now();
    const turn = () => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
      turns += 1;
    };
    const source = sourceOf(someVectors(4000, 32), 'cosine', 1024);
    const timer = setInterval(turn, 1);
    last = performance.now();
    const began = last;
    const onProgress = (rows: number) => seen.push(rows);
    const index = await indexes.build(source, buildOptions({ onProgress }));
    const elapsed = performance.now() - began;
    clearInterval(timer);
    expect(index.record.rows).toBe(4000);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(4000);
    expect(seen.some((rows) => rows > 0 && rows < 4000)).toBe(true);
    // A build on this thread would have no turns at all.
    expect(turns).toBeGreaterThan(10);
    expect(longest).toBeLessThan(Math.max(150, elapsed / 2));
  });

  test('stops in the middle, soon, and leaves no file', async () => {
    const { indexes, files } = await newIndexes();
    const controller = new AbortController();
    let stoppedAt = Number.NaN;
    const onProgress = (rows: number) => {
      if (rows < 500 || controller.signal.aborted) return;
      stoppedAt = performance.now();
      controller.abort('enough');
    };
    const options = buildOptions({ signal: controller.signal, onProgress, efConstruct: 400 });
    await expect(indexes.build(muchWork(), options)).rejects.toMatchObject({
      code: 'SLUICE_CANCELLED',
      cause: 'enough',
    });
    // Its thread has noticed: one that doesn't is terminated after a second.
    await expect.poll(files, { interval: 5 }).toEqual([]);
    expect(performance.now() - stoppedAt).toBeLessThan(900);
  });

  test('stops soon though its thread hears nothing; closing waits for that and leaves no file', async () => {
    const { indexes, files } = await newIndexes({ workerUrl: fixture('.', 'hanging') });
    const controller = new AbortController();
    const source = sourceOf(someVectors(10), 'dot');
    const built = indexes.build(source, buildOptions({ signal: controller.signal }));
    const failed = expect(built).rejects.toMatchObject({
      code: 'SLUICE_CANCELLED',
      cause: 'enough',
    });
    await expect.poll(files, { interval: 5, timeout: 10_000 }).toHaveLength(1);
    controller.abort('enough');
    await failed;
    // A thread is terminated after a second; this one was not waited for.
    expect(await files()).toHaveLength(1);
    await indexes.close();
    expect(await files()).toEqual([]);
  });

  test('does not begin when its signal has fired', async () => {
    const { indexes, files } = await newIndexes();
    const options = buildOptions({ signal: AbortSignal.abort('early') });
    await expect(indexes.build(muchWork(), options)).rejects.toMatchObject({
      code: 'SLUICE_CANCELLED',
      cause: 'early',
    });
    expect(await files()).toEqual([]);
  });

  test('is stopped when the indexes are closed, and closing waits for it', async () => {
    const { indexes, files } = await newIndexes();
    let begin = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const building = indexes.build(
      muchWork(),
      buildOptions({ onProgress: () => begin(), efConstruct: 400 }),
    );
    const order: string[] = [];
    const ended = building.catch((error: unknown) => {
      order.push('ended');
      return error;
    });
    await begun;
    await indexes.close();
    order.push('closed');
    expect(order).toEqual(['ended', 'closed']);
    expect(await ended).toMatchObject({ code: 'SLUICE_CANCELLED' });
    expect(await files()).toEqual([]);
    const late = indexes.build(muchWork(), buildOptions());
    await expect(late).rejects.toMatchObject({ code: 'SLUICE_NOT_OPEN' });
  });

  test('that lacks a row fails', async () => {
    const { indexes, files } = await newIndexes();
    const source = { ...sourceOf(someVectors(150), 'dot'), rows: 201 };
    await expect(indexes.build(source, buildOptions())).rejects.toMatchObject({
      code: 'SLUICE_THREAD',
      kind: 'transient',
      message: expect.stringContaining('row 200'),
    });
    expect(await files()).toEqual([]);
  });

  test('of several indexes at once gives each its own', async () => {
    const { indexes, files } = await newIndexes();
    const sizes = [300, 400, 500];
    const built = await Promise.all(
      sizes.map((size) => indexes.build(sourceOf(someVectors(size), 'dot'), buildOptions())),
    );
    expect(built.map(({ record }) => record.rows)).toEqual(sizes);
    expect(await files()).toEqual(built.map(({ record }) => record.file).sort());
  });
});

describe('a thread that fails', () => {
  test.each([
    ['dies without a word', '../optimizers', 'dying', 'exit code 7'],
    ['throws', '../optimizers', 'throwing', 'no such library'],
    ['dies while it writes', '.', 'half-written', 'exit code 7'],
  ])('%s: a transient error, and no file', async (_, folder, name, text) => {
    const { indexes, files } = await newIndexes({ workerUrl: fixture(folder, name) });
    const source = sourceOf(someVectors(10), 'dot');
    await expect(indexes.build(source, buildOptions())).rejects.toMatchObject({
      code: 'SLUICE_THREAD',
      kind: 'transient',
      message: expect.stringContaining(text),
    });
    expect(await files()).toEqual([]);
  });
});

describe('a disk that is full', () => {
  /** A file system of so many bytes, if one can be made here. */
  async function smallDisk(bytes: number): Promise<string | undefined> {
    const place = await temporaryDirectory();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', place], {
        stdio: 'pipe',
      });
    } catch (error) {
      console.warn(`tests on a full disk are skipped: ${String(error)}`);
      return undefined;
    }
    // Lazily, because a mapped file may keep it busy.
    onTestFinished(() => void execFileSync('umount', ['-l', place]));
    return place;
  }

  test.each([
    ['has no room for the file', 0.5],
    ['has no room for its last page only', 1],
  ])('%s: a transient error of its own, and no file', async (_, share) => {
    const source = sourceOf(someVectors(500), 'euclid');
    const options = buildOptions({ threads: 1 });
    const { indexes: elsewhere } = await newIndexes();
    // One thread builds the same bytes each time.
    const { bytes } = (await elsewhere.build(source, options)).record;
    const pages = Math.floor(((bytes - 1) * share) / 4096);
    const place = await smallDisk(pages * 4096);
    if (place === undefined) return;
    const { indexes } = await newIndexes({ directory: place });
    await expect(indexes.build(source, options)).rejects.toMatchObject({
      code: 'SLUICE_NOT_ENOUGH_SPACE',
      kind: 'transient',
    });
    expect(await filesIn(place)).toEqual([]);
  });

  test('a directory that cannot be made is a transient error too', async () => {
    const place = join(await temporaryDirectory(), 'file');
    const { indexes } = await newIndexes({ directory: join(place, 'x') });
    execFileSync('touch', [place]);
    const built = indexes.build(sourceOf(someVectors(10), 'dot'), buildOptions());
    await expect(built).rejects.toMatchObject({ code: 'SLUICE_IO', kind: 'transient' });
  });
});

describe('where the library cannot be loaded', () => {
  test('building and opening say so, and nothing is written', async () => {
    const why = new SluiceError('SLUICE_INDEX_UNAVAILABLE', 'no binary for this platform');
    const loadLibrary = () => Promise.reject(why);
    const { indexes: others, directory } = await newIndexes();
    const source = sourceOf(someVectors(10), 'dot');
    const { record } = await others.build(source, buildOptions());
    const { indexes } = await newIndexes({ directory, loadLibrary });
    await expect(indexes.build(source, buildOptions())).rejects.toBe(why);
    await expect(indexes.open(record, source)).rejects.toMatchObject({
      code: 'SLUICE_INDEX_LOST',
      cause: why,
    });
    expect(await readdir(directory)).toEqual([record.file]);
  });

  test('nothing that is native is loaded before it is needed', async () => {
    const program = `
      import { vectorIndexSupport } from 'sluice';
      const isLoaded = () => process.report.getReport().sharedObjects.some((path) => path.includes('usearch'));
      const before = isLoaded();
      await vectorIndexSupport();
      process.stdout.write(JSON.stringify([before, isLoaded()]));`;
    const args = ['--input-type=module', '--eval', program];
    const output = execFileSync(process.execPath, args, { cwd: import.meta.dirname });
    expect(JSON.parse(output.toString())).toEqual([false, true]);
  });

  test('here it can', async () => {
    expect(await vectorIndexSupport()).toEqual({ available: true });
  });
});
