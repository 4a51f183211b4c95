import { errorText, SluiceError } from '../errors.js';
import type { Context } from './context.js';
import type { CollectionHandle } from './facade.js';
import type { Source } from './json-lines.js';
import { checkPoint, type NumberedPoint, type ParsedLine } from './points.js';
import { Progress } from './progress.js';
import { counted, durationText } from './text.js';

/** What has been written so far, also when the command fails. */
export interface Tally {
  ingested: number;
}

/** Points on their way from a file into a collection. */
export interface BatchJob {
  collection: CollectionHandle;
  /** For the progress bar: how much of the file has been read. */
  source: Source;
  lines: AsyncGenerator<ParsedLine>;
  tally: Tally;
  /** Points in one operation. */
  batch: number;
  wait: boolean;
}

// Enough to keep the log's sync, the worker and the parser busy together; more only takes memory.
const IN_FLIGHT_MAX = 4;

/** Writes batches, a few at a time and in order, and counts the points that were written. */
export async function writeBatches(context: Context, job: BatchJob): Promise<void> {
  const { collection, source, lines, tally, batch: batchSize, wait } = job;
  const { host } = context;
  const { dimensions } = collection.info();
  const progress = new Progress(context);
  const beganAt = host.clock.now();
  const show = () => showProgress(progress, source, tally, (host.clock.now() - beganAt) / 1000);
  const inFlight = new Set<Promise<void>>();
  let failure: unknown;
  const write = async (batch: NumberedPoint[]): Promise<void> => {
    try {
      await collection.upsert(
        batch.map(({ point }) => point),
        { wait },
      );
      tally.ingested += batch.length;
      show();
    } catch (error) {
      failure ??= withLines(error, batch);
    }
  };
  show();
  try {
    for await (const batch of batches(lines, batchSize, dimensions)) {
      if (failure !== undefined || host.signal.aborted) break;
      const written = write(batch).finally(() => inFlight.delete(written));
      inFlight.add(written);
      if (inFlight.size >= IN_FLIGHT_MAX) await Promise.race(inFlight);
    }
  } catch (error) {
    failure ??= error;
  } finally {
    await Promise.all(inFlight);
    progress.stop();
  }
  if (failure !== undefined) throw failure;
}

async function* batches(
  lines: AsyncGenerator<ParsedLine>,
  size: number,
  dimensions: number,
): AsyncGenerator<NumberedPoint[]> {
  let batch: NumberedPoint[] = [];
  for await (const parsed of lines) {
    batch.push(checkPoint(parsed, dimensions));
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** How fast it goes, and, of a file, how long it will take. */
function showProgress(
  progress: Progress,
  source: Source,
  { ingested }: Tally,
  seconds: number,
): void {
  // Before some time has passed, a rate is a guess.
  const isKnown = ingested > 0 && seconds >= 0.5;
  const rate = isKnown ? [`${Math.round(ingested / seconds)} points/s`] : [];
  const [done, total] = [source.readBytes(), source.sizeBytes];
  const share = total === undefined || total === 0 ? 1 : done / total;
  const isLeft = isKnown && total !== undefined;
  const left = isLeft ? [`${durationText((seconds * (1 - share)) / share)} left`] : [];
  const note = [counted(ingested, 'point'), ...rate, ...left].join(', ');
  progress.show('ingest', done, total, '', note);
}

/** Says which lines a refused batch came from. */
function withLines(error: unknown, batch: readonly NumberedPoint[]): SluiceError {
  const lines = `lines ${batch[0]?.line} to ${batch.at(-1)?.line}`;
  const code = error instanceof SluiceError ? error.code : 'SLUICE_IO';
  // What the collection refuses is wrong in the file, not on the command line.
  const inFile = code.startsWith('SLUICE_BAD_');
  return new SluiceError(inFile ? 'SLUICE_BAD_LINE' : code, `${lines}: ${errorText(error)}`, {
    cause: error,
  });
}
