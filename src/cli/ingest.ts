import { type Command, Option } from 'commander';
import { errorText, SluiceError } from '../errors.js';
import type { Distance } from '../types.js';
import { type Context, describeCommand, positiveInteger } from './context.js';
import type { CollectionHandle } from './facade.js';
import { openSource, type Source } from './json-lines.js';
import {
  checkPoint,
  dimensionsOf,
  type NumberedPoint,
  type ParsedLine,
  parseLine,
} from './points.js';
import { Progress } from './progress.js';

interface IngestOptions {
  dimensions?: number;
  distance?: Distance;
  batch: number;
  wait: boolean;
}

// Enough to keep the log's sync, the worker and the parser busy together; more only takes memory.
const IN_FLIGHT_MAX = 4;

const HELP = `
FILE holds one point a line: {"id": 1, "vector": [0.1, ...], "payload": {...}}; gzip is recognised.
"-" reads stdin. Dimensions are those of the first line when DB is new and none are given.
A broken line ends the command with its number; its batch is not written, those before it are.`;

/** `sluice ingest DB FILE`: writes the points of a JSONL file. */
export function ingestCommand(program: Command, context: Context): void {
  describeCommand(program, 'ingest', 'write the points of a JSONL file; creates DB when needed')
    .argument('<db>', 'directory of the collection')
    .argument('<file>', 'JSONL file, plain or gzip, or - for stdin')
    .option('--dimensions <n>', 'length of the vectors of a new collection', positiveInteger)
    .addOption(
      new Option('--distance <d>', 'how a new collection compares vectors').choices([
        'cosine',
        'dot',
        'euclid',
      ]),
    )
    .option('--batch <n>', 'points in one operation', positiveInteger, 1000)
    .option('--no-wait', 'go on when a batch is in the log: faster, but a power cut may take some')
    .addHelpText('after', HELP)
    .action((path: string, file: string, options: IngestOptions) =>
      ingest(context, path, file, options),
    );
}

async function ingest(
  context: Context,
  path: string,
  file: string,
  options: IngestOptions,
): Promise<void> {
  const { host, output } = context;
  const startedAt = host.clock.now();
  const source = await openSource(file, host.stdin, host.signal);
  const points = readParsed(source);
  let ingested = 0;
  try {
    const first = await points.next();
    if (!first.done) {
      ingested = await ingestFrom(context, path, source, first.value, points, options);
    }
  } finally {
    // Closes the file, or lets go of stdin, also when the collection could not be opened.
    await points.return(undefined);
  }
  const seconds = (host.clock.now() - startedAt) / 1000;
  const pointsPerSecond = Math.round(ingested / Math.max(seconds, 0.001));
  const interrupted = host.signal.aborted;
  output.result(
    { points: ingested, seconds, pointsPerSecond, interrupted },
    () => `${ingested} points in ${seconds.toFixed(1)} s (${pointsPerSecond} points/s)`,
  );
}

async function ingestFrom(
  context: Context,
  path: string,
  source: Source,
  first: ParsedLine,
  rest: AsyncGenerator<ParsedLine>,
  options: IngestOptions,
): Promise<number> {
  const collection = await openFor(context, path, first, options);
  try {
    return await writeAll(context, collection, source, prepended(first, rest), options);
  } finally {
    await collection.close();
  }
}

async function* readParsed(source: Source): AsyncGenerator<ParsedLine> {
  for await (const line of source.lines()) yield parseLine(line);
}

async function* prepended(
  first: ParsedLine,
  rest: AsyncGenerator<ParsedLine>,
): AsyncGenerator<ParsedLine> {
  yield first;
  yield* rest;
}

/** An existing collection, or a new one that fits the first point. */
async function openFor(
  { host, openCollection }: Context,
  path: string,
  first: ParsedLine,
  { dimensions, distance }: IngestOptions,
): Promise<CollectionHandle> {
  const options = { signal: host.signal, ...(distance === undefined ? {} : { distance }) };
  if (dimensions !== undefined) return openCollection(path, { ...options, dimensions });
  try {
    return await openCollection(path, options);
  } catch (error) {
    if (!(error instanceof SluiceError && error.code === 'SLUICE_NOT_FOUND')) throw error;
    const inferred = dimensionsOf(first);
    // A file that begins with something else than a point must not leave a collection behind.
    checkPoint(first, inferred);
    return openCollection(path, { ...options, dimensions: inferred });
  }
}

/** Writes batches, a few at a time and in order; returns the number of points that were written. */
async function writeAll(
  { host, output }: Context,
  collection: CollectionHandle,
  source: Source,
  points: AsyncGenerator<ParsedLine>,
  { batch: batchSize, wait }: IngestOptions,
): Promise<number> {
  const { dimensions } = collection.info();
  const progress = new Progress(host, output.json);
  const inFlight = new Set<Promise<void>>();
  let ingested = 0;
  let failure: unknown;
  const write = async (batch: NumberedPoint[]): Promise<void> => {
    try {
      await collection.upsert(
        batch.map(({ point }) => point),
        { wait },
      );
      ingested += batch.length;
      showProgress(progress, source, ingested);
    } catch (error) {
      failure ??= withLines(error, batch);
    }
  };
  showProgress(progress, source, ingested);
  try {
    for await (const batch of batches(points, batchSize, dimensions)) {
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
  if (failure !== undefined) throw withCount(failure, ingested);
  return ingested;
}

async function* batches(
  points: AsyncGenerator<ParsedLine>,
  size: number,
  dimensions: number,
): AsyncGenerator<NumberedPoint[]> {
  let batch: NumberedPoint[] = [];
  for await (const parsed of points) {
    batch.push(checkPoint(parsed, dimensions));
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function showProgress(progress: Progress, source: Source, points: number): void {
  if (source.sizeBytes === undefined) {
    progress.show('ingest', points, points, 'points');
    return;
  }
  const [done, total] = [source.readBytes(), source.sizeBytes].map((bytes) =>
    Math.ceil(bytes / 1024),
  );
  progress.show('ingest', done ?? 0, total ?? 0, 'KB', `${points} points`);
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

/** Says how much was written before a failure. */
function withCount(error: unknown, ingested: number): unknown {
  if (!(error instanceof SluiceError)) return error;
  const message = `${error.message}; ${ingested} points of the batches before were ingested`;
  return new SluiceError(error.code, message, { cause: error, kind: error.kind });
}
