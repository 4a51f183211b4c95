import type { Entry } from '../../services/level/database.js';
import type { Random } from './random.js';

/** One atomic write. */
export interface DiskWrite {
  puts: readonly Entry[];
  deletes: readonly string[];
  sync: boolean;
}

interface Logged {
  write: DiskWrite;
  /** The log file that it is in. */
  file: number;
  /** No power cut takes it. */
  isSafe: boolean;
}

/** Told of each write before it happens. */
export type DiskObserver = (write: DiskWrite, entries: ReadonlyMap<string, Uint8Array>) => void;

/**
 * What lies on the disk of one database, as LevelDB keeps it: it outlives the processes that write.
 * Writes go to a log file. A synced write makes safe whatever is before it in the same file. When a
 * file is full, another one is begun, without a sync of the first: what is unsynced there stays in
 * danger, though later writes may be safe, until the file's content has become a table.
 */
export class Disk {
  readonly name: string;
  readonly #random: Random;
  /** Bytes of a log file. */
  readonly #fileBytesMax: number;
  /** What no power cut takes. */
  readonly #safe = new Map<string, Uint8Array>();
  #log: Logged[] = [];
  #file = 0;
  #fileBytes = 0;
  #entries = new Map<string, Uint8Array>();
  #sorted: string[] | undefined;
  /** There are writes that the process was told have failed. */
  #isStale = false;
  observe: DiskObserver = () => {};

  constructor(name: string, random: Random) {
    this.name = name;
    this.#random = random;
    this.#fileBytesMax = random.pick([256, 1024, 4096, 65_536]);
  }

  /** What a reader sees. */
  get entries(): ReadonlyMap<string, Uint8Array> {
    return this.#entries;
  }

  /** Keys in order. */
  get keys(): readonly string[] {
    this.#sorted ??= [...this.#entries.keys()].sort();
    return this.#sorted;
  }

  /** Whether a power cut could take something. */
  get hasUnsafe(): boolean {
    return this.#log.length > 0;
  }

  /**
   * A database is opened on it: whatever has been written is seen, and safe from then on, because
   * LevelDB turns the logs that it finds into synced tables.
   */
  opened(): void {
    if (this.#isStale) this.#see(this.#log);
    for (const logged of this.#log) logged.isSafe = true;
    this.#settle();
  }

  write(write: DiskWrite): void {
    this.observe(write, this.#entries);
    this.#append(write, write.sync);
    this.#change(this.#entries, write);
    this.#settle();
  }

  /** A write that the process is told has failed: it is seen after the next opening. */
  writeUnseen(write: DiskWrite): void {
    this.observe(write, this.#entries);
    this.#append(write, false);
    this.#isStale = true;
  }

  /** Makes everything safe, as a compaction of the whole database does. */
  compact(): void {
    this.#rotate();
    for (const logged of this.#log) logged.isSafe = true;
    if (!this.#isStale) this.#settle();
  }

  /** The power fails: of each log file, what was synced and a part of what follows it are left. */
  powerCut(): void {
    const kept: Logged[] = [];
    let file = -1;
    let isCut = false;
    for (const logged of this.#log) {
      if (logged.file !== file) {
        file = logged.file;
        isCut = false;
      }
      isCut ||= !logged.isSafe && this.#random.chance(0.3);
      if (logged.isSafe || !isCut) kept.push(logged);
    }
    this.#log = kept;
    this.#see(kept);
  }

  /** Flips one bit of a value; returns what takes that back, or undefined when nothing is stored. */
  corrupt(): (() => void) | undefined {
    this.#see(this.#log);
    for (const logged of this.#log) logged.isSafe = true;
    this.#settle();
    if (this.#entries.size === 0) return undefined;
    const key = this.#random.pick(this.keys);
    const value = this.#entries.get(key) ?? new Uint8Array();
    const flipped = value.slice();
    const at = this.#random.between(0, value.length - 1);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << this.#random.between(0, 7));
    const put = (bytes: Uint8Array) => {
      this.#entries.set(key, bytes);
      this.#safe.set(key, bytes);
    };
    put(flipped);
    return () => put(value);
  }

  #append(write: DiskWrite, isSynced: boolean): void {
    if (this.#fileBytes > this.#fileBytesMax) this.#rotate();
    for (const [, value] of write.puts) this.#fileBytes += value.byteLength;
    this.#log.push({ write, file: this.#file, isSafe: isSynced });
    if (isSynced) {
      for (const logged of this.#log) if (logged.file === this.#file) logged.isSafe = true;
    }
  }

  #rotate(): void {
    this.#file += 1;
    this.#fileBytes = 0;
  }

  /** What is safe from the beginning on needs no log any more; old files become tables. */
  #settle(): void {
    if (this.#log.length > 0 && this.#random.chance(0.1)) {
      for (const logged of this.#log) if (logged.file < this.#file) logged.isSafe = true;
    }
    let count = 0;
    for (const { isSafe, write } of this.#log) {
      if (!isSafe) break;
      this.#change(this.#safe, write);
      count += 1;
    }
    if (count > 0) this.#log.splice(0, count);
  }

  #see(log: readonly Logged[]): void {
    this.#entries = new Map(this.#safe);
    this.#sorted = undefined;
    for (const { write } of log) this.#change(this.#entries, write);
    this.#isStale = false;
  }

  #change(entries: Map<string, Uint8Array>, { puts, deletes }: DiskWrite): void {
    for (const [key, value] of puts) entries.set(key, value);
    for (const key of deletes) entries.delete(key);
    if (entries === this.#entries) this.#sorted = undefined;
  }
}
