// hnswlib: an index in memory, ids only; saved as a whole file.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

export const title = 'hnswlib';
export const syncs = false;
/** A bare index: it stores no payloads. */
export const idsOnly = true;

/** Its package; rejects when it isn't installed or doesn't run here. */
export const load = async () => (await import('hnswlib-node')).default;

export async function open(directory, { dimensions, capacity }) {
  const hnswlib = await load();
  const path = join(directory, 'hnswlib.index');
  const index = new hnswlib.HierarchicalNSW('cosine', dimensions);
  if (existsSync(path)) await index.readIndex(path, true);
  else index.initIndex({ maxElements: capacity, m: 16, efConstruction: 100, randomSeed: 42 });
  let waiting = [];
  const add = (points) => {
    for (const { id, vector } of points) index.addPoint(Array.from(vector), id);
  };
  return {
    insertLoose: async (points) => {
      waiting.push(...points);
    },
    build: async () => {
      add(waiting);
      waiting = [];
    },
    search: async (vector, limit, ef) => {
      index.setEf(ef);
      return index.searchKnn(Array.from(vector), limit).neighbors;
    },
    save: () => index.writeIndex(path),
    close: async () => {},
    diskBytes: async () => statSync(path).size,
  };
}
