import type { Command } from 'commander';
import { failureText, reasonText } from '../services/status-text.js';
import { configurationLines } from './configuration-text.js';
import { type Context, describeOpening, withCollection } from './context.js';
import type { CollectionHandle, SegmentRow } from './facade.js';
import { isColored, paint } from './paint.js';
import { field, sizeText, table, valueText } from './text.js';

type Info = ReturnType<CollectionHandle['info']>;
type Status = ReturnType<CollectionHandle['status']>;

/** `sluice info DB`: what a collection holds and how it is. */
export function infoCommand(program: Command, context: Context): void {
  describeOpening(program, 'info', 'show points, segments, status, log and configuration')
    .argument('<db>', 'directory of the collection')
    .action((path: string) => info(context, path));
}

async function info(context: Context, path: string): Promise<void> {
  await withCollection(context, path, async (collection) => {
    const [info, status] = [collection.info(), collection.status()];
    const { running, queued } = collection.optimizations();
    context.output.result({ ...info, status, optimizations: { running, queued } }, () =>
      infoText(path, info, status, isColored(context.host.stdout)),
    );
  });
}

function infoText(path: string, info: Info, status: Status, colored: boolean): string {
  return [
    paint(path, 'bold', colored),
    field('status', paint(status.color, status.color, colored)),
    ...status.reasons.map((reason) => field('  why', reasonText(reason))),
    ...status.errors.map((error) => field('  error', failureText(error))),
    field('points', String(info.points)),
    field('vectors', `${info.dimensions} dimensions, ${info.distance}`),
    field('log', pairs(info.wal)),
    ...Object.entries(info.payloadIndexes).map(([path, type]) =>
      field('payload index', `${path} ${type}`),
    ),
    '',
    segmentLines(info.segments),
    '',
    ...configurationLines(info.configuration),
  ].join('\n');
}

function pairs(value: object): string {
  return Object.entries(value)
    .map(([key, entry]) => `${key} ${valueText(entry)}`)
    .join(', ');
}

/** The segments as a table, with a line for all of them when they are several. */
function segmentLines(segments: readonly SegmentRow[]): string {
  const rows = segments.map((segment) => [
    ...[String(segment.id), String(segment.points), deletedText(segment)],
    sizeText(segment.vectorBytes),
    segment.indexed ? 'yes' : 'no',
    segment.appendable ? 'yes' : 'no',
  ]);
  if (segments.length > 1) {
    const sum = (of: 'points' | 'deleted' | 'rows' | 'vectorBytes') =>
      segments.reduce((all, segment) => all + segment[of], 0);
    const all = { deleted: sum('deleted'), rows: sum('rows') };
    rows.push([
      ...['all', String(sum('points')), deletedText(all), sizeText(sum('vectorBytes'))],
      `${segments.filter(({ indexed }) => indexed).length} of ${segments.length}`,
      '',
    ]);
  }
  return table(['SEGMENT', 'POINTS', 'DELETED', 'VECTORS', 'INDEXED', 'APPENDABLE'], rows);
}

/** How many rows are deleted, and their share when there are any: the vacuum goes by it. */
function deletedText({ deleted, rows }: Pick<SegmentRow, 'deleted' | 'rows'>): string {
  return deleted === 0 ? '0' : `${deleted} (${Math.round((100 * deleted) / rows)}%)`;
}
