import type { Distance, Filter, HnswOptions } from '../../types.js';

/** What a search gives, and of which points. */
export interface SearchOptions {
  limit: number;
  filter?: Filter | undefined;
  /** Looks at every point, also where there is an index. @default false */
  exact?: boolean | undefined;
  /** Candidates that are looked at in each index. @default the collection's */
  ef?: number | undefined;
  /** @default true */
  withPayload?: boolean | undefined;
  /** @default false */
  withVector?: boolean | undefined;
  /** Hits must score at least this; for `euclid`, at most. */
  scoreThreshold?: number | undefined;
}

/** A search with all that the collection decides. */
export type SettledSearch = SearchOptions &
  Pick<HnswOptions, 'ef' | 'fullScanThresholdKb'> & { distance: Distance };
