import { SluiceError } from '../../errors.js';
import type { JsonValue, Payload } from '../../types.js';
import { shown } from '../option-checks.js';
import { isPlainObject, type JsonObject } from './json.js';

/** Levels of objects and arrays in a payload, itself included. */
export const PAYLOAD_DEPTH_MAX = 64;

/** Values in one payload. It bounds what an object that is shared many times unfolds to. */
export const PAYLOAD_VALUES_MAX = 1_000_000;

/**
 * Checks a payload and returns a deep copy: a plain object of plain JSON values, at most 64 levels
 * deep. -0 becomes 0, as it does in JSON. `levelsAbove` are the levels above the place where the
 * payload will be put.
 *
 * Throws `SLUICE_BAD_PAYLOAD`, naming the place, for whatever JSON would drop, change or refuse:
 * undefined, functions, symbols, bigints, NaN, infinities, holes, instances of classes, cycles.
 */
export function checkPayload(value: unknown, place = 'payload', levelsAbove = 0): Payload {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new SluiceError('SLUICE_BAD_PAYLOAD', `${place} must be an object, not ${shown(value)}`);
  }
  return new PayloadReader(place, levelsAbove).readObject(value);
}

/** Steps of a path in a message; the rest of a deep one helps nobody. */
const STEPS_SHOWN_MAX = 8;

class PayloadReader {
  readonly #place: string;
  readonly #levelsAbove: number;
  /** The way from the payload to the object or array that is being read. */
  readonly #path: (string | number)[] = [];
  #valuesLeft = PAYLOAD_VALUES_MAX;

  constructor(place: string, levelsAbove: number) {
    this.#place = place;
    this.#levelsAbove = levelsAbove;
  }

  readObject(value: object): JsonObject {
    if (!isPlainObject(value)) throw this.#bad('is an instance of a class, not a plain object');
    // The copy comes first, so that a getter is read once; spreading makes own properties only.
    const copy: Record<string, unknown> = { ...value };
    if (Object.getOwnPropertySymbols(copy).length > 0) throw this.#bad('has a symbol as a key');
    const keys = Object.keys(copy);
    this.#count(keys.length);
    for (const key of keys) copy[key] = this.#readValue(copy[key], key);
    return copy as JsonObject;
  }

  #readArray(value: readonly unknown[]): JsonValue[] {
    if (!Array.isArray(Object.getPrototypeOf(value))) throw this.#bad('is a subclass of Array');
    this.#count(value.length);
    const copy: JsonValue[] = [];
    for (let i = 0; i < value.length; i++) copy.push(this.#readValue(value[i], i));
    return copy;
  }

  #readValue(value: unknown, key: string | number): JsonValue {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value;
      case 'number':
        if (!Number.isFinite(value)) throw this.#bad(`is ${value}, which JSON can't carry`, key);
        return value === 0 ? 0 : value;
      case 'object':
        return value === null ? null : this.#descend(value, key);
      case 'undefined':
        throw this.#bad('is undefined (leave it out, or use null)', key);
      default:
        throw this.#bad(`is a ${typeof value}, which JSON can't carry`, key);
    }
  }

  #descend(value: object, key: string | number): JsonValue {
    this.#path.push(key);
    if (this.#levelsAbove + this.#path.length >= PAYLOAD_DEPTH_MAX) {
      throw this.#bad(`is more than ${PAYLOAD_DEPTH_MAX} levels deep, or contains itself`);
    }
    const copy = Array.isArray(value) ? this.#readArray(value) : this.readObject(value);
    this.#path.pop();
    return copy;
  }

  #count(values: number): void {
    this.#valuesLeft -= values;
    if (this.#valuesLeft < 0) throw this.#bad(`has more than ${PAYLOAD_VALUES_MAX} values`);
  }

  #bad(problem: string, key?: string | number): SluiceError {
    const path = key === undefined ? this.#path : [...this.#path, key];
    const steps = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`));
    const shown =
      steps.length > STEPS_SHOWN_MAX ? [...steps.slice(0, STEPS_SHOWN_MAX), '…'] : steps;
    return new SluiceError('SLUICE_BAD_PAYLOAD', `${this.#place}${shown.join('')} ${problem}`);
  }
}
