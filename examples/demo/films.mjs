// The example films: { id, vector, payload: { title, year, cast, genres } }, 64 dimensions.
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const file = new URL('../data/movies.jsonl.gz', import.meta.url);

/** Length of the films' vectors. */
export const DIMENSIONS = 64;

/** All films, ids unique. */
export function readFilms() {
  const lines = gunzipSync(readFileSync(file)).toString().trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** The films in groups of `size`. */
export function* batchesOf(films, size) {
  for (let from = 0; from < films.length; from += size) yield films.slice(from, from + size);
}
