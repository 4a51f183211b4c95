import type { JsonValue, Payload } from '../../types.js';
import { isJsonObject } from './json.js';
import type { PayloadOperation } from './operations.js';
import {
  EACH,
  type ObjectPath,
  type PayloadPath,
  parseObjectPath,
  parsePath,
} from './payload-path.js';

// A row is never changed, so these functions never write to the payload they are given: they build
// a new one, which shares the parts that stay the same.

/**
 * Merges `patch` into the payload, field by field, or into the object at `path`. Objects missing on
 * the way are created, also in the place of a value that isn't an object.
 */
export function setPayload(payload: Payload, patch: Payload, path: ObjectPath = []): Payload {
  return mergeAt(payload, patch, path, 0);
}

function mergeAt(
  target: JsonValue | undefined,
  patch: Payload,
  path: ObjectPath,
  index: number,
): Payload {
  const base = isJsonObject(target) ? target : {};
  const step = path[index];
  if (step === undefined) return { ...base, ...patch };
  const child = Object.hasOwn(base, step) ? base[step] : undefined;
  // A computed key defines an own property, also when it is `__proto__`.
  return { ...base, [step]: mergeAt(child, patch, path, index + 1) };
}

/**
 * Removes what the paths name: a field, a field of each element (`a[].b`), or all elements of an
 * array (`a[]`). Returns the same object when there was nothing to remove.
 */
export function deletePayloadKeys(payload: Payload, paths: readonly PayloadPath[]): Payload {
  let rest: JsonValue = payload;
  for (const path of paths) rest = removeAt(rest, path, 0);
  return isJsonObject(rest) ? rest : payload;
}

function removeAt(value: JsonValue, path: PayloadPath, index: number): JsonValue {
  const step = path[index];
  const last = index === path.length - 1;
  if (step === EACH) {
    if (!Array.isArray(value) || value.length === 0) return value;
    if (last) return [];
    const rest = value.map((element) => removeAt(element, path, index + 1));
    return rest.some((element, i) => element !== value[i]) ? rest : value;
  }
  if (step === undefined || !isJsonObject(value) || !Object.hasOwn(value, step)) return value;
  if (last) {
    const { [step]: _removed, ...rest } = value;
    return rest;
  }
  const child = value[step];
  if (child === undefined) return value;
  const rest = removeAt(child, path, index + 1);
  return rest === child ? value : { ...value, [step]: rest };
}

/** What an operation does to the payload of each point it selects; paths are parsed once, here. */
export function payloadChange(operation: PayloadOperation): (payload: Payload) => Payload {
  switch (operation.kind) {
    case 'setPayload': {
      const { payload: patch, key } = operation;
      const path = key === undefined ? [] : parseObjectPath(key, 'SLUICE_BAD_PAYLOAD');
      return (payload) => setPayload(payload, patch, path);
    }
    case 'overwritePayload':
      return () => operation.payload;
    case 'deletePayload': {
      const paths = operation.keys.map((key) => parsePath(key, 'SLUICE_BAD_PAYLOAD'));
      return (payload) => deletePayloadKeys(payload, paths);
    }
    case 'clearPayload':
      return () => ({});
  }
}
