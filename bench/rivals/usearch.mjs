// usearch: the HNSW library that Sluice builds on, bare: an index in memory, ids only.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

export const title = 'usearch';
export const syncs = false;
export const idsOnly = true;

/** Points in one call: it blocks its thread, and few give its threads little to do. */
const CHUNK = 4096;

/** Its package; rejects when it isn't installed or doesn't run here. */
export const load = async () => (await import('usearch')).default;

export async function open(directory, { dimensions, threads = 2 }) {
  const usearch = await load();
  const path = join(directory, 'usearch.index');
  const make = (ef) =>
    new usearch.Index({
      metric: 'cos',
      connectivity: 16,
      dimensions,
      expansion_add: 100,
      expansion_search: ef,
      quantization: 'f32',
    });
  let index = make(64);
  if (existsSync(path)) index.view(path);
  let waiting = [];
  const indexes = new Map();
  return {
    insertLoose: async (points) => {
      waiting.push(...points);
    },
    build: async () => {
      for (let from = 0; from < waiting.length; from += CHUNK) {
        const points = waiting.slice(from, from + CHUNK);
        const vectors = new Float32Array(points.length * dimensions);
        for (const [at, { vector }] of points.entries()) vectors.set(vector, at * dimensions);
        index.add(
          BigUint64Array.from(points, ({ id }) => BigInt(id)),
          vectors,
          threads,
        );
      }
      waiting = [];
      index.save(path);
    },
    // The library takes `ef` when an index is made, so the file is mapped once for each.
    search: async (vector, limit, ef) => {
      let mapped = indexes.get(ef);
      if (mapped === undefined) {
        mapped = make(ef);
        mapped.view(path);
        indexes.set(ef, mapped);
      }
      return Array.from(mapped.search(vector, limit, 1).keys, Number);
    },
    close: async () => {
      index = undefined;
      indexes.clear();
    },
    diskBytes: async () => statSync(path).size,
  };
}
