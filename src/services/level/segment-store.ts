import { assert, SluiceError, throwIfAborted } from '../../errors.js';
import type { DeathCounter } from '../ports.js';
import { type RandomFill, randomId } from '../random-id.js';
import { type BlockRef, BlockSession } from './block-session.js';
import type { Database, Entry } from './database.js';
import { deathsEntry, readDeaths } from './deaths.js';
import { frame, unframe } from './frame.js';
import { BLOCK_KEYS, DEATHS_KEY, isBlockKey, MANIFEST_KEY } from './keys.js';
import { LevelHandle } from './level-handle.js';
import { type Manifest, manifestEntry, readManifest } from './manifest.js';
import { type StoredEntry, storedEntries } from './stored-entries.js';

/** Options of `SegmentStore`. */
export interface SegmentStoreOptions {
  /** With so many stored bytes of blocks, or more, a synced batch is written. @default 1 MiB */
  batchBytes?: number;
  /** Source of the epoch in the block keys. @default the platform's */
  random?: RandomFill;
}

/** Eight bytes are the 16 hex digits of `blockKey`. */
const EPOCH_BYTES = 8;

/** Deletes in one batch where they need not be atomic. */
const DELETES_MAX = 1000;

/**
 * Immutable blocks and the manifest that names those which count, in an abstract-level database of
 * their own. `M` is the manifest's body: plain data (JSON values and typed arrays).
 *
 * Every block is written `sync: true`, before the manifest that names it. Every failed write is
 * sticky: all writes reject with its error until the store is opened again.
 */
export class SegmentStore<M> {
  readonly #handle: LevelHandle;
  readonly #batchBytes: number;
  readonly #random: RandomFill | undefined;
  #storeId = '';
  #session = new BlockSession('', [], []);

  constructor(db: Database, options: SegmentStoreOptions = {}) {
    this.#handle = new LevelHandle(db, 'the segment store');
    this.#batchBytes = options.batchBytes ?? 1024 * 1024;
    this.#random = options.random;
  }

