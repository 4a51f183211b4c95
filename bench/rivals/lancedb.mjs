// LanceDB: columnar files, an HNSW index with quantised vectors; nothing is synced to the disk.
import { join } from 'node:path';
import { bytesBelow } from '../measure.mjs';

export const title = 'LanceDB';
export const syncs = false;

/** Its packages; rejects when they aren't installed or don't run here. */
export async function load() {
  return { lance: await import('@lancedb/lancedb'), arrow: await import('apache-arrow') };
}

export async function open(directory, { dimensions }) {
  const { lance, arrow } = await load();
  const path = join(directory, 'lance');
  const database = await lance.connect(path);
  const vectors = new arrow.FixedSizeList(
    dimensions,
    new arrow.Field('item', new arrow.Float32(), true),
  );
  const schema = new arrow.Schema([
    new arrow.Field('id', new arrow.Int32(), false),
    new arrow.Field('vector', vectors, false),
    new arrow.Field('city', new arrow.Int32(), false),
    new arrow.Field('price', new arrow.Float64(), false),
    new arrow.Field('text', new arrow.Utf8(), false),
  ]);
  const exists = (await database.tableNames()).includes('points');
  const table = exists
    ? await database.openTable('points')
    : await database.createEmptyTable('points', schema);
  const rows = (points) =>
    points.map(({ id, vector, payload }) => ({ id, vector: Array.from(vector), ...payload }));
  const { Index } = lance;
  const index = () =>
    table.createIndex('vector', {
      config: Index.hnswSq({
        distanceType: 'cosine',
        m: 16,
        efConstruction: 100,
        numPartitions: 1,
      }),
      replace: true,
    });
  const search = async (vector, limit, refine) => {
    const query = refine(table.query().nearestTo(vector).distanceType('cosine').limit(limit));
    const found = await query.select(['id', 'city', 'price', 'text', '_distance']).toArray();
    return found.map(({ id }) => id);
  };
  return {
    insert: (points) => table.add(rows(points)),
    insertLoose: (points) => table.add(rows(points)),
    replace: (points) =>
      table
        .mergeInsert('id')
        .whenMatchedUpdateAll()
        .whenNotMatchedInsertAll()
        .execute(rows(points)),
    remove: (ids) => table.delete(`id IN (${ids.join(',')})`),
    async prepareFilter() {
      await table.createIndex('city', { config: Index.bitmap() });
    },
    async build() {
      await table.optimize();
      await index();
    },
    async compact() {
      await table.optimize();
      await index();
    },
    search: (vector, limit, ef) => search(vector, limit, (query) => query.ef(ef).refineFactor(1)),
    exact: (vector, limit) => search(vector, limit, (query) => query.bypassVectorIndex()),
    filtered: (vector, limit, city) =>
      search(vector, limit, (query) => query.where(`city = ${city}`).ef(100).refineFactor(1)),
    close: async () => table.close(),
    diskBytes: async () => bytesBelow(path),
  };
}
