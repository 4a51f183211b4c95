import { assert } from '../../errors.js';
import type { Clock } from '../clock.js';
import type { FlushCapture } from '../ports.js';
import {
  type BlockStore,
  keysOf,
  type ManifestBody,
  type SavedSegment,
  type SegmentRecord,
} from './manifest.js';
import { pictureOf, type SegmentPicture, saveSegments } from './save.js';
import type { Segment } from './segment.js';

/** What a capture is made of; the holder gives it in one step. */
export interface CaptureInput {
  store: BlockStore;
  clock: Clock;
  changed: boolean;
  manifest: Omit<ManifestBody, 'segments'>;
  segments: readonly Segment[];
  /** Told of the index files that the manifest names now. */
  onCommit(indexFiles: readonly string[]): Promise<void>;
  onRelease(): void;
}

/**
 * One flush. It keeps the lengths of the segments' logs, and these only grow, so that writes go on
 * beside it; a swap beside it doesn't matter either: it writes the segments that were there.
 */
export class PointCapture implements FlushCapture {
  readonly applied: number;
  readonly changed: boolean;
  readonly #input: CaptureInput;
  readonly #pictures: readonly SegmentPicture[];
  readonly #records: readonly Omit<SegmentRecord, keyof SavedSegment>[];
  #written: readonly SavedSegment[] | undefined;
  #isReleased = false;

  constructor(input: CaptureInput) {
    this.applied = input.manifest.applied;
    this.changed = input.changed;
    this.#input = input;
    this.#pictures = input.segments.map(pictureOf);
    this.#records = input.segments.map(({ id, live, opNumMax, index }) => {
      return { id, live, opNumMax, ...(index && { index: index.record }) };
    });
  }

  async writeBlocks(signal: AbortSignal): Promise<void> {
    assert(this.#written === undefined && !this.#isReleased, 'a capture writes once');
    const { store, clock } = this.#input;
    this.#written = await saveSegments(store, this.#pictures, clock, signal);
  }

  async commit(): Promise<void> {
    const { store, manifest, onCommit } = this.#input;
    const written = this.#written;
    assert(written !== undefined && !this.#isReleased, 'a capture is written before its commit');
    const segments = this.#records.map((record, index) => {
      const saved = written[index];
      assert(saved !== undefined, 'each segment was written');
      return { ...record, ...saved };
    });
    const liveKeys = written.flatMap(keysOf);
    // A tail that was written again may come from an optimization, and no manifest named it yet.
    store.discard(
      without(
        this.#pictures.flatMap(({ saved }) => keysOf(saved)),
        liveKeys,
      ),
    );
    await store.commit({ ...manifest, segments }, liveKeys);
    const indexFiles = segments.flatMap(({ index }) => index?.file ?? []);
    for (const [index, { segment }] of this.#pictures.entries()) {
      segment.saved = written[index] ?? segment.saved;
    }
    this.#written = undefined;
    await onCommit(indexFiles);
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    const { store, onRelease } = this.#input;
    const known = this.#pictures.flatMap(({ saved }) => keysOf(saved));
    // After a commit nothing is left over; without one, what was written is garbage.
    if (this.#written !== undefined) store.discard(without(this.#written.flatMap(keysOf), known));
    onRelease();
  }
}

function without(keys: readonly string[], others: readonly string[]): string[] {
  const excluded = new Set(others);
  return keys.filter((key) => !excluded.has(key));
}
