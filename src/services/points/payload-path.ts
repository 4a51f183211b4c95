import { type ErrorCode, SluiceError } from '../../errors.js';
import type { JsonValue } from '../../types.js';
import { shown } from '../option-checks.js';
import { isJsonObject } from './json.js';

/** The step `[]` of a path: into every element of an array. */
export const EACH = Symbol('each');

/** A parsed path: field names and `EACH`. */
export type PayloadPath = readonly (string | typeof EACH)[];

/** A parsed path without `[]`, which names one place. */
export type ObjectPath = readonly string[];

/** Steps that a path may have at most; payloads may not be deeper either. */
export const PATH_STEPS_MAX = 64;

/** A field name, quoted if it has a `.`, `[`, `]` or `"` (which none can have quoted), or `[]`. */
const STEP = /"([^"]+)"|([^.[\]"]+)|(\[\])/y;

/**
 * Parses a path: `a.b` is a nested field, `a[].b` a field of each element of an array,
 * `"a.b"` (with quotes) a field whose name has a dot.
 * Throws `code`, with `place` in the message, when the text isn't a path or has more than 64 steps.
 */
export function parsePath(text: string, code: ErrorCode, place = 'path'): PayloadPath {
  const steps: (string | typeof EACH)[] = [];
  let at = 0;
  let needsStep = true;
  while (at < text.length || needsStep) {
    STEP.lastIndex = at;
    const found = STEP.exec(text);
    const each = found?.[3] !== undefined;
    // A name opens the path or follows a dot; `[]` follows a name or another `[]`.
    if (!found || each === needsStep) {
      throw new SluiceError(code, `${place}: ${shown(text)} isn't a path, see position ${at}`);
    }
    steps.push(each ? EACH : (found[1] ?? found[2] ?? ''));
    if (steps.length > PATH_STEPS_MAX) {
      throw new SluiceError(code, `${place}: the path has more than ${PATH_STEPS_MAX} steps`);
    }
    at = STEP.lastIndex;
    needsStep = text[at] === '.';
    if (needsStep) at++;
  }
  return steps;
}

/** Parses a path that names one place: `[]` is refused. Throws `code` as `parsePath` does. */
export function parseObjectPath(text: string, code: ErrorCode, place = 'path'): ObjectPath {
  return parsePath(text, code, place).map((step) => {
    if (step !== EACH) return step;
    throw new SluiceError(code, `${place}: ${shown(text)} must name one place, without []`);
  });
}

/**
 * True when `holds` is true of a value at the path. A field that is missing has no value; an array
 * that the path doesn't enter by `[]` is one value.
 */
export function anyAt(
  root: JsonValue,
  path: PayloadPath,
  holds: (value: JsonValue) => boolean,
  from = 0,
): boolean {
  let value = root;
  for (let i = from; i < path.length; i++) {
    const step = path[i];
    if (step === EACH) {
      return Array.isArray(value) && value.some((element) => anyAt(element, path, holds, i + 1));
    }
    if (step === undefined || !isJsonObject(value) || !Object.hasOwn(value, step)) return false;
    const next = value[step];
    if (next === undefined) return false;
    value = next;
  }
  return holds(value);
}

/** All values at the path, in the order of the payload; none when the field is missing. */
export function valuesAt(root: JsonValue, path: PayloadPath): JsonValue[] {
  const values: JsonValue[] = [];
  anyAt(root, path, (value) => {
    values.push(value);
    return false;
  });
  return values;
}
