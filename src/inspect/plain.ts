import type { JsonValue } from '../types.js';

/** Elements of an array, or fields of an object, that are shown. */
const ENTRIES_MAX = 20;
/** A run of more numbers than this is data, such as a vector, and only counted. */
const NUMBERS_MAX = 8;
const DEPTH_MAX = 5;
const TEXT_MAX = 200;

/**
 * A plain copy of anything, for people to read, that takes about `bytesMax` bytes of JSON at most.
 * Data in bulk (typed arrays, long arrays of numbers, maps) is named by its kind and size, never
 * copied; functions are left out; reading it never throws.
 */
export function plainCopy(value: unknown, bytesMax: number): JsonValue {
  return new Copier(bytesMax).copy(value, 0) ?? null;
}

class Copier {
  #bytesLeft: number;

  constructor(bytesMax: number) {
    this.#bytesLeft = bytesMax;
  }

  copy(value: unknown, depth: number): JsonValue | undefined {
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'number':
        return Number.isFinite(value) ? this.#spend(value + 0, 24) : this.#text(String(value));
      case 'boolean':
        return this.#spend(value, 5);
      case 'bigint':
      case 'symbol':
        return this.#text(String(value));
      case 'object':
        return value === null ? this.#spend(null, 4) : this.#object(value, depth);
      default:
        return undefined;
    }
  }

  #object(value: object, depth: number): JsonValue {
    const summary = summaryOf(value);
    if (summary !== undefined) return this.#text(summary);
    if (depth >= DEPTH_MAX) return this.#text('…');
    this.#bytesLeft -= 2;
    return Array.isArray(value) ? this.#array(value, depth) : this.#fields(value, depth);
  }

  #array(values: readonly unknown[], depth: number): JsonValue[] {
    const copies: JsonValue[] = [];
    for (const value of values) {
      if (copies.length >= ENTRIES_MAX || this.#bytesLeft <= 0) {
        copies.push(`… ${values.length - copies.length} more`);
        break;
      }
      this.#bytesLeft -= 1;
      const element = this.copy(value, depth + 1);
      // What has no place in JSON stands there as null, and takes room all the same.
      copies.push(element === undefined ? this.#spend(null, 4) : element);
    }
    return copies;
  }

  #fields(value: object, depth: number): JsonValue {
    const copies: [string, JsonValue][] = [];
    const keys = Object.keys(value);
    let shown = 0;
    for (const key of keys) {
      if (shown >= ENTRIES_MAX || this.#bytesLeft <= 0) {
        copies.push(['…', `${keys.length - shown} more`]);
        break;
      }
      shown += 1;
      const field = this.copy(read(value, key), depth + 1);
      // A key that the machine's author chose may be as long as any text.
      if (field !== undefined) copies.push([this.#text(key), field]);
    }
    return Object.fromEntries(copies);
  }

  #text(text: string): string {
    const room = Math.max(Math.min(TEXT_MAX, this.#bytesLeft), 0);
    const cut = text.length <= room ? text : `${text.slice(0, room)}…`;
    return this.#spend(cut, jsonBytes(cut) + 2);
  }

  #spend<T>(value: T, bytes: number): T {
    this.#bytesLeft -= bytes;
    return value;
  }
}

/** What a text takes in JSON at most: three bytes for what isn't ASCII, six for an escape. */
function jsonBytes(text: string): number {
  return JSON.stringify(text).length + 2 * (text.match(/[^ -~]/g)?.length ?? 0);
}

/** What stands for a value that is not copied; undefined for one that is. */
function summaryOf(value: object): string | undefined {
  if (ArrayBuffer.isView(value)) return `${kindOf(value)}(${value.byteLength} bytes)`;
  if (value instanceof ArrayBuffer) return `ArrayBuffer(${value.byteLength} bytes)`;
  if (value instanceof Map || value instanceof Set) return `${kindOf(value)}(${value.size})`;
  if (value instanceof Date) return String(Number(value));
  if (value instanceof Error) return errorSummary(value);
  if (Array.isArray(value)) {
    const isData = value.length > NUMBERS_MAX && typeof value[0] === 'number';
    return isData ? `${value.length} numbers` : undefined;
  }
  if (typeof read(value, 'sessionId') !== 'string') return undefined;
  const id = read(value, 'id');
  return `actor ${typeof id === 'string' ? id : ''}`;
}

function errorSummary(error: Error & { code?: unknown }): string {
  const code = typeof error.code === 'string' ? ` (${error.code})` : '';
  return `${error.name}: ${error.message}${code}`;
}

function kindOf(value: object): string {
  return value.constructor?.name ?? 'Object';
}

function read(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch (error) {
    return error;
  }
}
