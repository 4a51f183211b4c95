import { readdirSync, readFileSync } from 'node:fs';
import { constants, getPriority, platform } from 'node:os';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BuildThreadOptions, copyRows } from '#sluice/services/optimizers/build-thread.js';
import type { CopyJob, RowChunks } from '#sluice/services/optimizers/copy-rows.js';

const DIMENSIONS = 4;
const never = new AbortController().signal;

function emptyChunks(count: number, rowsPerChunk: number): RowChunks {
  const bytes = rowsPerChunk * DIMENSIONS * Float32Array.BYTES_PER_ELEMENT;
  const chunks = Array.from(
    { length: count },
    () => new Float32Array(new SharedArrayBuffer(bytes)),
  );
  return { chunks, rowsPerChunk };
}

/** The values of the chunk that holds the row. */
function valuesOf({ chunks, rowsPerChunk }: RowChunks, row: number): Float32Array {
  const chunk = chunks[Math.floor(row / rowsPerChunk)];
  if (chunk === undefined) throw new RangeError(`no chunk for row ${row}`);
  return chunk;
}

/** Chunks whose row `r` holds r + offset, and fractions of it in the other dimensions. */
function filledChunks(count: number, rowsPerChunk: number, offset: number): RowChunks {
  const rows = emptyChunks(count, rowsPerChunk);
  for (let row = 0; row < count * rowsPerChunk; row += 1) {
    const values = valuesOf(rows, row);
    for (let at = 0; at < DIMENSIONS; at += 1) {
      values[(row % rowsPerChunk) * DIMENSIONS + at] = row + offset + at / 8;
    }
  }
  return rows;
}

function readRow({ chunks, rowsPerChunk }: RowChunks, row: number): number[] {
  const begin = (row % rowsPerChunk) * DIMENSIONS;
  const values = valuesOf({ chunks, rowsPerChunk }, row);
  return [...values.subarray(begin, begin + DIMENSIONS)];
}

function everyOther(rows: number): Uint32Array {
  return Uint32Array.from({ length: rows / 2 }, (_, index) => index * 2);
}

function job(): CopyJob {
  return {
    dimensions: DIMENSIONS,
    sources: [
      { ...filledChunks(3, 1024, 0), rows: everyOther(3072) },
      { ...filledChunks(2, 512, 10_000), rows: Uint32Array.from([1023, 0, 1, 2, 511, 512]) },
    ],
    target: emptyChunks(7, 256),
  };
}

function inThread(options: Partial<BuildThreadOptions> = {}): BuildThreadOptions {
  return { signal: never, inlineBytesMax: -1, ...options };
}

function fixture(name: string): URL {
  return new URL(`./fixtures/${name}-worker.mjs`, import.meta.url);
}

/** How nice each thread of this process is (Linux). */
function niceOfThreads(): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    try {
      // pid (name) state …: the fields behind the name, of which this is the 17th.
      const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
    } catch {
      // It has just ended.
      return [];
    }
  });
}

