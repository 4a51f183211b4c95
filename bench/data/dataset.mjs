// The benchmark's points, made once and read from a file by every process that measures.
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { clusteredVectors, seededRandom } from './clusters.mjs';
import { nearest } from './nearest.mjs';

const SEED = 42;
/** Of the vectors that are made. */
const DIMENSIONS = 128;
export const LIMIT = 10;
const CITIES = 50;
/** How far from a point is the one whose vector it gets when it is overwritten. */
const STRIDE = 7919;
const VERSION = 2;

/** Where the files are; a directory of the system's temporary files, so that it may vanish. */
const directory = join(tmpdir(), 'sluice-bench-data');

/**
 * `vectors` and `queries` as one Float32Array each, `truth` the ids nearest to each query, and
 * `cityTruth` those among the points of the query's city. The vectors are made, or those of the
 * `films` of a file, of which the last ones are the queries.
 */
export function dataset({ points, queries, films }) {
  const parts = films === undefined ? madeParts(points, queries) : filmParts(films, queries);
  const { count, dimensions, name, vectorsOf } = parts;
  const path = join(directory, `v${VERSION}-${name}`);
  if (!existsSync(path)) write(path, vectorsOf(), { count, dimensions, queries });
  const bytes = readFileSync(path);
  let at = 0;
  const take = (Type, length) => {
    const part = new Type(bytes.buffer, bytes.byteOffset + at, length);
    at += part.byteLength;
    return part;
  };
  return {
    points: count,
    queries,
    dimensions,
    vectors: take(Float32Array, count * dimensions),
    queryVectors: take(Float32Array, queries * dimensions),
    truth: take(Uint32Array, queries * LIMIT),
    cityTruth: take(Uint32Array, queries * LIMIT),
  };
}

/** How many points a file of films gives when so many of them are queries. */
export function countOfFilms(path, queries) {
  return linesOf(path).length - queries;
}

/** The point with this number, or the one that replaces it in a later `round`. */
export function pointOf(data, id, round = 0) {
  const row = (id + round * STRIDE) % data.points;
  return { id, vector: rowOf(data, data.vectors, row), payload: payloadOf(id) };
}

export function pointsOf(data, from, count, round = 0) {
  return Array.from({ length: count }, (_, at) => pointOf(data, from + at, round));
}

/** The vector of a query. */
export function queryOf(data, query) {
  return rowOf(data, data.queryVectors, query);
}

function rowOf({ dimensions }, vectors, row) {
  return vectors.subarray(row * dimensions, (row + 1) * dimensions);
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

function madeParts(points, queries) {
  const vectorsOf = () => {
    const source = clusteredVectors({ dimensions: DIMENSIONS, seed: SEED });
    const vectors = new Float32Array((points + queries) * DIMENSIONS);
    for (let row = 0; row < points + queries; row += 1)
      vectors.set(source.next(), row * DIMENSIONS);
    return vectors;
  };
  return { count: points, dimensions: DIMENSIONS, name: `${points}-${queries}`, vectorsOf };
}

function filmParts(path, queries) {
  const films = linesOf(path);
  const { length: dimensions } = JSON.parse(films[0]).vector;
  const { size, mtimeMs } = statSync(path);
  return {
    count: films.length - queries,
    dimensions,
    name: `films-${size}-${Math.floor(mtimeMs)}-${queries}`,
    vectorsOf: () => Float32Array.from(films.flatMap((line) => unit(JSON.parse(line).vector))),
  };
}

function unit(vector) {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

function linesOf(path) {
  return gunzipSync(readFileSync(path)).toString().trimEnd().split('\n');
}

/** Writes the vectors, of which the last ones are queries, and what is nearest to those. */
function write(path, vectors, { count, dimensions, queries }) {
  const truth = new Uint32Array(queries * LIMIT);
  const cityTruth = new Uint32Array(queries * LIMIT);
  const all = { vectors, count, dimensions, limit: LIMIT };
  for (let query = 0; query < queries; query += 1) {
    const vector = rowOf(all, vectors, count + query);
    truth.set(nearest(all, vector), query * LIMIT);
    cityTruth.set(nearest(all, vector, rowsOfCity(cityOfQuery(query), count)), query * LIMIT);
  }
  mkdirSync(directory, { recursive: true });
  const parts = [vectors, truth, cityTruth];
  const temporary = `${path}.${process.pid}.${Math.floor(seededRandom(process.pid)() * 1e9)}`;
  writeFileSync(temporary, Buffer.concat(parts.map((part) => Buffer.from(part.buffer))));
  renameSync(temporary, path);
}

function rowsOfCity(city, points) {
  return Array.from({ length: points }, (_, id) => id).filter((id) => cityOf(id) === city);
}
