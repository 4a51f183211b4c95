// npm run recall [-- --points N --films FILE]: how much of what is nearest a search finds, before
// and after changes, reopening and lost index files. Ends with 1 when it is less than promised.
import { appendFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { openCollection } from 'sluice';
import { readFilms } from '../examples/demo/films.mjs';
import { clusteredPoints, clusteredVectors } from './data/clusters.mjs';

const RECALL_MIN = 0.95;
const LIMIT = 10;
const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '50000' },
    queries: { type: 'string', default: '200' },
    films: { type: 'string' },
  },
});
const QUERIES = Number(values.queries);
let isGood = true;

/** The share of the truly nearest that a search finds; the truth is the collection's own exact search. */
async function recall(collection, queries, options = {}) {
  let found = 0;
  let wanted = 0;
  for (const query of queries) {
    const exact = await collection.search(query, { limit: LIMIT, ...options, exact: true });
    const hits = await collection.search(query, { limit: LIMIT, ...options });
    const ids = new Set(hits.map(({ id }) => id));
    found += exact.filter(({ id }) => ids.has(id)).length;
    wanted += exact.length;
  }
  return wanted === 0 ? 1 : found / wanted;
}

async function show(name, collection, queries, options) {
  const share = await recall(collection, queries, options);
  const isEnough = share >= RECALL_MIN;
  isGood &&= isEnough;
  const indexed = collection.info().segments.filter((segment) => segment.indexed);
  const points = indexed.reduce((sum, segment) => sum + segment.points, 0);
  const where = `${points} of ${collection.info().points} points indexed`;
  console.log(`  ${name.padEnd(44)} ${share.toFixed(4)}  ${where}${isEnough ? '' : '  TOO LOW'}`);
}

async function ingest(collection, points) {
  for (let at = 0; at < points.length; at += 500) {
    await collection.upsert(points.slice(at, at + 500), { wait: at + 500 >= points.length });
  }
}

async function toGreen(collection) {
  const { color } = await collection.optimize();
  if (color !== 'green') throw new Error(`the collection is ${color}, not green`);
}

/** Filters that about so many points pass. */
const below = (city) => ({ must: [{ key: 'city', range: { lt: city } }] });

async function programme(name, { points, fresh, queries, dimensions, filters, open }) {
  console.log(`${name}: ${points.length} points of ${dimensions} dimensions, recall@${LIMIT}`);
  const path = join(await mkdtemp(join(tmpdir(), 'sluice-recall-')), 'db');
  let collection = await openCollection(path, { dimensions, ...open });
  const reopen = async (change = async () => {}) => {
    await collection.close();
    await change(join(path, 'vector-index'));
    collection = await openCollection(path);
  };
  try {
    await ingest(collection, points);
    await toGreen(collection);
    await show('to green', collection, queries);
    for (const [label, filter] of filters) {
      await show(`${label} match`, collection, queries, { filter });
      const { hnsw } = collection.info().configuration;
      await collection.configure({ hnsw: { fullScanThresholdKb: 0 } });
      await show(`${label} match, index preferred`, collection, queries, { filter });
      await collection.configure({ hnsw });
    }
    await reopen();
    await show('reopened', collection, queries);
    const changed = points.filter(({ id }, at) => at % 5 === 0 && id !== undefined);
    await ingest(
      collection,
      changed.map((point) => ({ ...point, vector: fresh() })),
    );
    await collection.delete(points.filter((_, at) => at % 5 === 1).map(({ id }) => id));
    await show('20 % overwritten, 20 % deleted', collection, queries);
    await toGreen(collection);
    await show('to green', collection, queries);
    await reopen(async (directory) => {
      for (const file of await readdir(directory)) await rm(join(directory, file));
    });
    await afterLoss('every index file deleted', collection, queries);
    await reopen(async (directory) => {
      for (const [at, file] of (await readdir(directory)).entries()) {
        await damage(join(directory, file), at);
      }
    });
    await afterLoss('every index file damaged', collection, queries);
  } finally {
    await collection.close();
    await rm(join(path, '..'), { recursive: true });
  }
}

async function damage(file, at) {
  if (at % 3 === 0) return appendFile(file, 'x');
  if (at % 3 === 1) return truncate(file, 1000);
  const bytes = await readFile(file);
  bytes[bytes.length >> 1] ^= 1;
  return writeFile(file, bytes);
}

async function afterLoss(name, collection, queries) {
  const errors = collection.status().errors.filter(({ what }) => what === 'vectorIndex');
  if (errors.length === 0) throw new Error(`${name}: the status says nothing`);
  await show(name, collection, queries);
  await toGreen(collection);
  await show('to green', collection, queries);
}

async function films() {
  if (values.films === undefined) return readFilms();
  const text = gunzipSync(await readFile(values.films)).toString();
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

const allFilms = await films();
const isQuery = (_, at) => at % Math.max(2, Math.floor(allFilms.length / QUERIES)) === 1;
const yearIs = (range) => ({ must: [{ key: 'year', range }] });
await programme('Films', {
  points: allFilms.filter((film, at) => !isQuery(film, at)),
  queries: allFilms.filter(isQuery).map(({ vector }) => vector),
  fresh: (() => {
    let at = 0;
    return () => allFilms[(at++ * 7919) % allFilms.length].vector;
  })(),
  dimensions: allFilms[0].vector.length,
  filters: [['films since 1990', yearIs({ gte: 1990 })]],
  open: { optimizers: { indexingThresholdKb: 100, defaultSegmentNumber: 2 } },
});

const held = clusteredVectors({ dimensions: 128, seed: 42 });
const clustered = clusteredPoints({ count: Number(values.points), dimensions: 128, seed: 42 });
// The same clusters, other points: the first vectors of this source are those of the points.
for (const _ of clustered) held.next();
await programme('Clusters', {
  points: clustered,
  queries: Array.from({ length: QUERIES }, () => held.next()),
  fresh: () => held.next(),
  dimensions: 128,
  filters: [
    ['2 %', below(1)],
    ['20 %', below(10)],
    ['80 %', below(40)],
  ],
  open: { optimizers: { indexingThresholdKb: 1000 } },
});
process.exitCode = isGood ? 0 : 1;
