import { assert } from '../errors.js';
import type { SegmentInfo, SegmentOptimizer } from './ports.js';

/** One optimization worth doing: which optimizer wants which segments. */
export interface Planned {
  optimizer: string;
  segmentIds: number[];
}

/**
 * Everything the optimizers want done now, in their order; none of it overlaps. Pure: scheduler,
 * status and API ask it alike. Segments in `busy` are left alone.
 *
 * Each round takes at least one segment out of the choice, so it ends. An optimizer that chooses
 * a segment it must not is a defect of the store: `SLUICE_DAMAGED`.
 */
export function plan<Info extends SegmentInfo>(
  segments: readonly Info[],
  busy: ReadonlySet<number>,
  optimizers: readonly Pick<SegmentOptimizer<Info>, 'name' | 'select'>[],
): Planned[] {
  const known = new Set(segments.map((segment) => segment.id));
  const taken = new Set(busy);
  const planned: Planned[] = [];
  for (const optimizer of optimizers) {
    const { name } = optimizer;
    for (;;) {
      const segmentIds = [...optimizer.select(segments, taken)];
      if (segmentIds.length === 0) break;
      for (const id of segmentIds) {
        assert(known.has(id), `optimizer ${name} chose segment ${id}, which does not exist`);
        assert(!taken.has(id), `optimizer ${name} chose segment ${id}, which is taken`);
        taken.add(id);
      }
      planned.push({ optimizer: name, segmentIds });
    }
  }
  return planned;
}
