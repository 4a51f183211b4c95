import { META_KEY, recordKey, recordNumber } from '../../../services/level/keys.js';
import { readMeta, type WalMeta } from '../../../services/level/wal-meta.js';
import type { DiskWrite } from '../disk.js';
import type { Violated } from '../oracle.js';

const NEW: WalMeta = { storeId: '', acked: 0, synced: 0 };

/** What must hold of each write to the log, whatever the collection says of it. */
export class StoredLog {
  readonly #violated: Violated;
  /** The number that the segments on disk hold. */
  readonly #committed: () => number;
  #read: { value: Uint8Array | undefined; meta: WalMeta } = { value: undefined, meta: NEW };

  constructor(violated: Violated, committed: () => number) {
    this.#violated = violated;
    this.#committed = committed;
  }

  /** Called before a write. */
  observe({ puts, deletes, sync }: DiskWrite, entries: ReadonlyMap<string, Uint8Array>): void {
    const before = this.meta(entries);
    let value: Uint8Array | undefined;
    for (const [key, bytes] of puts) {
      if (key === META_KEY) value = bytes;
      else this.#compare(key, bytes, entries);
    }
    const meta = value === undefined ? before : readMeta(value);
    if (value !== undefined && !sync) {
      this.#violated('a promise of the log is synced', JSON.stringify(meta));
    }
    if (meta.acked < before.acked) {
      this.#violated('what is forgotten stays so', `${meta.acked} after ${before.acked}`);
    }
    if (meta.acked > this.#committed()) {
      const text = `up to ${meta.acked}, on disk ${this.#committed()}`;
      this.#violated('the log forgets only what is on disk', text);
    }
    if (deletes.length === 0) return;
    const written = new Set(puts.map(([key]) => key));
    for (const key of deletes) {
      const opNum = recordNumber(key) ?? 0;
      if (opNum > meta.acked && !hasGap(meta.acked, opNum, entries, written)) {
        this.#violated('the log keeps what it has not forgotten', `record ${opNum}`);
      }
    }
  }

  /** What the log on the disk says of itself. */
  meta(entries: ReadonlyMap<string, Uint8Array>): WalMeta {
    const value = entries.get(META_KEY);
    if (value === this.#read.value) return this.#read.meta;
    try {
      this.#read = { value, meta: value === undefined ? NEW : readMeta(value) };
    } catch {
      // A bit of it was flipped: nothing is written before that is known, and put right.
    }
    return this.#read.meta;
  }

  #compare(key: string, bytes: Uint8Array, entries: ReadonlyMap<string, Uint8Array>): void {
    const opNum = recordNumber(key);
    const stored = entries.get(key);
    if (opNum === undefined || stored === undefined || stored === bytes) return;
    const isSame = stored.length === bytes.length && stored.every((one, at) => one === bytes[at]);
    if (!isSame) this.#violated('a number is given once', `record ${opNum} is written over`);
  }
}

/** A power cut has taken a record before this one: what lies behind a gap was never promised. */
function hasGap(
  acked: number,
  opNum: number,
  entries: ReadonlyMap<string, Uint8Array>,
  written: ReadonlySet<string>,
): boolean {
  for (let below = acked + 1; below < opNum; below++) {
    const key = recordKey(below);
    if (!entries.has(key) && !written.has(key)) return true;
  }
  return false;
}
