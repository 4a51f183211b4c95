import { SluiceError } from '../errors.js';

/** What JSON can say. */
export type Plain =
  | null
  | boolean
  | number
  | string
  | undefined
  | Plain[]
  | { [key: string]: Plain };

/**
 * A copy of a value with only what JSON can say, keys in order, actors as their ids. What JSON would
 * drop without a word (a Map, a BigInt, a function) would make different states look the same:
 * `SLUICE_NOT_EXPLORABLE` names the place.
 */
export function plain(value: unknown, place: string, around: readonly object[] = []): Plain {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'undefined':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'object':
      return value === null ? null : plainObject(value, place, around);
    default:
      throw notPlain(place, `a ${typeof value}`);
  }
}

function plainObject(value: object, place: string, around: readonly object[]): Plain {
  if (isActor(value)) return { actor: value.id };
  if (around.includes(value)) throw notPlain(place, 'a cycle');
  const inside = [...around, value];
  if (Array.isArray(value)) {
    return value.map((inner, at) => plain(inner, `${place}[${at}]`, inside));
  }
  if (value instanceof Error) return { error: value.message };
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return plain(value.toJSON(), place, inside);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    throw notPlain(place, `a ${value.constructor.name}`);
  }
  const keys = Object.keys(value).sort();
  const fields = value as Record<string, unknown>;
  return Object.fromEntries(
    keys.map((key) => [key, plain(fields[key], `${place}.${key}`, inside)]),
  );
}

function isActor(value: object): value is { id: string } {
  return 'sessionId' in value && 'send' in value && 'id' in value;
}

function notPlain(place: string, what: string): SluiceError {
  return new SluiceError(
    'SLUICE_NOT_EXPLORABLE',
    `${place} is ${what}, by which states can't be told apart: leave it out, or say it in plain ` +
      'values, with the option `project`',
  );
}
