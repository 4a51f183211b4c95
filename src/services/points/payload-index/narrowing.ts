import type { Condition, Filter, PointId } from '../../../types.js';
import type { Segment } from '../segment.js';
import { RowBits } from './row-bits.js';
import { listed, type RowSource, smallestOf, unionOf } from './row-source.js';
import type { IndexSchema } from './segment-indexes.js';

/** The rows that a reader looks at. */
export interface RowScope {
  readonly segment: Segment;
  /** The first so many. */
  readonly rows: number;
  /** Stamps when the reader's view was taken. */
  readonly stamps?: number | undefined;
}

/** When more than this share of the rows may pass, a list of them saves too little. */
const SHARE_MAX = 1 / 2;

/** A source so many times larger than the smallest one isn't worth an intersection. */
const TIMES_LARGER_MAX = 16;

/** So many of the smallest sources are intersected at most. */
const INTERSECTED_MAX = 8;

/** How many rows may pass, at most; undefined when nothing narrows them. */
export function estimateRows(
  filter: Filter,
  scope: RowScope,
  schema: IndexSchema,
): number | undefined {
  const source = new Narrowing(scope, schema).ofFilter(filter);
  return source && Math.min(scope.rows, source.size);
}

/** The rows that may pass, ascending; undefined when it doesn't pay to tell them from the others. */
export function candidateRows(
  filter: Filter,
  scope: RowScope,
  schema: IndexSchema,
): Uint32Array | undefined {
  const sources = new Narrowing(scope, schema).everyOf(filter);
  const [smallest, ...others] = sources.sort((a, b) => a.size - b.size).slice(0, INTERSECTED_MAX);
  if (smallest === undefined || smallest.size > scope.rows * SHARE_MAX) return undefined;
  const narrower = others.filter(({ size }) => size <= smallest.size * TIMES_LARGER_MAX);
  const alone = narrower.length === 0 ? smallest.ascending?.() : undefined;
  if (alone !== undefined) {
    return alone.subarray(0, alone.findLastIndex((row) => row < scope.rows) + 1);
  }
  const rows = rowsOf(smallest, scope.rows);
  for (const source of narrower) rows.intersect(rowsOf(source, scope.rows));
  return rows.toRows();
}

/** The paths whose indexes can narrow a filter. */
export function narrowingKeys({ must = [], should = [] }: Filter): Set<string> {
  const keys = new Set<string>();
  for (const condition of [...must, ...should]) {
    if (isFilter(condition)) for (const key of narrowingKeys(condition)) keys.add(key);
    const isNarrow =
      'range' in condition || ('match' in condition && !('except' in condition.match));
    if (isNarrow) keys.add(condition.key);
  }
  return keys;
}

class Narrowing {
  readonly #scope: RowScope;
  readonly #schema: IndexSchema;

  constructor(scope: RowScope, schema: IndexSchema) {
    this.#scope = scope;
    this.#schema = schema;
  }

  ofFilter(filter: Filter): RowSource | undefined {
    return smallestOf(this.everyOf(filter));
  }

  /** Sources that each have every row that passes; `mustNot` gives none. */
  everyOf({ must = [], should = [] }: Filter): RowSource[] {
    const sources = must.flatMap((condition) =>
      isFilter(condition) ? this.everyOf(condition) : (this.#ofCondition(condition) ?? []),
    );
    const any = should.length > 0 ? this.#ofAny(should) : undefined;
    return any === undefined ? sources : [...sources, any];
  }

  #ofAny(conditions: readonly Condition[]): RowSource | undefined {
    const sources: RowSource[] = [];
    for (const condition of conditions) {
      const source = this.#ofCondition(condition);
      if (source === undefined) return undefined;
      sources.push(source);
    }
    return unionOf(sources);
  }

  #ofCondition(condition: Condition): RowSource | undefined {
    if ('key' in condition) return this.#ofField(condition);
    if ('hasId' in condition) return this.#ofIds(condition.hasId);
    return isFilter(condition) ? this.ofFilter(condition) : undefined;
  }

  #ofField(condition: Extract<Condition, { key: string }>): RowSource | undefined {
    const type = this.#schema.get(condition.key);
    if (type === undefined) return undefined;
    const { segment, rows } = this.#scope;
    const index = segment.payloadIndexes.of(condition.key, type);
    const source =
      'match' in condition ? index.match(condition.match) : index.range(condition.range);
    const known = index.rows;
    if (source === undefined || known >= rows) return source;
    const addTo = (bits: RowBits) => {
      source.addTo(bits);
      bits.addRange(known, rows);
    };
    return { size: source.size + rows - known, addTo };
  }

  #ofIds(ids: readonly PointId[]): RowSource | undefined {
    const { segment, stamps } = this.#scope;
    if (stamps === undefined) return undefined;
    const live = ids.flatMap((id) => segment.rowOf(id) ?? []);
    return unionOf([listed(live), listed(segment.stamps.slice(stamps))]);
  }
}

function isFilter(condition: Condition): condition is Filter {
  return !['key', 'exists', 'isEmpty', 'isNull', 'hasId'].some((kind) => kind in condition);
}

function rowsOf(source: RowSource, rows: number): RowBits {
  const bits = new RowBits(rows);
  source.addTo(bits);
  return bits;
}
