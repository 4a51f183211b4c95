import type { BlockRef, BlockStore, ManifestBody } from '#sluice/services/points/manifest.js';

/** What survives a close. */
export class Disk {
  manifest: ManifestBody | undefined;
  liveKeys = new Set<string>();
  blocks = new Map<string, Uint8Array>();
  nextKey = 0;

  /** What another process would find if this one died now. */
  copy(): Disk {
    return Object.assign(new Disk(), this, { blocks: new Map(this.blocks) });
  }
}

/** A block store in memory that refuses what a real one may lose: strict about who names what. */
export class TestBlockStore implements BlockStore {
  readonly disk: Disk;
  /** Runs before each block is written and before each commit; may throw. */
  onWrite: (step: 'block' | 'commit') => void | Promise<void> = () => {};
  /** Written since the open and named by no manifest. */
  readonly #fresh = new Set<string>();
  readonly #garbage = new Set<string>();

  constructor(disk = new Disk()) {
    this.disk = disk;
  }

  async open() {
    for (const key of this.disk.liveKeys) {
      if (!this.disk.blocks.has(key)) throw new Error(`block ${key} is missing`);
    }
    for (const key of [...this.disk.blocks.keys()]) {
      if (!this.disk.liveKeys.has(key)) this.disk.blocks.delete(key);
    }
    this.#garbage.clear();
    this.#fresh.clear();
    return structuredClone(this.disk.manifest);
  }

  async putBlocks(payloads: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    const refs: BlockRef[] = [];
    try {
      for await (const data of payloads) {
        signal.throwIfAborted();
        await this.onWrite('block');
        const key = `k${this.disk.nextKey++}`;
        this.disk.blocks.set(key, Uint8Array.from(data));
        this.#fresh.add(key);
        refs.push({ key, bytes: data.length });
      }
    } catch (error) {
      for (const { key } of refs) this.disk.blocks.delete(key);
      throw error;
    }
    return refs;
  }

  async readBlock({ key }: BlockRef) {
    const data = this.disk.blocks.get(key);
    if (data === undefined) throw new Error(`block ${key} is missing`);
    return data;
  }

  async commit(body: ManifestBody, liveKeys: Iterable<string>) {
    const live = new Set(liveKeys);
    const named = body.segments.flatMap(({ rows, stamps }) => [...rows, ...stamps]);
    if (named.some(({ key }) => !live.has(key)) || named.length !== live.size) {
      throw new Error('the live keys are not those of the manifest');
    }
    for (const key of live) {
      const isKnown = this.disk.liveKeys.has(key) || this.#fresh.has(key);
      if (!isKnown || !this.disk.blocks.has(key)) throw new Error(`block ${key} was given up`);
    }
    const manifest = structuredClone(body);
    await this.onWrite('commit');
    for (const key of [...this.disk.liveKeys, ...this.#garbage]) {
      if (!live.has(key)) this.disk.blocks.delete(key);
      this.#garbage.delete(key);
    }
    for (const key of live) this.#fresh.delete(key);
    this.disk.manifest = manifest;
    this.disk.liveKeys = live;
  }

  discard(keys: Iterable<string>) {
    for (const key of keys) if (this.#fresh.delete(key)) this.#garbage.add(key);
  }

  async deleteBlocks(keys: readonly string[]) {
    for (const key of keys) {
      if (this.disk.liveKeys.has(key)) throw new Error(`block ${key} is named by the manifest`);
      this.disk.blocks.delete(key);
    }
  }

  /** Blocks on disk that neither the manifest names nor the next commit deletes. */
  leaks(): string[] {
    return [...this.disk.blocks.keys()].filter(
      (key) => !this.disk.liveKeys.has(key) && !this.#garbage.has(key),
    );
  }

  async close() {}
}
