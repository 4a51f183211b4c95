import type { Distance, JsonValue } from '../../types.js';
import type { Clock } from '../clock.js';
import type { VectorIndexes } from '../vector-index/vector-index.js';
import type { BlockStore } from './manifest.js';
import type { CopyVectors } from './rebuild.js';

/** What a holder is made of. */
export interface PointHolderOptions {
  store: BlockStore;
  /** Whether a store without a manifest becomes a new one; otherwise it is damage. @default true */
  create?: boolean;
  clock: Clock;
  /** Needed to create a store; otherwise compared with the stored one. */
  dimensions?: number | undefined;
  /** Compared likewise. @default 'cosine' for a new store */
  distance?: Distance | undefined;
  /** Options that override the stored ones, and are stored. */
  configuration?: { readonly [key: string]: JsonValue | undefined };
  /** Cores, for thresholds that depend on them. */
  cpus: number;
  copyVectors: CopyVectors;
  /** Builds and keeps vector indexes; without it every search is exact. */
  indexes?: VectorIndexes | undefined;
  /** Free space on disk, where the store can tell. */
  freeBytes?: (() => Promise<number>) | undefined;
}
