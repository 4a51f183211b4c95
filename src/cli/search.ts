import { type Command, InvalidArgumentError } from 'commander';
import { SluiceError } from '../errors.js';
import type { Filter, PointId, ScoredPoint, Vector } from '../types.js';
import {
  type Context,
  describeOpening,
  jsonValue,
  positiveInteger,
  withCollection,
} from './context.js';
import type { CollectionHandle } from './facade.js';
import { ID_RULE, parseId } from './ids.js';
import { UsageError } from './output.js';
import { payloadText, table } from './text.js';

interface SearchOptions {
  id?: PointId;
  vector?: number[];
  limit: number;
  filter?: Filter;
  exact?: boolean;
  ef?: number;
}

const HELP = `
With --id the query is that point's own vector; the point itself is among the results.
${ID_RULE}
A filter: '{"must": [{"key": "year", "range": {"gte": 1950}}]}'.
With --json: an array of {"id", "score", "payload"}, the nearest first.`;

/** `sluice search DB`: the points nearest to a point or a vector. */
export function searchCommand(program: Command, context: Context): void {
  describeOpening(program, 'search', 'find the points nearest to a point or a vector')
    .argument('<db>', 'directory of the collection')
    .option('--id <id>', 'search by the vector of this point', parseId)
    .option('--vector <json>', 'search by this vector, an array of numbers', vectorValue)
    .option('--limit <n>', 'points to find', positiveInteger, 10)
    .option('--filter <json>', 'only points that pass this filter', jsonValue)
    .option('--ef <n>', 'candidates to look at in each vector index', positiveInteger)
    .option('--exact', 'compare with every point instead of using vector indexes')
    .addHelpText('after', HELP)
    .action((path: string, options: SearchOptions) => search(context, path, options));
}

async function search(context: Context, path: string, options: SearchOptions): Promise<void> {
  const { id, vector, limit, filter, exact, ef } = options;
  if ((id === undefined) === (vector === undefined)) {
    throw new UsageError('search needs either --id or --vector');
  }
  await withCollection(context, path, async (collection) => {
    const query = vector ?? (await vectorOf(collection, id ?? ''));
    const hits = await collection.search(query, {
      limit,
      ...(filter === undefined ? {} : { filter }),
      ...(exact === undefined ? {} : { exact }),
      ...(ef === undefined ? {} : { ef }),
    });
    context.output.result(
      hits.map(({ id, score, payload = {} }) => ({ id, score, payload })),
      () => hitsText(hits, context.host.stdout.columns),
    );
  });
}

async function vectorOf(collection: CollectionHandle, id: PointId): Promise<Vector> {
  const [point] = await collection.get([id], { withVector: true });
  if (point?.vector !== undefined) return point.vector;
  throw new SluiceError('SLUICE_POINT_NOT_FOUND', `there is no point ${JSON.stringify(id)}`);
}

function vectorValue(text: string): number[] {
  const value = jsonValue(text);
  if (Array.isArray(value) && value.every((entry) => typeof entry === 'number')) return value;
  throw new InvalidArgumentError('It must be a JSON array of numbers.');
}

function hitsText(hits: readonly ScoredPoint[], columns: number | undefined): string {
  if (hits.length === 0) return 'nothing found';
  const rows = hits.map(({ id, score, payload = {} }) => [
    JSON.stringify(id),
    score.toFixed(4),
    payloadText(payload),
  ]);
  return table(['ID', 'SCORE', 'PAYLOAD'], rows, columns);
}
