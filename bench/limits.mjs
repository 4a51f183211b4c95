// node bench/limits.mjs [--points N]: what a plain loop reaches on this machine that does as little as
// a store with a log and blocks can do: LevelDB alone, blocks besides, records made of points; the
// last without syncs of the log, and of single points from many callers.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dataset, pointsOf } from './data/dataset.mjs';
import { median, timed } from './measure.mjs';
import { numberText } from './report/table.mjs';
import { keyOf, openLevel } from './rivals/level.mjs';
import { Group } from './scenarios/support/group.mjs';

const BATCH = 100;
const BLOCK_BYTES = 1024 * 1024;
const CALLERS = 8;
const SINGLE_CALLERS = 64;
const MIB = 2 ** 20;
const REPETITIONS = 5;
/** What a point takes in the file of an index of 128 dimensions, about. */
const INDEX_BYTES = 276;

const { values } = parseArgs({ options: { points: { type: 'string', default: '50000' } } });
const POINTS = Number(values.points);
const data = dataset({ points: POINTS, queries: 500 });
const batches = Array.from({ length: POINTS / BATCH }, (_, at) =>
  pointsOf(data, at * BATCH, BATCH),
);
const singles = batches.flat().map((point) => [point]);

/** What applied points need at least: their vectors in a slab and their rows by their ids, which count up. */
class Slab {
  #vectors = new Float32Array(POINTS * data.dimensions);
  #rows = new Int32Array(POINTS);
  #count = 0;

  take(points, record) {
    const length = points.length * data.dimensions;
    const vectors = new Float32Array(record.buffer, record.byteOffset, length);
    this.#vectors.set(vectors, this.#count * data.dimensions);
    for (const { id } of points) {
      this.#rows[id] = this.#count;
      this.#count += 1;
    }
  }
}

/** The bytes of a batch as one record: vectors, ids and payloads, nothing else. */
function recordOf(points) {
  const vectorBytes = data.dimensions * 4;
  const rest = Buffer.from(JSON.stringify(points.map(({ id, payload }) => [id, payload])));
  const record = Buffer.allocUnsafe(points.length * vectorBytes + rest.length);
  for (const [at, { vector }] of points.entries()) {
    for (let index = 0; index < vector.length; index += 1) {
      if (!Number.isFinite(vector[index])) throw new RangeError('not a number');
    }
    new Uint8Array(record.buffer, record.byteOffset + at * vectorBytes, vectorBytes).set(
      new Uint8Array(vector.buffer, vector.byteOffset, vectorBytes),
    );
  }
  rest.copy(record, points.length * vectorBytes);
  return record;
}

/**
 * Points a second; `twice`: also into blocks of another database; `made`: records of points, applied;
 * `sync`: of the log; `work`: the points of each record; `grouped`: callers share batches.
 */
async function ingest(callers, { twice, made, sync = true, work = batches, grouped }) {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-limits-'));
  const log = await openLevel(directory, {}, 'log');
  const blocks = await openLevel(directory, { writeBufferSize: 16 * MIB }, 'blocks');
  const ready = made ? undefined : work.map(recordOf);
  const slab = new Slab();
  let waiting = [];
  let flushed = Promise.resolve();
  let count = 0;
  const keep = (record) => {
    waiting.push(record);
    if (waiting.length * record.length < BLOCK_BYTES) return;
    const block = Buffer.concat(waiting);
    waiting = [];
    const key = keyOf(count);
    count += 1;
    flushed = flushed.then(() => blocks.put(key, block, { sync: true }));
  };
  const group = new Group((puts) => log.batch(puts, { sync }));
  const put = (key, value) =>
    grouped ? group.add({ type: 'put', key, value }) : log.put(key, value, { sync });
  let next = 0;
  const caller = async () => {
    while (next < work.length) {
      const number = next;
      next += 1;
      const record = ready?.[number] ?? recordOf(work[number]);
      await put(keyOf(number), record);
      if (made) slab.take(work[number], record);
      if (twice) keep(record);
    }
  };
  const { seconds } = await timed(() => Promise.all(Array.from({ length: callers }, caller)));
  // As of a flush, callers don't wait for the last blocks.
  await flushed;
  await log.close();
  await blocks.close();
  await rm(directory, { recursive: true });
  return POINTS / seconds;
}

/** Milliseconds to open two databases and to read what the points take, and the index, as it is. */
async function opening() {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-limits-'));
  const indexPath = join(directory, 'index');
  await writeFile(indexPath, Buffer.alloc(POINTS * INDEX_BYTES));
  const open = () => Promise.all(['log', 'blocks'].map((name) => openLevel(directory, {}, name)));
  const [log, blocks] = await open();
  const all = Buffer.concat(batches.map(recordOf));
  for (let at = 0; at < all.length; at += BLOCK_BYTES) {
    await blocks.put(keyOf(at), all.subarray(at, at + BLOCK_BYTES));
  }
  await blocks.compactRange(keyOf(0), keyOf(all.length));
  await log.close();
  await blocks.close();
  const { seconds, result } = await timed(async () => {
    const opened = await open();
    let bytes = (await readFile(indexPath)).length;
    for await (const [, value] of opened[1].iterator()) bytes += value.length;
    return { opened, bytes };
  });
  for (const level of result.opened) await level.close();
  if (result.bytes !== all.length + POINTS * INDEX_BYTES) throw new Error('values are missing');
  await rm(directory, { recursive: true });
  return seconds * 1000;
}

const KINDS = [
  ['ready-made records, once', { twice: false, made: false }],
  ['the same, and blocks of them', { twice: true, made: false }],
  ['records made of points, and blocks', { twice: true, made: true }],
];
const UNSYNCED = { twice: true, made: true, sync: false };
const SINGLE = { twice: true, made: true, work: singles, grouped: true };

const found = new Map();

function note(name, value) {
  found.set(name, [...(found.get(name) ?? []), value]);
}

// The first round makes code and disk warm, and isn't counted.
for (let round = 0; round <= REPETITIONS; round += 1) {
  if (round === 1) found.clear();
  for (const callers of [1, CALLERS]) {
    for (const [name, kind] of KINDS) {
      note(`${name}, ${callers} in flight, points/s`, await ingest(callers, kind));
    }
  }
  note(
    'records made, log not synced, and blocks, 1 in flight, points/s',
    await ingest(1, UNSYNCED),
  );
  const name = `records of single points, and blocks, ${SINGLE_CALLERS} in flight, points/s`;
  note(name, await ingest(SINGLE_CALLERS, SINGLE));
  note('two databases opened, everything read, ms', await opening());
}
for (const [name, values] of found) {
  const spread = `${numberText(Math.min(...values))}..${numberText(Math.max(...values))}`;
  console.log(`${name}: ${numberText(median(values))} [${spread}]`);
}
