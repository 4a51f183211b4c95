import type { Filter, JsonValue, Payload, PointId, ScoredPoint } from '../../types.js';

/** A point as the model knows it. */
export interface ModelPoint {
  vector: readonly number[];
  payload: Payload;
}

/** The filters of the model, as a test on the field `mark` or `op`. */
export interface ModelFilter {
  key: 'mark' | 'op';
  /** Equal to it. */
  match?: number;
  /** At least so much. */
  gte?: number;
}

/** Points by id, or those that pass a filter. */
export type ModelSelector = readonly PointId[] | ModelFilter;

/** An operation as the model knows it: what the collection is asked to do. */
export type ModelOperation =
  | { kind: 'upsert'; points: readonly { id: PointId; vector: number[]; payload: Payload }[] }
  | { kind: 'updateVectors'; points: readonly { id: PointId; vector: number[] }[] }
  | { kind: 'delete'; selector: ModelSelector }
  | { kind: 'setPayload'; payload: Payload; selector: ModelSelector }
  | { kind: 'overwritePayload'; payload: Payload; selector: ModelSelector }
  | { kind: 'deletePayload'; keys: readonly string[]; selector: ModelSelector }
  | { kind: 'clearPayload'; selector: ModelSelector }
  | { kind: 'createPayloadIndex'; key: string; type: 'integer' | 'keyword' }
  | { kind: 'deletePayloadIndex'; key: string };

/** What an operation did: the number of points it touched, or that it was declined as a whole. */
export type Effect = { affected: number } | 'declined';

/** The filter as the collection takes it. */
export function filterOf({ key, match, gte }: ModelFilter): Filter {
  return {
    must: [
      {
        key,
        ...(match === undefined ? { range: { gte: gte ?? 0 } } : { match: { value: match } }),
      },
    ],
  };
}

/** A collection as simple as can be: a map of points, and the payload indexes by path. */
export class PointModel {
  readonly points: Map<PointId, ModelPoint>;
  readonly indexes: Map<string, string>;

  constructor(from?: PointModel) {
    this.points = new Map(from?.points);
    this.indexes = new Map(from?.indexes);
  }

  /** Applies an operation, or nothing of it. */
  apply(operation: ModelOperation): Effect {
    switch (operation.kind) {
      case 'upsert':
        for (const { id, vector, payload } of operation.points) {
          this.points.set(id, { vector, payload });
        }
        return { affected: operation.points.length };
      case 'updateVectors': {
        const { points } = operation;
        if (points.some(({ id }) => !this.points.has(id))) return 'declined';
        for (const { id, vector } of points) {
          this.points.set(id, { vector, payload: this.points.get(id)?.payload ?? {} });
        }
        return { affected: points.length };
      }
      case 'delete': {
        const ids = this.select(operation.selector).filter((id) => this.points.has(id));
        for (const id of ids) this.points.delete(id);
        return { affected: ids.length };
      }
      case 'createPayloadIndex':
        this.indexes.set(operation.key, operation.type);
        return { affected: 0 };
      case 'deletePayloadIndex':
        this.indexes.delete(operation.key);
        return { affected: 0 };
      default: {
        const ids = this.select(operation.selector);
        const points = ids.map((id) => this.points.get(id));
        if (points.includes(undefined)) return 'declined';
        for (const [at, id] of ids.entries()) {
          const point = points[at];
          if (point === undefined) continue;
          this.points.set(id, { ...point, payload: changed(point.payload, operation) });
        }
        return { affected: ids.length };
      }
    }
  }

  /** The ids that a selector means. */
  select(selector: ModelSelector): PointId[] {
    if (isIds(selector)) return [...selector];
    return [...this.points]
      .filter(([, { payload }]) => passes(payload, selector))
      .map(([id]) => id);
  }

  /** All points of a filter nearest to a query, the nearest first, equal scores by id. */
  nearest(query: readonly number[], by: 'dot' | 'euclid', filter?: ModelFilter): PointId[] {
    const scored = [...this.points]
      .filter(([, { payload }]) => filter === undefined || passes(payload, filter))
      .map(([id, { vector }]) => ({ id, distance: distanceOf(query, vector, by) }));
    scored.sort((a, b) => a.distance - b.distance || compareIds(a.id, b.id));
    return scored.map(({ id }) => id);
  }
}

/** What differs between points that were read and those of a model; undefined when nothing does. */
export function difference(
  model: PointModel,
  points: readonly { id: PointId; vector?: ArrayLike<number>; payload: Payload }[],
): string | undefined {
  const seen = new Set<PointId>();
  for (const { id, vector, payload } of points) {
    const wanted = model.points.get(id);
    if (seen.has(id)) return `point ${id} is there twice`;
    seen.add(id);
    const isVector = wanted?.vector.every((value, at) => vector?.[at] === value);
    if (isVector && equal(wanted?.payload ?? {}, payload)) continue;
    const found = JSON.stringify({ vector: Array.from(vector ?? []), payload });
    if (wanted === undefined) return `point ${id} is there and should not be: ${found}`;
    return `point ${id} is ${found} and should be ${JSON.stringify(wanted)}`;
  }
  if (seen.size === model.points.size) return undefined;
  const missing = [...model.points.keys()].filter((id) => !seen.has(id));
  return `points ${missing.join(', ')} are missing`;
}

/** The ids of hits in the order in which the collection must give them. */
export function idsOf(hits: readonly ScoredPoint[]): PointId[] {
  return hits.map(({ id }) => id);
}

/** The order of ids: numbers, then strings. */
function compareIds(a: PointId, b: PointId): number {
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function isIds(selector: ModelSelector): selector is readonly PointId[] {
  return Array.isArray(selector);
}

function passes(payload: Payload, { key, match, gte }: ModelFilter): boolean {
  const value = payload[key];
  if (typeof value !== 'number') return false;
  return match === undefined ? value >= (gte ?? 0) : value === match;
}

type PayloadChange = Extract<
  ModelOperation,
  { kind: 'setPayload' | 'overwritePayload' | 'deletePayload' | 'clearPayload' }
>;

function changed(payload: Payload, change: PayloadChange): Payload {
  if (change.kind === 'setPayload') return { ...payload, ...change.payload };
  if (change.kind === 'overwritePayload') return change.payload;
  if (change.kind === 'clearPayload') return {};
  const entries = Object.entries(payload).filter(([key]) => !change.keys.includes(key));
  return Object.fromEntries(entries);
}

function distanceOf(query: readonly number[], vector: readonly number[], by: 'dot' | 'euclid') {
  let sum = 0;
  for (const [at, value] of vector.entries()) {
    const wanted = query[at] ?? 0;
    sum += by === 'dot' ? -wanted * value : (wanted - value) ** 2;
  }
  return sum;
}

/** Payloads of the model are flat. */
function equal(a: Payload, b: Payload): boolean {
  const keys = Object.keys(a);
  const isSame = (key: string): boolean => (a[key] as JsonValue) === b[key];
  return keys.length === Object.keys(b).length && keys.every(isSame);
}
