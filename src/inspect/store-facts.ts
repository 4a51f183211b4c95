import type { SegmentInfo } from '../services/ports.js';
import type { SegmentFacts, StoreMessage } from './messages.js';
import type { InspectedStore } from './target.js';

/** Segments that are listed one by one. */
const SEGMENTS_MAX = 200;
/** Runs that have ended and are listed. */
const COMPLETED_MAX = 8;

/** How a store is, at this moment. */
export function storeFacts(store: InspectedStore, at: number): StoreMessage {
  const { log, queue, operations, flush, budgets } = store.telemetry();
  const { running, queued, completed } = optimizationsOf(store);
  const segments = store.segments();
  const { keepFrom } = log;
  return {
    type: 'store',
    at,
    state: store.state,
    status: store.status(),
    log: { ...log, keepFrom: Number.isFinite(keepFrom) ? keepFrom : null },
    ...{ queue, operations, flush, budgets, running, queued },
    completed: completed.slice(0, COMPLETED_MAX),
    segments: segments.slice(0, SEGMENTS_MAX).map(segmentFacts),
    segmentCount: segments.length,
  };
}

/** An optimizer that can't be asked is no reason to show nothing: the status tells of it. */
function optimizationsOf(store: InspectedStore): ReturnType<InspectedStore['optimizations']> {
  try {
    return store.optimizations();
  } catch {
    return { running: [], queued: [], completed: [], idle: [] };
  }
}

/** What is known of a segment: the point engine tells more than the core asks for. */
function segmentFacts(info: SegmentInfo): SegmentFacts {
  const { id, points, appendable } = info;
  const more = info as SegmentInfo & Partial<SegmentFacts> & { vectorBytes?: number };
  const { deleted, vectorBytes, indexed, frozen } = more;
  return {
    ...{ id, points, appendable },
    ...(typeof deleted === 'number' ? { deleted } : {}),
    ...(typeof vectorBytes === 'number' ? { bytes: vectorBytes } : {}),
    ...(typeof indexed === 'boolean' ? { indexed } : {}),
    ...(typeof frozen === 'boolean' ? { frozen } : {}),
  };
}
