import type { JsonValue } from '../../types.js';

/** A JSON object. */
export type JsonObject = { [key: string]: JsonValue };

/** True for a JSON object, which an array and null are not. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** True for an object made by a literal, `Object.create(null)` or `JSON.parse`, of any realm. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return (
    typeof prototype === 'object' &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'isPrototypeOf')
  );
}

/**
 * A deep copy of a JSON value. Spreading first keeps the hidden class and makes every key an own
 * property, `__proto__` included, so that the assignments after it meet own properties only.
 */
export function cloneJson<T extends JsonValue>(value: T): T;
export function cloneJson(value: JsonValue): JsonValue {
  if (typeof value !== 'object' || value === null) return value;
  return Array.isArray(value) ? cloneArray(value) : cloneObject(value);
}

function cloneArray(value: readonly JsonValue[]): JsonValue[] {
  const copy = value.slice();
  for (let i = 0; i < copy.length; i++) {
    const element = copy[i];
    if (typeof element === 'object' && element !== null) copy[i] = cloneJson(element);
  }
  return copy;
}

function cloneObject(value: JsonObject): JsonObject {
  const copy = { ...value };
  for (const key of Object.keys(copy)) {
    const field = copy[key];
    if (typeof field === 'object' && field !== null) copy[key] = cloneJson(field);
  }
  return copy;
}
