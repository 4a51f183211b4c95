import { SluiceError } from '../../errors.js';
import type { HnswGraphOptions } from '../../types.js';
import type { DiskUse } from '../ports.js';
import { indexFileBytes } from '../vector-index/index-size.js';
import { segmentBytes } from './save.js';
import type { Segment } from './segment.js';
import type { VectorShape } from './slab.js';

/** Bytes that something under way will write. */
export interface Writing {
  /** For messages. */
  what: string;
  /** Into the database, which writes it twice for a while. */
  stored: number;
  /** Into files beside it. */
  files?: number;
}

/**
 * Sees to it that segments are rewritten only while there is room on disk: the output lies beside
 * its sources until the next commit, and the database writes it twice. Several at once don't count
 * on the same room.
 */
export class RewriteSpace {
  readonly #freeBytes: (() => Promise<number>) | undefined;
  readonly #reserved: () => number;
  #claimed = 0;
  #underway = 0;

  /** `reserved`: bytes that must stay free beside it; nothing is checked without `freeBytes`. */
  constructor(freeBytes: (() => Promise<number>) | undefined, reserved: () => number) {
    this.#freeBytes = freeBytes;
    this.#reserved = reserved;
  }

  /** What those who have claimed room will write in all, each byte once. */
  get underway(): number {
    return this.#underway;
  }

  /**
   * Claims room until the returned function is called: when it has been written or given up.
   * Errors: `SLUICE_NOT_ENOUGH_SPACE`.
   */
  async claim({ what, stored, files = 0 }: Writing): Promise<() => void> {
    const needed = 2 * stored + files;
    const taken = this.#claimed + this.#reserved();
    let held = 1;
    const add = (sign: number) => {
      this.#claimed += sign * needed;
      this.#underway += sign * (stored + files);
    };
    const release = () => {
      add(-held);
      held = 0;
    };
    add(held);
    try {
      const free = (await this.#freeBytes?.()) ?? Number.POSITIVE_INFINITY;
      if (free - taken >= needed) return release;
      throw new SluiceError(
        'SLUICE_NOT_ENOUGH_SPACE',
        `${what} needs ${needed} bytes of free disk, and of ${free} that are left ${taken} are ` +
          'needed otherwise',
      );
    } catch (error) {
      release();
      throw error;
    }
  }
}

/** What decides whether a rewritten segment gets a vector index, and how large its file is. */
export interface IndexRule {
  thresholdBytes: number;
  graph: Pick<HnswGraphOptions, 'm'>;
}

/** Bytes that rewriting segments into one will write; without a rule, none gets an index. */
export function rewriteBytes(
  segments: readonly Segment[],
  shape: VectorShape,
  rule: IndexRule | undefined,
): { stored: number; files: number } {
  const sum = (bytesOf: (segment: Segment) => number) =>
    segments.reduce((total, segment) => total + bytesOf(segment), 0);
  const stored = sum(segmentBytes);
  const vectorBytes = sum((segment) => segment.vectorBytes);
  if (rule === undefined || vectorBytes < rule.thresholdBytes) return { stored, files: 0 };
  const rows = sum(({ live }) => live);
  return { stored, files: indexFileBytes(rows, shape, rule.graph) };
}

/** See `SegmentHolder.diskUse`. */
export function diskUse(
  segments: readonly Segment[],
  shape: VectorShape,
  rule: IndexRule | undefined,
  underway: number,
): DiskUse {
  const sizes = segments.map((segment) => rewriteBytes([segment], shape, rule));
  return {
    stored: sizes.reduce((sum, { stored }) => sum + stored, 0),
    largest: Math.max(0, ...sizes.map(({ stored, files }) => stored + files)),
    underway,
  };
}
