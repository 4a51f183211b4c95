import type { StatelyInspector, UpdateHandlerInspector } from './types.js';

/** What the option `inspect` of a collection may be, but `false`. */
export type CollectionInspector = true | StatelyInspector | UpdateHandlerInspector;

/** The observer that a collection hands to its actors, and what ends its connection. */
export interface Inspection {
  inspect: UpdateHandlerInspector;
  close(): Promise<void>;
}

/**
 * Connects to Stately Inspector (`true`), or puts the small copies before an inspector of its
 * package; a function gets XState's events as they are. None of it is loaded unless it is asked for.
 * Errors: `SLUICE_INSPECTOR_UNAVAILABLE`.
 */
export async function openInspection(inspector: CollectionInspector): Promise<Inspection> {
  if (inspector === true) {
    const { connectStately } = await import('./inspect/stately.js');
    return connectStately();
  }
  if (typeof inspector === 'function') return { inspect: inspector, close: async () => {} };
  const { projectedInspection } = await import('./inspect/stately-projection.js');
  return { inspect: projectedInspection(inspector), close: async () => {} };
}
