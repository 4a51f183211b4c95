import { cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MemoryLevel } from 'memory-level';
import {
  type Collection,
  type CollectionOptions,
  type CollectionStores,
  openCollection,
} from 'sluice';
import { onTestFinished } from 'vitest';

/** A place where a collection lives, which outlasts the collections that are opened on it. */
export interface Store {
  readonly target: string | CollectionStores;
  /** Opens the collection; `dispose` closes it if the test hasn't. */
  open(options?: CollectionOptions): Promise<Collection>;
  /** What a process that is killed now leaves behind: another store. */
  afterKill(): Promise<Store>;
  dispose(): Promise<void>;
}

abstract class BaseStore implements Store {
  abstract readonly target: string | CollectionStores;
  readonly #collections: Collection[] = [];

  async open(options?: CollectionOptions): Promise<Collection> {
    const collection = await openCollection(this.target, options);
    this.#collections.push(collection);
    return collection;
  }

  abstract afterKill(): Promise<Store>;

  async dispose(): Promise<void> {
    await Promise.allSettled(this.#collections.map((collection) => collection.close()));
  }
}

/** A directory with real LevelDB. */
class DirectoryStore extends BaseStore {
  readonly #parent = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-')));
  readonly target = join(this.#parent, 'store');

  /** The files as they are now: what has been written is there, synced or not. */
  async afterKill(): Promise<Store> {
    const copy = newStore(() => new DirectoryStore()) as DirectoryStore;
    copyLive(this.target, copy.target);
    return copy;
  }

  override async dispose(): Promise<void> {
    await super.dispose();
    rmSync(this.#parent, { recursive: true, force: true });
  }
}

/** Copies a directory at work: begins again when LevelDB has deleted a file meanwhile. */
function copyLive(from: string, to: string, triesLeft = 5): void {
  try {
    cpSync(from, to, { recursive: true });
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (!isGone || triesLeft === 0) throw error;
    rmSync(to, { recursive: true, force: true });
    copyLive(from, to, triesLeft - 1);
  }
}

/** Two stores in memory. */
class MemoryStore extends BaseStore {
  readonly target = {
    wal: new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' }),
    segments: new MemoryLevel<string, Uint8Array>({ valueEncoding: 'view' }),
  };

  async afterKill(): Promise<Store> {
    const copy = newStore(() => new MemoryStore()) as MemoryStore;
    for (const name of ['wal', 'segments'] as const) {
      const entries = await this.target[name].iterator().all();
      await copy.target[name].batch(entries.map(([key, value]) => ({ type: 'put', key, value })));
    }
    return copy;
  }
}

/** Each kind of store that a collection works on. */
export const STORES: readonly { kind: string; create: () => Store }[] = [
  { kind: 'a directory', create: () => new DirectoryStore() },
  { kind: 'two stores in memory', create: () => new MemoryStore() },
];

/** A new store that is disposed of when the test has finished. */
export function newStore(create: () => Store = () => new DirectoryStore()): Store {
  const store = create();
  onTestFinished(() => store.dispose());
  return store;
}
