// A store's life: filled, indexed, searched, changed, compacted, opened again.
import { cityOfQuery, LIMIT, pointOf, pointsOf, queryOf } from '../data/dataset.mjs';
import {
  bytesBelow,
  median,
  peakMemoryMib,
  quantile,
  recallOf,
  timed,
  withGap,
} from '../measure.mjs';
import { SUBJECTS } from '../subjects.mjs';

const BATCH = 100;
const RECALL = 0.95;
const CALIBRATION_QUERIES = 200;
const EFS = [10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256];
const MIXED_SECONDS = 3;
/** Searches that look at everything are slow: so many tell their rate. */
const EXACT_QUERIES = 200;
/** So many before that make code and memory warm, as those that find an `ef` do for other searches. */
const EXACT_WARM_UP = 20;
const REST_LOOK_MS = 1000;
const REST_LOOKS_MAX = 10;
const turn = () => new Promise(setImmediate);

export async function run({ subject, directory, data, settings }) {
  const { open } = SUBJECTS[subject];
  const options = { ...settings, capacity: settings.points * 2 };
  const memoryBefore = process.memoryUsage().rss / 2 ** 20;
  let store = await open(directory, options);
  const result = {};
  await store.prepareFilter?.();
  Object.assign(result, await fill(store, data, settings));
  result.peakMib = peakMemoryMib() - memoryBefore;
  await store.save?.();
  result.diskBytesPerPoint = (await restingBytes(store)) / settings.points;
  const ef = store.search ? await calibrate(store, data) : undefined;
  if (ef) Object.assign(result, ef, await searches(store, data, ef.ef));
  if (store.exact) Object.assign(result, await exactSearches(store, data));
  if (store.filtered) Object.assign(result, await filteredSearches(store, data));
  if (store.insert) {
    Object.assign(result, await mixed(store, data, settings, ef?.ef));
    Object.assign(result, await change(store, data, settings));
  }
  await store.close();
  const query = queryOf(data, 0);
  const first = await timed(async () => {
    store = await open(directory, options);
    await (store.search ?? store.exact)(query, LIMIT, ef?.ef ?? 64);
  });
  result.openToFirstSearchMs = first.seconds * 1000;
  result.diskBytesAtEnd = bytesBelow(directory);
  await store.close();
  return result;
}

/** Fills the store and builds its index. */
async function fill(store, data, { points }) {
  const filling = await withGap(() =>
    timed(async () => {
      for (let from = 0; from < points; from += BATCH) {
        await store.insertLoose(pointsOf(data, from, Math.min(BATCH, points - from)));
        if (from % (10 * BATCH) === 0) await turn();
      }
      await store.settle?.();
    }),
  );
  const building = await withGap(() => timed(() => store.build()));
  return {
    fillRate: points / filling.result.seconds,
    fillGapMs: filling.gapMs,
    buildSeconds: building.result.seconds,
    buildRate: points / building.result.seconds,
    buildGapMs: building.gapMs,
  };
}

/** Bytes on disk when a store has tidied up beside: when they don't change for a while. */
async function restingBytes(store) {
  let bytes = await store.diskBytes();
  for (let waited = 0; waited < REST_LOOKS_MAX; waited += 1) {
    await new Promise((resolve) => setTimeout(resolve, REST_LOOK_MS));
    const now = await store.diskBytes();
    if (now === bytes) break;
    bytes = now;
  }
  return bytes;
}

/** The smallest `ef` of a grid that finds enough. */
async function calibrate(store, data) {
  const queries = Math.min(CALIBRATION_QUERIES, data.queries);
  let recall = 0;
  for (const ef of EFS) {
    recall = await recallAt(data, queries, (vector) => store.search(vector, LIMIT, ef));
    if (recall >= RECALL) return { ef, recall };
  }
  return { ef: EFS.at(-1), recall };
}

