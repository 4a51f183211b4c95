import { assert } from '../../errors.js';

/** Rows of `dimensions` float32 each, `rowsPerChunk` of them in every chunk, in shared memory. */
export interface RowChunks {
  chunks: readonly Float32Array[];
  rowsPerChunk: number;
}

/** The rows to take from one source, in the order wanted. */
export interface RowSource extends RowChunks {
  /** Row numbers. Backed by a SharedArrayBuffer it is shared with the thread, otherwise copied. */
  rows: Uint32Array;
}

/** Copies the chosen rows of every source, in order, to rows 0, 1, 2 … of the target. */
export interface CopyJob {
  dimensions: number;
  sources: readonly RowSource[];
  target: RowChunks;
}

/** Rows between two calls of `onStep`: some 0.1 ms of work, so that a stop is noticed at once. */
const STEP_ROWS_MAX = 1024;

/** Rows that the job copies. */
export function rowCount(job: CopyJob): number {
  return job.sources.reduce((sum, source) => sum + source.rows.length, 0);
}

/**
 * Copies synchronously and returns the number of rows. `onStep(count)` is told of the rows copied
 * since its last call, and may throw to stop. Neighbouring rows are copied together: most rows of
 * a segment are alive, so runs are long.
 */
export function copyRowsNow(job: CopyJob, onStep: (count: number) => void): number {
  const { dimensions, target } = job;
  assert(dimensions > 0 && target.rowsPerChunk > 0, 'rows have dimensions and chunks have rows');
  let written = 0;
  let sinceStep = 0;
  for (const { chunks, rows, rowsPerChunk } of job.sources) {
    assert(rowsPerChunk > 0, 'source chunks have rows');
    for (let index = 0; index < rows.length; ) {
      const from = rows[index] ?? 0;
      const sourceRow = from % rowsPerChunk;
      const targetRow = written % target.rowsPerChunk;
      const room = Math.min(
        rowsPerChunk - sourceRow,
        target.rowsPerChunk - targetRow,
        rows.length - index,
        STEP_ROWS_MAX,
      );
      let run = 1;
      while (run < room && rows[index + run] === from + run) run += 1;
      const source = chunks[Math.floor(from / rowsPerChunk)];
      const output = target.chunks[Math.floor(written / target.rowsPerChunk)];
      const begin = sourceRow * dimensions;
      const end = begin + run * dimensions;
      assert(source !== undefined && end <= source.length, `source has row ${from + run - 1}`);
      assert(output !== undefined, `target has room for row ${written + run - 1}`);
      // A target chunk that is too short makes `set` throw; a source one would be cut silently.
      output.set(source.subarray(begin, end), targetRow * dimensions);
      index += run;
      written += run;
      sinceStep += run;
      if (sinceStep >= STEP_ROWS_MAX) {
        onStep(sinceStep);
        sinceStep = 0;
      }
    }
  }
  onStep(sinceStep);
  return written;
}
