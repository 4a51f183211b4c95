// A holder with points to index, and how many rows a read has looked at.
import type { Filter, JsonValue, Payload } from 'sluice';
import { systemClock } from '#sluice/services/clock.js';
import type { PointHolder } from '#sluice/services/points/holder.js';
import type { PayloadIndexType } from '#sluice/services/points/operations.js';
import { Pace } from '#sluice/services/points/pace.js';
import { count } from '#sluice/services/points/scroll.js';
import type { View } from '#sluice/services/points/view.js';
import { openHolder, Writer } from './harness.js';

export const range = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => from + i);

/** Points whose value at the key is this one. */
export const where = (key: string, value: string | number | boolean): Filter => ({
  must: [{ key, match: { value } }],
});

/** A writer that knows payload indexes. */
export class IndexWriter extends Writer {
  index(key: string, type: PayloadIndexType): void {
    this.apply({ kind: 'createPayloadIndex', key, type });
  }

  drop(key: string): void {
    this.apply({ kind: 'deletePayloadIndex', key });
  }

  /** One point for each value, at the key `v`. */
  values(values: readonly JsonValue[]): void {
    for (const [id, v] of values.entries()) this.upsert([id], id, { v });
  }
}

/** Points 0…999 in one segment; `group` is one of 50, `word` too, `share` grows from 0 to 1. */
export async function thousand(holder?: PointHolder) {
  const opened = holder ?? (await openHolder());
  const writer = new IndexWriter(opened);
  for (const id of range(0, 1000)) writer.upsert([id], id, payloadOf(id));
  return { holder: opened, writer };
}

const payloadOf = (id: number): Payload => ({
  group: id % 50,
  word: `w${id % 50}`,
  share: id / 1000,
  even: id % 2 === 0,
});

/** The number of points that pass as a view has it, and the steps that telling it took. */
export async function counted(view: View, filter: Filter) {
  const pace = new Pace(systemClock);
  const found = await count(view, filter, pace);
  return { found, steps: pace.steps };
}

/** As `counted`, now; what is built first isn't among the steps. */
export async function countedNow(holder: PointHolder, filter: Filter) {
  const view = holder.view();
  try {
    await count(view, filter, new Pace(systemClock));
    return await counted(view, filter);
  } finally {
    view.release();
  }
}

/** Indexes in memory, of all segments. */
export function indexCount(holder: PointHolder): number {
  const view = holder.view();
  view.release();
  return view.segments.reduce((sum, { segment }) => sum + segment.payloadIndexes.size, 0);
}
