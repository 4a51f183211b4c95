import { SluiceError } from '../../errors.js';
import type { PointId } from '../../types.js';
import { shown } from '../option-checks.js';

/** Longest id that is a string, in UTF-16 code units. */
export const ID_LENGTH_MAX = 1024;

const SURROGATE = /\p{Surrogate}/u;

/** What is wrong with an id, or undefined. */
export function idProblem(id: unknown): string | undefined {
  if (typeof id === 'number') {
    if (Number.isSafeInteger(id) && id >= 0) return undefined;
    return `${id} isn't a non-negative safe integer`;
  }
  if (typeof id !== 'string') return `${shown(id)} is neither a number nor a string`;
  if (id === '') return 'the string is empty';
  if (id.length > ID_LENGTH_MAX) return `the string is longer than ${ID_LENGTH_MAX}`;
  // A lone surrogate has no UTF-8 form: the id would come back from disk as another one.
  if (SURROGATE.test(id)) return 'the string is not well-formed Unicode';
  return undefined;
}

/** True for a valid id. */
export function isPointId(id: unknown): id is PointId {
  return idProblem(id) === undefined;
}

/**
 * Checks an id: a non-negative safe integer, or a non-empty string of well-formed Unicode with at
 * most 1024 code units. -0 becomes 0. Throws `SLUICE_BAD_ID`, with `place` in the message.
 */
export function checkId(id: unknown, place: string): PointId {
  if (!isPointId(id)) throw new SluiceError('SLUICE_BAD_ID', `${place}: ${idProblem(id)}`);
  return id === 0 ? 0 : id;
}

/**
 * Checks a list of ids and returns a copy without repetitions. Throws `SLUICE_BAD_ID`, or a
 * `TypeError` when it isn't an array.
 */
export function checkIds(ids: unknown, place = 'ids'): PointId[] {
  if (!Array.isArray(ids)) throw new TypeError(`${place} must be an array, not ${shown(ids)}`);
  const unique = new Set<PointId>();
  for (let i = 0; i < ids.length; i++) unique.add(checkId(ids[i], `${place}[${i}]`));
  return [...unique];
}
