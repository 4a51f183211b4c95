// Writes durable batches that no flush carries on, and is killed by itself.
import { collectionParts } from '#sluice/collection-parts.js';
import { readyCollection } from '#sluice/open-collection.js';
import { openDirectory } from '#sluice/services/level/directory.js';
import { dataset, pointsOf } from '../../data/dataset.mjs';

const BATCH = 100;
const { path, points, dimensions, data } = JSON.parse(process.argv[2]);
const source = dataset(data);
const directory = await openDirectory(path, { create: true });
// A collection's options name no limit of unwritten bytes: only here nothing may be flushed.
const limits = { dirtyBytesMax: 2 ** 40 };
const options = { dimensions, flushIntervalMs: 2 ** 31 - 1 };
const collection = await readyCollection(
  collectionParts(directory, options, { indexes: undefined, directory, limits }),
);
for (let from = 0; from < points; from += BATCH) {
  await collection.upsert(pointsOf(source, from, BATCH));
}
process.kill(process.pid, 'SIGKILL');
