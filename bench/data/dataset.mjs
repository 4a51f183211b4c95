// The benchmark's points, made once and read from a file by every process that measures.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusteredVectors, seededRandom } from './clusters.mjs';
import { nearest } from './nearest.mjs';

const SEED = 42;
export const DIMENSIONS = 128;
export const LIMIT = 10;
const CITIES = 50;
/** Points beyond the first ones, for overwrites and for writing while searching. */
const EXTRA = 30_000;
const VERSION = 1;

/** Where the files are; a directory of the system's temporary files, so that it may vanish. */
const directory = join(tmpdir(), 'sluice-bench-data');

/**
 * `vectors` and `queries` as one Float32Array each, `truth` the ids nearest to each query, and
 * `cityTruth` those among the points of the query's city.
 */
export function dataset({ points, queries }) {
  mkdirSync(directory, { recursive: true });
  const name = join(directory, `v${VERSION}-${points}-${queries}`);
  if (!existsSync(name)) write(name, points, queries);
  const bytes = readFileSync(name);
  let at = 0;
  const take = (Type, length) => {
    const size = length * Type.BYTES_PER_ELEMENT;
    const part = new Type(bytes.buffer, bytes.byteOffset + at, length);
    at += size;
    return part;
  };
  return {
    points,
    queries,
    vectors: take(Float32Array, (points + EXTRA) * DIMENSIONS),
    queryVectors: take(Float32Array, queries * DIMENSIONS),
    truth: take(Uint32Array, queries * LIMIT),
    cityTruth: take(Uint32Array, queries * LIMIT),
  };
}

/** The point with this number, or the one that replaces it in a later `round`. */
export function pointOf(data, id, round = 0) {
  const row = round === 0 ? id % data.points : data.points + ((id + round * 7919) % EXTRA);
  return { id, vector: rowOf(data.vectors, row), payload: payloadOf(id) };
}

export function pointsOf(data, from, count, round = 0) {
  return Array.from({ length: count }, (_, at) => pointOf(data, from + at, round));
}

export function rowOf(vectors, row) {
  return vectors.subarray(row * DIMENSIONS, (row + 1) * DIMENSIONS);
}

export const cityOf = (id) => (id * 31) % CITIES;

/** The city that a query asks for. */
export const cityOfQuery = (query) => query % CITIES;

function payloadOf(id) {
  return {
    city: cityOf(id),
    price: ((id * 7919) % 100_000) / 100,
    text: `item ${id} of a catalogue of things to be found`,
  };
}

function write(name, points, queries) {
  const source = clusteredVectors({ dimensions: DIMENSIONS, seed: SEED });
  const vectors = fill(source, points + EXTRA);
  const queryVectors = fill(source, queries);
  const truth = new Uint32Array(queries * LIMIT);
  const cityTruth = new Uint32Array(queries * LIMIT);
  const all = { vectors, count: points, dimensions: DIMENSIONS, limit: LIMIT };
  for (let query = 0; query < queries; query += 1) {
    const vector = rowOf(queryVectors, query);
    truth.set(nearest(all, vector), query * LIMIT);
    cityTruth.set(nearest(all, vector, rowsOfCity(cityOfQuery(query), points)), query * LIMIT);
  }
  const parts = [vectors, queryVectors, truth, cityTruth];
  const temporary = `${name}.${process.pid}.${Math.floor(seededRandom(process.pid)() * 1e9)}`;
  writeFileSync(temporary, Buffer.concat(parts.map((part) => Buffer.from(part.buffer))));
  renameSync(temporary, name);
}

function rowsOfCity(city, points) {
  return Array.from({ length: points }, (_, id) => id).filter((id) => cityOf(id) === city);
}

function fill(source, count) {
  const vectors = new Float32Array(count * DIMENSIONS);
  for (let row = 0; row < count; row += 1) vectors.set(source.next(), row * DIMENSIONS);
  return vectors;
}
