// zvec: an HNSW store of one process; its writes are synchronous and never synced to the disk.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { bytesBelow } from '../measure.mjs';

export const title = 'zvec';
export const syncs = false;

const FIELDS = ['city', 'price', 'text'];

/** Its package; rejects when it isn't installed or doesn't run here. */
export const load = async () => (await import('@zvec/zvec')).default;

export async function open(directory, { dimensions, threads = 2 }) {
  const zvec = await load();
  const { ZVecDataType: Type, ZVecIndexType: Index, ZVecMetricType: Metric } = zvec;
  zvec.ZVecInitialize({ logLevel: 4, optimizeThreads: threads, queryThreads: threads });
  const path = join(directory, 'zvec');
  const schema = () =>
    new zvec.ZVecCollectionSchema({
      name: 'bench',
      vectors: {
        name: 'vector',
        dataType: Type.VECTOR_FP32,
        dimension: dimensions,
        indexParams: {
          indexType: Index.HNSW,
          metricType: Metric.COSINE,
          m: 16,
          efConstruction: 100,
        },
      },
      fields: [
        { name: 'city', dataType: Type.INT32, indexParams: { indexType: Index.INVERT } },
        { name: 'price', dataType: Type.DOUBLE },
        { name: 'text', dataType: Type.STRING },
      ],
    });
  const collection = existsSync(path)
    ? zvec.ZVecOpen(path)
    : zvec.ZVecCreateAndOpen(path, schema());
  const insert = async (points) => {
    const results = collection.upsertSync(
      points.map(({ id, vector, payload }) => ({
        id: String(id),
        vectors: { vector },
        fields: payload,
      })),
    );
    const failed = results.find(({ ok }) => !ok);
    if (failed) throw new Error(failed.message);
  };
  const search = async (vector, limit, params, filter) => {
    const found = await collection.query({
      fieldName: 'vector',
      vector,
      topk: limit,
      outputFields: FIELDS,
      params: { indexType: Index.HNSW, ...params },
      ...(filter && { filter }),
    });
    return found.map(({ id }) => Number(id));
  };
  return {
    insert,
    insertLoose: insert,
    remove: async (ids) => {
      collection.deleteSync(ids.map(String));
    },
    build: () => collection.optimize({ concurrency: threads }),
    compact: () => collection.optimize({ concurrency: threads }),
    search: (vector, limit, ef) => search(vector, limit, { ef }),
    exact: (vector, limit) => search(vector, limit, { isLinear: true }),
    filtered: (vector, limit, city, ef = 100) => search(vector, limit, { ef }, `city = ${city}`),
    close: async () => collection.closeSync(),
    diskBytes: async () => bytesBelow(path),
  };
}
