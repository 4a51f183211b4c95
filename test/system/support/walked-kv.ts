import { join } from 'node:path';
import { Level } from 'level';
import { MemoryLevel } from 'memory-level';
import type { Optimization, SegmentOptimizer } from 'sluice';
import type { OpenedStore, SystemStore } from 'sluice/testing';
import { kvPorts } from '../../../examples/kv-store/kv-store.mjs';
import type { Info, Operation, Segments } from '../../../examples/kv-store/segments.mjs';

const BYTES = { keyEncoding: 'utf8', valueEncoding: 'view' } as const;
/** Entries of a full segment. */
const SEGMENT_ENTRIES = 4;
const KEYS = 7;

type Databases = Record<
  'wal' | 'segments',
  Level<string, Uint8Array> | MemoryLevel<string, Uint8Array>
>;
/** The adapters of the example store. */
export type KvPorts = ReturnType<typeof kvPorts>;

/** Gives the databases of a store, the same ones or new ones on the same files. */
export type Opener = () => Databases;

/** Databases in a directory, opened anew by each process. */
export function onDisk(path: string): Opener {
  const levelAt = (name: string) => new Level<string, Uint8Array>(join(path, name), BYTES);
  return () => ({ wal: levelAt('wal'), segments: levelAt('segments') });
}

/** Databases in memory that outlive a process. */
export function inMemory(): Opener {
  const level = () => new MemoryLevel<string, Uint8Array>(BYTES);
  const databases = { wal: level(), segments: level() };
  return () => databases;
}

/** The example key-value store; each operation carries its mark as its value. */
export class WalkedKv implements SystemStore<Operation, Info> {
  readonly #opener: Opener;
  readonly #change: (ports: KvPorts) => void;
  #databases: Partial<Databases> = {};

  /** `change`: does something to the adapters of each opening, before they are wrapped. */
  constructor(opener: Opener, change: (ports: KvPorts) => void = () => {}) {
    this.#opener = opener;
    this.#change = change;
  }

  async attach(): Promise<OpenedStore<Operation, Info>> {
    await this.release();
    const databases = this.#opener();
    this.#databases = databases;
    const made = kvPorts(databases, SEGMENT_ENTRIES);
    this.#change(made);
    const { codec, ...ports } = made;
    const holder = ports.segments;
    const frozen = countFrozen(holder);
    return {
      ports: { ...ports, optimizers: ports.optimizers.map(withIndex) },
      options: { codec },
      content: () => [...holder.live].map(([key, { entry }]) => [key, entry[2]] as const),
      frozen,
    };
  }

  /** Gives up what the last process held of the databases. */
  async release(): Promise<void> {
    await Promise.all(Object.values(this.#databases).map((database) => database.close()));
  }

  /** Mostly puts; the same operation for the same mark. */
  operation(mark: string): Operation {
    const hash = Math.imul(Number(mark) + 1, 0x9e3779b1) >>> 8;
    const key = `k${hash % KEYS}`;
    const kind = (hash >>> 8) % 10;
    const type = kind < 6 ? 'put' : kind < 8 ? 'insert' : 'delete';
    return { type, key, value: mark };
  }

  badOperation(): Operation {
    return { type: 'put', key: 'k0', value: 7 as unknown as string };
  }

  markOf({ value }: Operation): string {
    return String(value);
  }

  decode(data: Uint8Array): Operation {
    return JSON.parse(new TextDecoder().decode(data)) as Operation;
  }

  fold(content: Map<string, string>, { type, key, value = '' }: Operation): void {
    if (type === 'insert' && content.has(key)) throw new Error('declined');
    if (type === 'delete') content.delete(key);
    else content.set(key, value);
  }
}

/** The store doesn't tell which of its segments are frozen; those that ever were do. */
function countFrozen(holder: Segments): () => number {
  let everFrozen: { id: number; frozen: boolean }[] = [];
  const open = holder.open.bind(holder);
  holder.open = async (options) => {
    const opened = await open(options);
    everFrozen = [];
    return opened;
  };
  const freeze = holder.freeze.bind(holder);
  holder.freeze = (ids) => {
    const sources = freeze(ids);
    everFrozen.push(...(sources ?? []));
    return sources;
  };
  return () => {
    const present = new Set(holder.segments().map(({ id }) => id));
    return everFrozen.filter(({ id, frozen }) => frozen && present.has(id)).length;
  };
}

/** The same optimizer with a phase that needs a processor, which compaction of keys does not. */
function withIndex(inner: SegmentOptimizer<Info>): SegmentOptimizer<Info> {
  return {
    name: inner.name,
    select: (segments, busy) => inner.select(segments, busy),
    begin(ids): Optimization | undefined {
      const run = inner.begin(ids);
      // Some have nothing to index, as it is with small segments in the point engine.
      return run === undefined ? undefined : Object.assign(run, { cpus: ids.length > 1 ? 1 : 0 });
    },
  };
}