async function recallAt(data, queries, search, truth = data.truth) {
  let sum = 0;
  for (let query = 0; query < queries; query += 1) {
    const found = await search(queryOf(data, query), query);
    sum += recallOf(found, truth.subarray(query * LIMIT, (query + 1) * LIMIT));
  }
  return sum / queries;
}

async function searches(store, data, ef) {
  const times = await latencies(data.queries, data, (vector) => store.search(vector, LIMIT, ef));
  return {
    searchRate: rateOf(times),
    searchP50Ms: median(times),
    searchP99Ms: quantile(times, 0.99),
  };
}

async function exactSearches(store, data) {
  const exact = (vector) => store.exact(vector, LIMIT);
  await latencies(Math.min(EXACT_WARM_UP, data.queries), data, exact);
  const times = await latencies(Math.min(EXACT_QUERIES, data.queries), data, exact);
  return { exactRate: rateOf(times), exactP50Ms: median(times) };
}

async function filteredSearches(store, data) {
  const { queries } = data;
  const search = (vector, query) => store.filtered(vector, LIMIT, cityOfQuery(query));
  // Also makes it warm.
  const filteredRecall = await recallAt(data, queries, search, data.cityTruth);
  const times = await latencies(queries, data, search);
  return { filteredRate: rateOf(times), filteredRecall };
}

async function latencies(count, data, search) {
  const times = [];
  for (let query = 0; query < count; query += 1) {
    const { seconds } = await timed(() => search(queryOf(data, query), query));
    times.push(seconds * 1000);
  }
  return times;
}

const rateOf = (times) => times.length / (times.reduce((sum, ms) => sum + ms, 0) / 1000);

/** Searches without a pause while durable batches come in; latency includes waiting for a turn. */
async function mixed(store, data, { points }, ef = 64) {
  const search = store.search ?? ((vector, limit) => store.exact(vector, limit));
  const times = [];
  let batches = 0;
  let running = true;
  const writer = async () => {
    while (running) {
      await store.insert(pointsOf(data, points + batches * BATCH, BATCH));
      batches += 1;
      await turn();
    }
  };
  const searcher = async () => {
    for (let query = 0; running; query = (query + 1) % data.queries) {
      const { seconds } = await timed(async () => {
        await turn();
        await search(queryOf(data, query), LIMIT, ef);
      });
      times.push(seconds * 1000);
    }
  };
  const timer = setTimeout(() => {
    running = false;
  }, MIXED_SECONDS * 1000);
  const { gapMs, result } = await withGap(() => timed(() => Promise.all([writer(), searcher()])));
  clearTimeout(timer);
  const ids = Array.from({ length: batches * BATCH }, (_, at) => points + at);
  for (let from = 0; from < ids.length; from += BATCH) {
    await store.remove(ids.slice(from, from + BATCH));
  }
  return {
    mixedIngestRate: (batches * BATCH) / result.seconds,
    mixedSearchRate: times.length / result.seconds,
    mixedP50Ms: median(times),
    mixedP99Ms: quantile(times, 0.99),
    mixedGapMs: gapMs,
  };
}

/** Overwrites 20 %, deletes 20 %, and tidies up. */
async function change(store, data, { points }) {
  const every = (rest) => Array.from({ length: Math.floor(points / 5) }, (_, at) => at * 5 + rest);
  const replace = store.replace ?? store.insert;
  await store.hold?.();
  const overwriting = await inBatches(every(0), (ids) =>
    replace(ids.map((id) => pointOf(data, id, 1))),
  );
  const deleting = await inBatches(every(1), (ids) => store.remove(ids));
  const compaction = await withGap(() => timed(() => store.compact()));
  return {
    overwriteRate: overwriting,
    deleteRate: deleting,
    compactSeconds: compaction.result.seconds,
    compactGapMs: compaction.gapMs,
  };
}

async function inBatches(ids, write) {
  const { seconds } = await timed(async () => {
    for (let from = 0; from < ids.length; from += BATCH) await write(ids.slice(from, from + BATCH));
  });
  return ids.length / seconds;
}