  /**
   * Opens the store of this `storeId` and returns the body of the last commit, or undefined when
   * there was none. Checks that every block it names exists (`readBlock` checks the content).
   * Writes nothing: blocks that the manifest doesn't name are deleted right before the first write
   * of this open, so that a caller who finds a contradiction elsewhere leaves all evidence there.
   * Errors: `SLUICE_DAMAGED` (also for another `storeId`), `SLUICE_FORMAT_UNKNOWN`,
   * `SLUICE_NOT_A_STORE` for keys of others, `SLUICE_LOCKED`, `SLUICE_IO`, `SLUICE_DISK_FULL`.
   */
  open(options: { storeId: string }): Promise<M | undefined> {
    return this.#handle.open(async () => {
      const stored = await this.#storedBlocks();
      const manifest = await this.#storedManifest();
      if (manifest !== undefined && manifest.storeId !== options.storeId) {
        throw new SluiceError('SLUICE_DAMAGED', 'the segments belong to another log');
      }
      const named = new Set(manifest?.blocks);
      for (const key of named) {
        if (!stored.has(key)) throw new SluiceError('SLUICE_DAMAGED', `block ${key} is missing`);
      }
      const unreferenced = [...stored].filter((key) => !named.has(key));
      this.#storeId = options.storeId;
      this.#session = new BlockSession(randomId(EPOCH_BYTES, this.#random), named, unreferenced);
      return manifest?.body as M | undefined;
    });
  }

  /**
   * Writes blocks that no manifest names yet and returns where they are, in order; durable when it
   * resolves. A commit must name them, or `discard` or `deleteBlocks` give them up. When it
   * rejects, what was written is deleted by the next commit. Errors: those of writing,
   * `SLUICE_CANCELLED` when the signal fires, and what the payloads throw.
   */
  async putBlocks(
    payloads: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<BlockRef[]> {
    this.#handle.assertOpen();
    const session = this.#session;
    const refs: BlockRef[] = [];
    let batch: Entry[] = [];
    let batchBytes = 0;
    const writeBatch = () => this.#writeBlocks(session, batch, refs.slice(-batch.length));
    try {
      throwIfAborted(signal);
      for await (const payload of payloads) {
        throwIfAborted(signal);
        const key = session.nextKey();
        const value = frame(key, 'block', payload);
        batch.push([key, value]);
        batchBytes += value.byteLength;
        refs.push({ key, bytes: payload.byteLength });
        if (batchBytes < this.#batchBytes) continue;
        await writeBatch();
        batch = [];
        batchBytes = 0;
      }
      throwIfAborted(signal);
      if (batch.length > 0) await writeBatch();
      throwIfAborted(signal);
      return refs;
    } catch (error) {
      session.discard(refs.map((ref) => ref.key));
      throw error;
    }
  }

  /**
   * The payload of a block; it must not be changed. Errors: `SLUICE_DAMAGED` when it is missing or
   * not what was written, `SLUICE_FORMAT_UNKNOWN`, `SLUICE_NOT_OPEN`, `SLUICE_IO`.
   */
  async readBlock(ref: BlockRef): Promise<Uint8Array> {
    this.#handle.assertOpen();
    const session = this.#session;
    const value = await this.#handle.get(ref.key);
    if (value === undefined) {
      throw new SluiceError('SLUICE_DAMAGED', `block ${ref.key} is missing`);
    }
    const payload = unframe(ref.key, 'block', value);
    if (payload.byteLength !== ref.bytes) {
      throw new SluiceError(
        'SLUICE_DAMAGED',
        `block ${ref.key} hasn't the size it was written with`,
      );
    }
    session.read(ref);
    return payload;
  }

  /**
   * One durable, atomic step to a new picture: the manifest with this body, naming `liveKeys`, and
   * the deletion of the blocks that the last manifest named or that were discarded, and this one
   * doesn't name. Pinned ones stay for a later commit. Blocks that no manifest has named yet stay.
   * Errors: those of writing, and `SLUICE_DAMAGED` when a live block was never written.
   */
  async commit(body: M, liveKeys: Iterable<string>): Promise<void> {
    this.#handle.assertOpen();
    const session = this.#session;
    const live = new Set(liveKeys);
    const manifest = manifestEntry({ storeId: this.#storeId, body, blocks: [...live] });
    await this.#run(session, async () => {
      const deletes = session.droppedBy(live);
      await this.#handle.write({ puts: [manifest], deletes, sync: true });
      session.committed(live, deletes);
    });
  }

  /**
   * Keeps blocks in the store until the returned function is called, also when a commit no longer
   * names them; the first commit after that deletes them.
   */
  pin(keys: Iterable<string>): () => void {
    return this.#session.pin(keys);
  }

  /** Gives up blocks of `putBlocks` that no manifest will name; the next commit deletes them. */
  discard(keys: Iterable<string>): void {
    this.#session.discard(keys);
  }

  /**
   * Deletes blocks of `putBlocks` that no manifest has named; not synced, because the next open
   * deletes what comes back. Pinned ones, and the rest after an abort, are left to the next commit.
   * Errors: those of writing, `SLUICE_CANCELLED`, and `SLUICE_DAMAGED` for a block that is named.
   */
  async deleteBlocks(keys: Iterable<string>, signal?: AbortSignal): Promise<void> {
    this.#handle.assertOpen();
    const session = this.#session;
    const unwanted = [...keys];
    await this.#run(session, async () => {
      for (const key of unwanted) {
        assert(!session.isNamed(key), `block ${key} is not named when it is deleted`);
      }
      session.discard(unwanted);
      await this.#delete(session, session.deletable(unwanted), signal);
    });
  }

  /** How many processes in a row have died while they were optimizing; see `DeathCounter`. */
  readonly deathCounter: DeathCounter = {
    read: async () => {
      this.#handle.assertOpen();
      const value = await this.#handle.get(DEATHS_KEY);
      return value === undefined ? 0 : readDeaths(value);
    },
    write: (count, { sync }) =>
      this.#run(this.#session, () =>
        this.#handle.write(
          count === 0 ? { deletes: [DEATHS_KEY], sync } : { puts: [deathsEntry(count)], sync },
        ),
      ),
  };

  /**
   * Gives the space of blocks that were deleted back to the disk, until the signal fires.
   * Errors: `SLUICE_NOT_OPEN`, `SLUICE_IO`, `SLUICE_CANCELLED`.
   */
  async reclaim(signal: AbortSignal): Promise<void> {
    await this.#handle.compact(this.#session.takeDeleted(), signal);
  }

  /**
   * Bytes on disk that `reclaim` can give back, about; undefined where the database can't tell.
   * Blocks that earlier opens wrote count as stored once they have been read. Errors: as `reclaim`.
   */
  async garbageBytes(): Promise<number | undefined> {
    const bytesOnDisk = await this.#handle.size(BLOCK_KEYS);
    return bytesOnDisk && this.#session.garbageIn(bytesOnDisk);
  }

  /** Every stored entry with what is wrong with it, if anything is. Errors: `SLUICE_NOT_OPEN`. */
  entries(): AsyncIterable<StoredEntry> {
    return storedEntries(this.#handle);
  }

  /** Ends the writes in flight, then closes the database. Safe to call twice. */
  close(): Promise<void> {
    // Without tidying: LevelDB would go on to compact, and leave half of that behind, on disk.
    return this.#handle.close();
  }

  async #storedBlocks(): Promise<Set<string>> {
    const blocks = new Set<string>();
    for await (const keys of this.#handle.keys()) {
      for (const key of keys) {
        if (isBlockKey(key)) blocks.add(key);
        else if (key !== MANIFEST_KEY && key !== DEATHS_KEY) {
          throw new SluiceError('SLUICE_NOT_A_STORE', `not a segment store: it has a key '${key}'`);
        }
      }
    }
    return blocks;
  }

  async #storedManifest(): Promise<Manifest | undefined> {
    const value = await this.#handle.get(MANIFEST_KEY);
    return value === undefined ? undefined : readManifest(value);
  }

  #writeBlocks(
    session: BlockSession,
    puts: readonly Entry[],
    refs: readonly BlockRef[],
  ): Promise<void> {
    return this.#run(session, async () => {
      await this.#handle.write({ puts, sync: true });
      session.wrote(refs);
    });
  }

  /** Runs a job that writes; the first one of a session is preceded by the sweep. */
  #run(session: BlockSession, job: () => Promise<void>): Promise<void> {
    return this.#handle.run(async () => {
      if (session !== this.#session) {
        throw new SluiceError('SLUICE_NOT_OPEN', 'the segment store has been opened anew');
      }
      await this.#delete(session, session.takeUnreferenced());
      await job();
    });
  }

  async #delete(
    session: BlockSession,
    keys: readonly string[],
    signal?: AbortSignal,
  ): Promise<void> {
    for (let offset = 0; offset < keys.length; offset += DELETES_MAX) {
      if (signal !== undefined) throwIfAborted(signal);
      const deletes = keys.slice(offset, offset + DELETES_MAX);
      await this.#handle.write({ deletes, sync: false });
      session.deleted(deletes);
    }
  }
}