describe('copying rows', () => {
  test('a thread copies all rows of all sources in order', async () => {
    const work = job();
    const progress: number[] = [];
    await copyRows(work, inThread({ onProgress: (done) => progress.push(done) }));
    const total = 1536 + 6;
    for (let row = 0; row < 1536; row += 1) {
      expect(readRow(work.target, row)[0]).toBe(row * 2);
    }
    const tail = [1536, 1537, 1538, 1539, 1540, 1541].map((row) => readRow(work.target, row));
    expect(tail.map((row) => (row[0] ?? 0) - 10_000)).toEqual([1023, 0, 1, 2, 511, 512]);
    expect(tail[0]).toEqual([11_023, 11_023.125, 11_023.25, 11_023.375]);
    expect(progress.at(-1)).toBe(total);
  });

  // Elsewhere the threads of a process share one priority.
  test.skipIf(platform() !== 'linux')('its thread gives way to all others (Linux)', async () => {
    const rows = 300_000;
    const copying = copyRows(
      {
        dimensions: DIMENSIONS,
        sources: [{ ...filledChunks(1, 1, 0), rows: new Uint32Array(rows) }],
        target: emptyChunks(1, rows),
      },
      inThread(),
    );
    const before = getPriority();
    let nicest = before;
    let isRunning = true;
    const ended = copying.finally(() => {
      isRunning = false;
    });
    while (isRunning) {
      nicest = Math.max(nicest, ...niceOfThreads());
      await new Promise(setImmediate);
    }
    await ended;
    expect(getPriority()).toBe(before);
    expect(nicest).toBeGreaterThan(Math.min(before, constants.priority.PRIORITY_LOW - 1));
  });

  test('any rows from chunks of any size arrive, inline as in a thread', async () => {
    const sourceShape = fc.record({ perChunk: fc.integer({ min: 1, max: 9 }), rows: fc.nat(30) });
    const shape = fc.record({
      sources: fc.array(sourceShape, { maxLength: 4 }),
      targetPerChunk: fc.integer({ min: 1, max: 9 }),
      keepEvery: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(shape, async ({ sources, targetPerChunk, keepEvery }) => {
        const wanted: number[][] = [];
        const given = sources.map(({ perChunk, rows }, index) => {
          const filled = filledChunks(Math.ceil(rows / perChunk), perChunk, index * 1000);
          const kept = Array.from({ length: rows }, (_, row) => row).filter(
            (row) => keepEvery === 1 || row % keepEvery !== 0,
          );
          wanted.push(...kept.map((row) => readRow(filled, row)));
          return { ...filled, rows: Uint32Array.from(kept) };
        });
        const target = emptyChunks(Math.ceil(wanted.length / targetPerChunk), targetPerChunk);
        await copyRows({ dimensions: DIMENSIONS, sources: given, target }, { signal: never });
        expect(wanted.map((_, row) => readRow(target, row))).toEqual(wanted);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['a row that the source does not have', { rows: Uint32Array.from([4000]) }],
    ['rows that the target has no room for', { rows: new Uint32Array(2000) }],
  ])('%s is an error, not silence', async (_, { rows }) => {
    const work: CopyJob = {
      dimensions: DIMENSIONS,
      sources: [{ ...filledChunks(1, 1024, 0), rows }],
      target: emptyChunks(1, 1024),
    };
    const failure = { code: 'SLUICE_THREAD', message: expect.stringContaining('row') };
    await expect(copyRows(work, inThread())).rejects.toMatchObject(failure);
    await expect(copyRows(work, { signal: never })).rejects.toMatchObject(failure);
  });
});

describe('stopping a thread', () => {
  test('a signal that has fired starts nothing', async () => {
    const work = job();
    const options = { signal: AbortSignal.abort('early'), workerUrl: fixture('throwing') };
    await expect(copyRows(work, inThread(options))).rejects.toMatchObject({
      code: 'SLUICE_CANCELLED',
      cause: 'early',
    });
  });

  test('a running job reports progress and stops when it is told to', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const onProgress = (done: number) => {
      seen.push(done);
      if (done > 0) controller.abort('enough');
    };
    const options = { signal: controller.signal, onProgress, workerUrl: fixture('slow') };
    // The bound on a stop is out of reach: only the job itself can end this.
    const stopped = copyRows(job(), inThread({ ...options, stopMsMax: 2 ** 30 }));
    await expect(stopped).rejects.toMatchObject({ code: 'SLUICE_CANCELLED', cause: 'enough' });
    expect(seen.at(-1)).toBeGreaterThan(0);
  });

  test('the real job stops between steps', async () => {
    // Hundreds of milliseconds of work in little memory: the same row again and again, and a
    // target that is one chunk many times over.
    const rows = new Uint32Array(new SharedArrayBuffer(4 * 10_000_000));
    const one = emptyChunks(1, 1024);
    const target = { ...one, chunks: Array.from({ length: 10_000 }, () => one.chunks).flat() };
    const work = { dimensions: DIMENSIONS, sources: [{ ...filledChunks(1, 16, 0), rows }], target };
    const controller = new AbortController();
    let done = 0;
    const onProgress = (rowsDone: number) => {
      done = rowsDone;
      if (done > 0) controller.abort();
    };
    const options = inThread({ signal: controller.signal, onProgress, stopMsMax: 2 ** 30 });
    await expect(copyRows(work, options)).rejects.toMatchObject({ code: 'SLUICE_CANCELLED' });
    expect(done).toBeLessThan(rows.length);
  });

  test('a thread that hangs is terminated at the bound', async () => {
    const controller = new AbortController();
    const options = { signal: controller.signal, stopMsMax: 20, workerUrl: fixture('hang') };
    const hung = copyRows(job(), inThread(options));
    setTimeout(() => controller.abort(), 50);
    await expect(hung).rejects.toMatchObject({ code: 'SLUICE_CANCELLED' });
  });
});

describe('a thread that fails', () => {
  test.each([
    ['dies without a word', 'dying', 'exit code 7'],
    ['throws', 'throwing', 'no such library'],
    ['cannot be loaded', 'missing', 'missing-worker'],
  ])('%s: a coded, transient error with the cause in its text', async (_, name, text) => {
    await expect(copyRows(job(), inThread({ workerUrl: fixture(name) }))).rejects.toMatchObject({
      code: 'SLUICE_THREAD',
      kind: 'transient',
      message: expect.stringContaining(text),
    });
  });
});
