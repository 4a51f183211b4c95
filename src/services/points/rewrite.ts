import type { Optimization } from '../ports.js';
import { IndexInPlace } from './index-in-place.js';
import { Rebuild, type RebuildTools } from './rebuild.js';
import type { Segment } from './segment.js';
import { wantsIndex } from './segment-index.js';

/**
 * Freezes segments, one at least, which must be in the list and not frozen, and gives the run that
 * rewrites them, or that does without where it would come to the same rows.
 */
export function beginRewrite(tools: RebuildTools, sources: readonly Segment[]): Optimization {
  const [source] = sources;
  const isOne = source !== undefined && sources.length === 1;
  if (isOne && lacksOnlyIndex(source, tools)) return new IndexInPlace(tools, source);
  return new Rebuild(tools, sources);
}

function lacksOnlyIndex({ index, live, rows }: Segment, tools: RebuildTools): boolean {
  return index === undefined && live === rows && wantsIndex(live, tools);
}
