import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { PointInput } from 'sluice';

const DIRECTORY = new URL('../../examples/data/', import.meta.url);

let loaded: readonly PointInput[] | undefined;

/** The films of the examples: vectors of 64 numbers, ids that are numbers. */
export function films(): readonly PointInput[] {
  loaded ??= readdirSync(DIRECTORY)
    .filter((name) => name.endsWith('.jsonl.gz'))
    .flatMap((name) =>
      gunzipSync(readFileSync(new URL(name, DIRECTORY)))
        .toString()
        .split('\n'),
    )
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PointInput);
  return loaded;
}
