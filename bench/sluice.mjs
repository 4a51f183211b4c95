// Sluice, with the options of a new collection but one processor more for building.
import { join } from 'node:path';
import { openCollection } from 'sluice';
import { bytesBelow } from './measure.mjs';

export const title = 'Sluice';
/** What an acknowledged batch has survived. */
export const syncs = true;

/** `optimizersStart: 'onTrigger'` keeps building out of what is measured before `build`. */
export async function open(directory, { dimensions, threads = 2, optimizers = 'onTrigger' }) {
  const path = join(directory, 'sluice');
  const collection = await openCollection(path, {
    dimensions,
    cpuBudget: threads,
    optimizersStart: optimizers,
  });
  return {
    collection,
    insert: (points) => collection.upsert(points),
    insertLoose: (points) => collection.upsert(points, { wait: false }),
    /** Resolves when what was inserted can be read. */
    settle: () => collection.plunge(),
    remove: (ids) => collection.delete(ids),
    async prepareFilter() {
      await collection.createPayloadIndex('city', 'integer');
    },
    async build() {
      const status = await collection.optimize();
      if (status.color !== 'green') throw new Error(`it is ${status.color}`);
    },
    /** As in the rivals, nothing is tidied up from now on until `compact`. */
    async hold() {
      await collection.configure({ optimizers: { maxOptimizationThreads: 0 } });
      await collection.handler.reclaim();
    },
    async compact() {
      await collection.configure({ optimizers: { maxOptimizationThreads: null } });
      await collection.optimize();
    },
    search: async (vector, limit, ef) => idsOf(await collection.search(vector, { limit, ef })),
    exact: async (vector, limit) => idsOf(await collection.search(vector, { limit, exact: true })),
    async filtered(vector, limit, city) {
      const filter = { must: [{ key: 'city', match: { value: city } }] };
      return idsOf(await collection.search(vector, { limit, filter }));
    },
    close: () => collection.close(),
    async diskBytes() {
      await collection.flush();
      return bytesBelow(path);
    },
  };
}

const idsOf = (points) => points.map(({ id }) => id);
