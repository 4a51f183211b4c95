import type { Command } from 'commander';
import { SluiceError } from '../errors.js';
import type { PointId } from '../types.js';
import { type Context, describeOpening, withCollection } from './context.js';
import { ID_RULE, parseId } from './ids.js';

interface GetOptions {
  withVector?: boolean;
}

const HELP = `
${ID_RULE}
Prints one point a line as JSON, in the order asked; with --json all of them as one array.
Ids that are not there are left out; it is an error when none of them is.`;

/** `sluice get DB ID…`: points by their ids. */
export function getCommand(program: Command, context: Context): void {
  const collect = (text: string, ids: PointId[] = []) => [...ids, parseId(text)];
  describeOpening(program, 'get', 'print points by their ids')
    .argument('<db>', 'directory of the collection')
    .argument('<ids...>', 'ids of points', collect)
    .option('--with-vector', 'with their vectors')
    .addHelpText('after', HELP)
    .action((path: string, ids: PointId[], options: GetOptions) =>
      get(context, path, ids, options),
    );
}

async function get(
  context: Context,
  path: string,
  ids: readonly PointId[],
  { withVector = false }: GetOptions,
): Promise<void> {
  await withCollection(context, path, async (collection) => {
    const found = await collection.get(ids, { withVector });
    const there = new Set(found.map(({ id }) => id));
    const missing = ids.filter((id) => !there.has(id)).map((id) => JSON.stringify(id));
    if (found.length === 0) {
      throw new SluiceError('SLUICE_POINT_NOT_FOUND', `there is no point ${missing.join(', ')}`);
    }
    const points = found.map(({ id, payload, vector }) => ({
      id,
      ...(withVector && vector !== undefined ? { vector: [...vector] } : {}),
      payload,
    }));
    context.output.result(points, () => points.map((point) => JSON.stringify(point)).join('\n'));
    if (missing.length > 0) context.output.note(`there is no point ${missing.join(', ')}`);
  });
}
