import type { Command } from 'commander';
import { failureText, reasonText } from '../services/status-text.js';
import { configurationLines } from './configuration-text.js';
import { type Context, describeCommand, withCollection } from './context.js';
import type { CollectionHandle } from './facade.js';
import { field, sizeText, table, valueText } from './text.js';

type Info = ReturnType<CollectionHandle['info']>;
type Status = ReturnType<CollectionHandle['status']>;

/** `sluice info DB`: what a collection holds and how it is. */
export function infoCommand(program: Command, context: Context): void {
  describeCommand(program, 'info', 'show points, segments, status, log and configuration')
    .argument('<db>', 'directory of the collection')
    .action((path: string) => info(context, path));
}

async function info(context: Context, path: string): Promise<void> {
  await withCollection(context, path, async (collection) => {
    const [info, status] = [collection.info(), collection.status()];
    const { running, queued } = collection.optimizations();
    context.output.result({ ...info, status, optimizations: { running, queued } }, () =>
      infoText(path, info, status),
    );
  });
}

function infoText(path: string, info: Info, status: Status): string {
  const segments = info.segments.map((segment) => [
    String(segment.id),
    String(segment.points),
    String(segment.deleted),
    sizeText(segment.vectorBytes),
    segment.indexed ? 'yes' : 'no',
    segment.appendable ? 'yes' : 'no',
  ]);
  return [
    path,
    field('status', status.color),
    ...status.reasons.map((reason) => field('  why', reasonText(reason))),
    ...status.errors.map((error) => field('  error', failureText(error))),
    field('points', String(info.points)),
    field('vectors', `${info.dimensions} dimensions, ${info.distance}`),
    field('log', pairs(info.wal)),
    ...Object.entries(info.payloadIndexes).map(([path, type]) =>
      field('payload index', `${path} ${type}`),
    ),
    '',
    table(['SEGMENT', 'POINTS', 'DELETED', 'VECTORS', 'INDEXED', 'APPENDABLE'], segments),
    '',
    ...configurationLines(info.configuration),
  ].join('\n');
}

function pairs(value: object): string {
  return Object.entries(value)
    .map(([key, entry]) => `${key} ${valueText(entry)}`)
    .join(', ');
}
