import { isBlockKey, MANIFEST_KEY } from '../../../services/level/keys.js';
import { readManifest } from '../../../services/level/manifest.js';
import type { DiskWrite } from '../disk.js';
import type { Violated } from '../oracle.js';

/** What a stored manifest says. */
interface Named {
  applied: number;
  blocks: ReadonlySet<string>;
}

const NOTHING: Named = { applied: 0, blocks: new Set() };

/** What must hold of each write to the segments, whatever the collection says of it. */
export class StoredSegments {
  readonly #violated: Violated;
  /** The newest number of the log that is known to be synced. */
  readonly #synced: () => number;
  #read: { value: Uint8Array | undefined; named: Named } = { value: undefined, named: NOTHING };

  constructor(violated: Violated, synced: () => number) {
    this.#violated = violated;
    this.#synced = synced;
  }

  /** Called before a write. */
  observe({ puts, deletes, sync }: DiskWrite, entries: ReadonlyMap<string, Uint8Array>): void {
    const before = this.named(entries);
    const written = new Map(puts);
    const manifest = written.get(MANIFEST_KEY);
    const named = manifest === undefined ? before : this.#decode(manifest);
    if (!sync && (manifest !== undefined || puts.some(([key]) => isBlockKey(key)))) {
      this.#violated('blocks and manifests are synced', puts.map(([key]) => key).join());
    }
    for (const key of deletes) {
      if (named.blocks.has(key)) this.#violated('a block in use is kept', key);
    }
    if (manifest === undefined) return;
    for (const key of named.blocks) {
      if (entries.has(key) || written.has(key)) continue;
      this.#violated('a manifest names only what is there', key);
    }
    if (named.applied < before.applied) {
      this.#violated('what is on disk never falls', `${named.applied} after ${before.applied}`);
    }
    if (named.applied > this.#synced()) {
      const text = `${named.applied}, synced ${this.#synced()}`;
      this.#violated('what is on disk is not ahead of the log', text);
    }
  }

  /** What the manifest on the disk names. */
  named(entries: ReadonlyMap<string, Uint8Array>): Named {
    const value = entries.get(MANIFEST_KEY);
    if (value === this.#read.value) return this.#read.named;
    try {
      this.#read = { value, named: value === undefined ? NOTHING : this.#decode(value) };
    } catch {
      // A bit of it was flipped: nothing is committed before that is known, and put right.
    }
    return this.#read.named;
  }

  #decode(value: Uint8Array): Named {
    const { body, blocks } = readManifest(value);
    const { applied } = body as { applied: number };
    return { applied, blocks: new Set(blocks) };
  }
}
