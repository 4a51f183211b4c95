// npm run demo: films are ingested, optimized, searched, and survive a killed process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Presets, SingleBar } from 'cli-progress';
import { openCollection } from 'sluice';
import { batchesOf, DIMENSIONS, readFilms } from './films.mjs';

const TITLES = ['Alien', 'Shrek', 'The Matrix Reloaded'];
const films = readFilms();

/** Many small segments, and nothing that merges them yet. */
const WHILE_INGESTING = { maxSegmentSizeKb: 48, maxOptimizationThreads: 0 };

/** Few segments, none of them with many deleted films, and no vector indexes yet. */
const AFTERWARDS = {
  maxSegmentSizeKb: 400,
  indexingThresholdKb: 0,
  maxOptimizationThreads: null,
  defaultSegmentNumber: 3,
  deletedThreshold: 0.2,
  vacuumMinVectorNumber: 100,
};

async function ingest(collection) {
  const isWatched = process.stderr.isTTY === true;
  const bar = new SingleBar({ format: '  {bar} {value}/{total} films' }, Presets.shades_classic);
  if (isWatched) bar.start(films.length, 0);
  for (const batch of batchesOf(films, 200)) {
    await collection.upsert(batch);
    // Full segments are looked for now and then. Asked to look now, it makes as many on any machine.
    collection.trigger();
    await collection.plunge();
    if (isWatched) bar.increment(batch.length);
  }
  if (isWatched) bar.stop();
}

/** Makes a change, waits for the optimizers, and tells of each of their runs when it has ended. */
async function watchOptimizers(collection, change) {
  const told = new Set(collection.optimizations().completed.map(nameOf));
  const tell = () => {
    for (const run of collection.optimizations().completed.toReversed()) {
      if (told.has(nameOf(run))) continue;
      told.add(nameOf(run));
      const count = plural(run.segmentIds.length, 'segment');
      const ms = run.endedAt - run.startedAt;
      console.log(`  ${run.optimizer} of ${count}, ${run.progress.total} films: ${ms} ms`);
    }
  };
  await change();
  await collection.optimize({ onProgress: tell });
  tell();
  console.log(`  ${collection.status().color}: ${segmentsText(collection)}`);
}

function nameOf({ optimizer, segmentIds }) {
  return `${optimizer} ${segmentIds.join(',')}`;
}

function segmentsText(collection) {
  const { segments } = collection.info();
  const films = segments.map(({ points }) => points).join(', ');
  const indexed = segments.filter((segment) => segment.indexed).length;
  const indexes = indexed === 0 ? '' : `, ${indexed} of them indexed`;
  return `${plural(segments.length, 'segment')} with ${films} films${indexes}`;
}

function plural(count, noun) {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

async function showNeighbours(collection) {
  for (const title of TITLES) {
    const film = films.find(({ payload }) => payload.title === title);
    const hits = await collection.search(film.vector, { limit: 4 });
    const others = hits.filter(({ id }) => id !== film.id).slice(0, 3);
    const names = others.map(({ payload }) => `${payload.title} (${payload.year})`);
    console.log(`  ${title}: ${names.join(', ')}`);
  }
}

/** Runs a writer in a process of its own and kills it in the middle; returns what it was promised. */
async function killWriter(path, idOffset) {
  const script = fileURLToPath(new URL('./writer.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, path, String(idOffset)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const acknowledged = [];
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(...JSON.parse(line));
    lines += 1;
    if (lines === 30) child.kill('SIGKILL');
  }
  const [code, signal] = await exited;
  if (signal !== 'SIGKILL') throw new Error(`the writer ended by itself (${code ?? signal})`);
  return acknowledged;
}

async function main(path) {
  console.log(`1. Ingest ${films.length} films into ${path}`);
  const options = { dimensions: DIMENSIONS, optimizers: WHILE_INGESTING };
  let collection = await openCollection(path, options);
  await ingest(collection);
  console.log(`  ${segmentsText(collection)}`);

  console.log('2. Let the optimizers merge them');
  await watchOptimizers(collection, () => collection.configure({ optimizers: AFTERWARDS }));

  console.log('3. Ask for a vector index in each segment from 50 KB on');
  const indexes = { indexingThresholdKb: 50 };
  await watchOptimizers(collection, () => collection.configure({ optimizers: indexes }));

  console.log('4. Delete every third film; the optimizers take the deleted rows away');
  const unwanted = films.filter(
    ({ payload }, index) => index % 3 === 0 && !TITLES.includes(payload.title),
  );
  await watchOptimizers(collection, () => collection.delete(unwanted.map(({ id }) => id)));

  console.log('5. The nearest films');
  await showNeighbours(collection);
  const countBefore = await collection.count();
  await collection.close();

  console.log('6. Kill a process (SIGKILL) while it writes, and open again');
  const acknowledged = await killWriter(path, 1_000_000);
  collection = await openCollection(path);
  const found = await collection.get(acknowledged);
  const written = (await collection.count()) - countBefore;
  await collection.close();
  console.log(`  ${acknowledged.length} films acknowledged, ${found.length} of them there`);
  const unanswered = written - found.length;
  if (unanswered > 0) console.log(`  and ${unanswered} more, whose answer came too late`);
  if (found.length !== acknowledged.length) throw new Error('an acknowledged film is missing');
}

const directory = await mkdtemp(join(tmpdir(), 'sluice-demo-'));
try {
  await main(join(directory, 'films.db'));
} finally {
  await rm(directory, { recursive: true });
}
