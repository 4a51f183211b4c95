import { type Command, Option } from 'commander';
import { SluiceError } from '../errors.js';
import type { Distance } from '../types.js';
import { type Tally, writeBatches } from './batches.js';
import { type Context, describeOpening, openWithin, positiveInteger } from './context.js';
import type { CollectionHandle } from './facade.js';
import { openSource, type Source } from './json-lines.js';
import { checkPoint, dimensionsOf, type ParsedLine, parseLine } from './points.js';
import { counted } from './text.js';

interface IngestOptions {
  dimensions?: number;
  distance?: Distance;
  batch: number;
  wait: boolean;
}

const HELP = `
FILE holds one point a line: {"id": 1, "vector": [0.1, ...], "payload": {...}}; gzip is recognised.
"-" reads stdin. Dimensions are those of the first line when DB is new and none are given.
A broken line ends the command with its number; its batch is not written, those before it are.
DB is created when the first batch has been checked.`;

/** `sluice ingest DB FILE`: writes the points of a JSONL file. */
export function ingestCommand(program: Command, context: Context): void {
  describeOpening(program, 'ingest', 'write the points of a JSONL file; creates DB when needed')
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
  const tally: Tally = { ingested: 0 };
  try {
    await ingestFrom(context, path, source, points, options, tally);
  } catch (error) {
    throw withCount(error, tally);
  } finally {
    // Closes the file, or lets go of stdin, also when the collection could not be opened.
    await points.return(undefined);
  }
  const { ingested } = tally;
  const seconds = (host.clock.now() - startedAt) / 1000;
  const pointsPerSecond = Math.round(ingested / Math.max(seconds, 0.001));
  const interrupted = host.signal.aborted;
  output.result(
    { points: ingested, seconds, pointsPerSecond, interrupted },
    () => `${counted(ingested, 'point')} in ${seconds.toFixed(1)} s (${pointsPerSecond} points/s)`,
  );
}

async function ingestFrom(
  context: Context,
  path: string,
  source: Source,
  points: AsyncGenerator<ParsedLine>,
  options: IngestOptions,
  tally: Tally,
): Promise<void> {
  const first = await take(points, options.batch);
  // An interrupt ends the lines early, and what there is of them is not worth a collection.
  if (first.length === 0 || context.host.signal.aborted) return;
  const collection = await openFor(context, path, first, options);
  try {
    const lines = prepended(first, points);
    await writeBatches(context, { collection, source, lines, tally, ...options });
  } finally {
    await collection.close();
  }
}

async function* readParsed(source: Source): AsyncGenerator<ParsedLine> {
  for await (const line of source.lines()) yield parseLine(line);
}

/** The next lines, at most so many; the rest stays to be read. */
async function take(lines: AsyncGenerator<ParsedLine>, count: number): Promise<ParsedLine[]> {
  const taken: ParsedLine[] = [];
  while (taken.length < count) {
    const next = await lines.next();
    if (next.done) break;
    taken.push(next.value);
  }
  return taken;
}

async function* prepended(
  first: readonly ParsedLine[],
  rest: AsyncGenerator<ParsedLine>,
): AsyncGenerator<ParsedLine> {
  yield* first;
  yield* rest;
}

/** An existing collection, or a new one that fits the first batch, all of which is checked before. */
async function openFor(
  context: Context,
  path: string,
  first: readonly ParsedLine[],
  { dimensions, distance }: IngestOptions,
): Promise<CollectionHandle> {
  const options = distance === undefined ? {} : { distance };
  const existing = await openExisting(context, path, options);
  if (existing !== undefined) return withDimensions(existing, dimensions);
  const [head] = first;
  const wanted = dimensions ?? (head === undefined ? 0 : dimensionsOf(head));
  for (const parsed of first) checkPoint(parsed, wanted);
  return openWithin(context, path, { ...options, dimensions: wanted });
}

async function openExisting(
  context: Context,
  path: string,
  options: { distance?: Distance },
): Promise<CollectionHandle | undefined> {
  try {
    return await openWithin(context, path, options);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'SLUICE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** The collection, if it has the dimensions that were asked for. */
async function withDimensions(
  collection: CollectionHandle,
  wanted: number | undefined,
): Promise<CollectionHandle> {
  const { dimensions } = collection.info();
  if (wanted === undefined || wanted === dimensions) return collection;
  await collection.close();
  const problem = `the collection has ${dimensions} dimensions, not ${wanted}`;
  throw new SluiceError('SLUICE_DIMENSIONS_MISMATCH', problem);
}

/** Says how much was written before a failure. */
function withCount(error: unknown, { ingested }: Tally): unknown {
  if (!(error instanceof SluiceError)) return error;
  const verb = ingested === 1 ? 'was' : 'were';
  const done = ingested === 0 ? 'nothing was' : `${counted(ingested, 'point')} ${verb}`;
  const { code, kind } = error;
  return new SluiceError(code, `${error.message}; ${done} ingested`, { cause: error, kind });
}
