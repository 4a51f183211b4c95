import { type ErrorKind, SluiceError } from '#sluice/errors.js';
import type { FlushCapture, LogNotes, SegmentHolder, SegmentInfo } from '#sluice/services/ports.js';
import type { Hooks } from './hooks.js';

/** Operations of a store of numbers under keys. */
export type TinyOperation =
  | { put: [key: string, value: number] }
  | { delete: string }
  /** Doubles a value that must exist; throws a plain error when it doesn't. */
  | { double: string };

export interface TinySegment {
  id: number;
  entries: Map<string, number>;
  sealed: boolean;
  frozen: boolean;
}

/** What is on disk: the last commit, and the blocks of optimizations. */
export class TinyDisk {
  storeId: string | undefined;
  applied = 0;
  notes: LogNotes | undefined;
  lastId = 0;
  segments: { id: number; entries: [string, number][]; sealed: boolean }[] = [];
  readonly blocks = new Set<string>();

  /** What is there now, apart from what happens to this one. */
  copy(): TinyDisk {
    return Object.assign(new TinyDisk(), { ...this, blocks: new Set(this.blocks) });
  }
}

/** Numbers under keys, in segments of a few entries each. */
export class TinySegments implements SegmentHolder<TinyOperation> {
  /** Entries with which a segment is full. */
  readonly capacity: number;
  readonly disk: TinyDisk;
  readonly hooks: Hooks;
  #segments: TinySegment[] = [];
  #lastId = 0;
  #touched: readonly number[] = [];
  #changes = 0;
  #committed = 0;
  #committedApplied = 0;

  constructor(disk: TinyDisk, hooks: Hooks, capacity = 2) {
    this.disk = disk;
    this.hooks = hooks;
    this.capacity = capacity;
  }

  /** Everything in the store, by key. */
  get content(): Record<string, number> {
    const all = this.#segments.flatMap(({ entries }) => [...entries]);
    const keys = all.map(([key]) => key);
    if (new Set(keys).size !== keys.length) throw new Error('a key is stored twice');
    return Object.fromEntries(all.sort(([a], [b]) => a.localeCompare(b)));
  }

  get frozen(): number {
    return this.#segments.filter(({ frozen }) => frozen).length;
  }

  async open(options: {
    storeId: string;
    signal: AbortSignal;
    check: (applied: number) => void;
  }): Promise<{ applied: number; notes?: LogNotes }> {
    await this.hooks.pass('segments.open', '', options.signal);
    this.disk.storeId ??= options.storeId;
    if (this.disk.storeId !== options.storeId) {
      throw new SluiceError('SLUICE_DAMAGED', 'the segments belong to another log');
    }
    options.check(this.disk.applied);
    this.#segments = this.disk.segments.map(({ id, entries, sealed }) => ({
      id,
      entries: new Map(entries),
      sealed,
      frozen: false,
    }));
    this.#lastId = this.disk.lastId;
    this.#committed = this.#changes;
    this.#committedApplied = this.disk.applied;
    const { applied, notes } = this.disk;
    return { applied, ...(notes === undefined ? {} : { notes }) };
  }

  apply(opNum: number, operation: TinyOperation): number {
    this.hooks.now('apply', `${opNum}`);
    const before = this.content;
    if ('double' in operation && !(operation.double in before)) {
      throw new Error(`no ${operation.double} to double`);
    }
    this.#changes += 1;
    this.#touched = [];
    if ('put' in operation) return this.#put(...operation.put);
    if ('delete' in operation) return this.#delete(operation.delete);
    return this.#put(operation.double, 2 * (before[operation.double] ?? 0));
  }

  touched(): readonly number[] {
    return this.#touched;
  }

  segments(): readonly SegmentInfo[] {
    this.hooks.now('segments');
    return this.#segments.map((segment) => ({
      id: segment.id,
      points: segment.entries.size,
      appendable: !segment.sealed && !segment.frozen,
    }));
  }

  ensureCapacity(): void {
    this.hooks.now('ensureCapacity');
    this.#target();
  }

  dirtyBytes(): number {
    return (this.#changes - this.#committed) * 100;
  }

  capture(applied: number, notes: LogNotes): FlushCapture {
    this.hooks.now('capture', `${applied}`);
    const changes = this.#changes;
    const { hooks, disk } = this;
    const picture = this.#segments.map(({ id, entries, sealed }) => ({
      id,
      entries: [...entries],
      sealed,
    }));
    const lastId = this.#lastId;
    return {
      changed: changes !== this.#committed || applied !== this.#committedApplied,
      writeBlocks: (signal) => hooks.pass('writeBlocks', '', signal),
      commit: async () => {
        await hooks.pass('commit', `${applied}`);
        Object.assign(disk, { applied, notes, lastId, segments: picture });
        this.#committed = changes;
        this.#committedApplied = applied;
      },
      release: () => hooks.now('release'),
    };
  }

  async close(): Promise<void> {
    await this.hooks.pass('segments.close');
  }

  /** Freezes segments for an optimization; undefined when one is gone or frozen. */
  freeze(ids: readonly number[]): TinySegment[] | undefined {
    const found = this.#segments.filter(({ id, frozen }) => ids.includes(id) && !frozen);
    if (found.length !== ids.length) return undefined;
    for (const segment of found) segment.frozen = true;
    this.#target();
    return found;
  }

  /** Puts one sealed segment in the place of others. */
  replace(sources: readonly TinySegment[], entries: Map<string, number>): TinySegment {
    this.#lastId += 1;
    this.#changes += 1;
    const output = { id: this.#lastId, entries, sealed: true, frozen: false };
    this.#segments = [output, ...this.#segments.filter((segment) => !sources.includes(segment))];
    return output;
  }

  #put(key: string, value: number): number {
    this.#delete(key);
    const target = this.#target();
    target.entries.set(key, value);
    this.#touched = [target.id];
    return 1;
  }

  #delete(key: string): number {
    return this.#segments.filter(({ entries }) => entries.delete(key)).length;
  }

  /** The segment that takes new entries; a full one is sealed and followed by an empty one. */
  #target(): TinySegment {
    for (const segment of this.#segments) {
      if (segment.entries.size >= this.capacity) segment.sealed = true;
    }
    const open = this.#segments.find(({ sealed, frozen }) => !sealed && !frozen);
    if (open !== undefined) return open;
    this.#lastId += 1;
    const created = { id: this.#lastId, entries: new Map(), sealed: false, frozen: false };
    this.#segments.push(created);
    return created;
  }
}

/** An error of a kind that the code doesn't have by itself. */
export function errorOf(kind: ErrorKind, message: string = kind): SluiceError {
  const codes = { declined: 'SLUICE_DECLINED', transient: 'SLUICE_CRASHED', sticky: 'SLUICE_IO' };
  return new SluiceError(codes[kind] as 'SLUICE_IO', message, { kind });
}
