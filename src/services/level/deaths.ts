import { SluiceError } from '../../errors.js';
import type { Entry } from './database.js';
import { frame, unframe } from './frame.js';
import { DEATHS_KEY } from './keys.js';
import { pack, unpackFormat } from './packing.js';

const FORMAT = 1;

/** The count of deaths as an entry to put. */
export function deathsEntry(count: number): Entry {
  return [DEATHS_KEY, frame(DEATHS_KEY, 'deaths', pack({ format: FORMAT, count }))];
}

/** Reads a stored count. Errors: `SLUICE_DAMAGED`, `SLUICE_FORMAT_UNKNOWN`. */
export function readDeaths(value: Uint8Array): number {
  const name = 'the count of deaths';
  const { count } = unpackFormat(unframe(DEATHS_KEY, 'deaths', value), FORMAT, name);
  if (Number.isSafeInteger(count) && (count as number) > 0) return count as number;
  throw new SluiceError('SLUICE_DAMAGED', `${name} makes no sense`);
}
