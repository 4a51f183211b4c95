import { abortedByCaller, errorText, SluiceError, throwIfAborted } from '../../errors.js';
import { type Clock, systemClock } from '../clock.js';
import { checkContinuity } from '../continuity.js';
import type { Database } from '../level/database.js';
import { openDirectory } from '../level/directory.js';
import { unframe } from '../level/frame.js';
import { MANIFEST_KEY, recordKey } from '../level/keys.js';
import { LevelHandle } from '../level/level-handle.js';
import { readManifest } from '../level/manifest.js';
import { SegmentStore } from '../level/segment-store.js';
import { damagedTables } from '../level/store-tables.js';
import { type StoredEntry, storedEntries } from '../level/stored-entries.js';
import { scanWal } from '../level/wal-scan.js';
import type { WalState } from '../ports.js';
import { IndexFiles, readIndexFile } from '../vector-index/index-files.js';
import type { VectorIndexRecord } from '../vector-index/vector-index.js';
import { loadSegments } from './load.js';
import { checkManifest, keysOf, type ManifestBody } from './manifest.js';
import { PointOperationCodec } from './operation-codec.js';
import { Pace } from './pace.js';
import type { Segment } from './segment.js';

/** What a check of a whole store found. */
export interface Verification {
  /** True when there is no problem. */
  ok: boolean;
  /**
   * How many of each were checked; records are those above `acked`. `toReplay` of them are not in
   * the segments yet: the next opening applies them, and `points` doesn't count their effects.
   */
  checked: {
    values: number;
    bytes: number;
    records: number;
    segments: number;
    blocks: number;
    points: number;
    /** Files of vector indexes. */
    indexes: number;
    toReplay: number;
  };
  problems: { what: string; message: string }[];
}

/** Options of `verifyStore`. */
export interface VerifyOptions {
  /** Stops the check with `SLUICE_ABORTED`. */
  signal?: AbortSignal;
  /** @default systemClock */
  clock?: Clock;
}

/**
 * Checks a store that nobody has open: every checksum, that the log has no gap and its operations
 * can be read, that log and segments belong together, every count in the manifest, that no point
 * is live twice, and the files of vector indexes. Sluice's data is not changed, not even what
 * opening it would tidy up (LevelDB moves its own files about when it is opened).
 *
 * Damage is told in the result. Where a table of LevelDB is damaged nothing else is checked,
 * because LevelDB might end the process over it. Errors: those of opening the directory
 * (`SLUICE_NOT_FOUND`, `SLUICE_NOT_A_STORE`, `SLUICE_LOCKED`, …), `SLUICE_IO`, `SLUICE_ABORTED`.
 */
export async function verifyStore(
  path: string,
  options: VerifyOptions = {},
): Promise<Verification> {
  const tables = await damagedTables(path, options.signal);
  if (tables.length > 0) {
    const problems = tables.map(({ database, message }) => ({
      what: `tables of ${database}`,
      message,
    }));
    return { ...nothingChecked(), ok: false, problems };
  }
  const directory = await openDirectory(path, { create: false, signal: options.signal });
  try {
    return await verifyDatabases(directory, options);
  } finally {
    await directory.close();
  }
}

function nothingChecked(): Verification {
  const checked = {
    values: 0,
    bytes: 0,
    records: 0,
    segments: 0,
    blocks: 0,
    points: 0,
    indexes: 0,
    toReplay: 0,
  };
  return { ok: true, checked, problems: [] };
}

/** As `verifyStore`, for the two databases of a store. It leaves them open. */
export async function verifyDatabases(
  databases: StoreParts,
  options: VerifyOptions = {},
): Promise<Verification> {
  try {
    return await new Verifier(databases, options).run();
  } catch (error) {
    throw abortedByCaller(error, options.signal);
  }
}

/** The databases of a store, and where it keeps index files, if it does. */
interface StoreParts {
  wal: Database;
  segments: Database;
  vectorIndexPath?: string;
}

class Verifier {
  readonly #wal: LevelHandle;
  readonly #segments: LevelHandle;
  readonly #store: SegmentStore<ManifestBody>;
  /** Absent where index files are not kept. */
  readonly #indexFiles: IndexFiles | undefined;
  readonly #signal: AbortSignal;
  readonly #clock: Clock;
  readonly #result = nothingChecked();

  constructor({ wal, segments, vectorIndexPath }: StoreParts, options: VerifyOptions) {
    this.#wal = new LevelHandle(wal, 'the log');
    this.#segments = new LevelHandle(segments, 'the segments');
    this.#store = new SegmentStore(segments);
    if (vectorIndexPath !== undefined) this.#indexFiles = new IndexFiles(vectorIndexPath);
    this.#signal = options.signal ?? new AbortController().signal;
    this.#clock = options.clock ?? systemClock;
  }

  async run(): Promise<Verification> {
    await this.#checkValues('log', this.#wal, (kind) => kind === 'record' || kind === 'walMeta');
    await this.#checkValues('segments', this.#segments, (kind) => {
      return kind === 'block' || kind === 'manifest' || kind === 'deaths';
    });
    const log = await this.#attempt('log', () => this.#checkLog());
    if (log !== undefined) {
      const body = await this.#attempt('segments', () => this.#checkSegments(log.storeId));
      if (body !== undefined) {
        await this.#attempt('log', () => this.#checkOperations(log, body));
        await this.#attempt('log and segments', async () => checkContinuity(log, body.applied));
        for (const { index } of body.segments) if (index) await this.#checkIndex(index);
      }
    }
    this.#result.ok = this.#result.problems.length === 0;
    return this.#result;
  }

  /** Every stored value by itself: its checksum, kind and version, and that it is in its place. */
  async #checkValues(
    where: string,
    handle: LevelHandle,
    belongs: (kind: StoredEntry['kind']) => boolean,
  ): Promise<void> {
    await handle.open(() => Promise.resolve());
    for await (const { key, kind, sizeBytes, error } of storedEntries(handle)) {
      throwIfAborted(this.#signal);
      this.#result.checked.values += 1;
      this.#result.checked.bytes += sizeBytes;
      if (error !== undefined) this.#problem(where, error.message);
      else if (!belongs(kind)) this.#problem(where, `'${key}' does not belong here`);
    }
  }

  async #checkLog(): Promise<WalState> {
    const scan = await scanWal(this.#wal);
    if (scan === undefined) {
      throw new SluiceError('SLUICE_DAMAGED', 'the log is empty: even its meta record is missing');
    }
    const { storeId, acked } = scan.meta;
    return { storeId, acked, last: scan.last, bytes: scan.bytes };
  }

  async #checkSegments(storeId: string): Promise<ManifestBody> {
    const body = await this.#store.open({ storeId });
    if (body === undefined) throw new SluiceError('SLUICE_DAMAGED', 'the manifest is missing');
    checkManifest(body);
    const keys = body.segments.flatMap(keysOf);
    await this.#checkNamedBlocks(keys);
    const loaded = await loadSegments(body, {
      // The blocks of the manifest are read; none is written.
      store: this.#store,
      clock: this.#clock,
      signal: this.#signal,
      onProgress: () => undefined,
    });
    for (const segment of loaded) await this.#attempt('segments', () => this.#parseAll(segment));
    const { checked } = this.#result;
    checked.segments = loaded.length;
    checked.blocks = keys.length;
    checked.points = loaded.reduce((sum, segment) => sum + segment.live, 0);
    return body;
  }

  /** Loading leaves the payloads' texts to those who read them. */
  async #parseAll({ payloads }: Segment): Promise<void> {
    const pace = new Pace(this.#clock, this.#signal);
    for (let row = 0; row < payloads.length; row += 1) {
      payloads.read(row);
      if (pace.isDue()) await pace.rest();
    }
  }

  /** The list of blocks that keeps them from being deleted is that of the segments' blocks. */
  async #checkNamedBlocks(keys: readonly string[]): Promise<void> {
    const value = await this.#segments.get(MANIFEST_KEY);
    const named = new Set(value === undefined ? [] : readManifest(value).blocks);
    const isSame = named.size === keys.length && keys.every((key) => named.has(key));
    if (!isSame)
      throw new SluiceError('SLUICE_DAMAGED', 'the two block lists of the manifest differ');
  }

  /** What would be applied again at the next opening can be read. */
  async #checkOperations({ acked, last }: WalState, body: ManifestBody): Promise<void> {
    if (last === acked) return;
    const { dimensions, applied } = body;
    this.#result.checked.toReplay = Math.max(last - applied, 0);
    const codec = new PointOperationCodec(dimensions);
    const range = { gte: recordKey(acked + 1), lte: recordKey(last) };
    for await (const entries of this.#wal.entries(range)) {
      throwIfAborted(this.#signal);
      for (const [key, value] of entries) {
        const operation = codec.decode(unframe(key, 'record', value));
        // Parsed when they are looked at.
        if (operation.kind === 'upsert') operation.payloads.at(0);
        this.#result.checked.records += 1;
      }
    }
  }

  /** A vector index whose file isn't what was written; opening builds it anew. */
  async #checkIndex({ file, bytes, checksum }: VectorIndexRecord): Promise<void> {
    throwIfAborted(this.#signal);
    if (this.#indexFiles === undefined) return;
    const path = await this.#indexFiles.place(file);
    try {
      if (path === undefined) throw new RangeError('that is no name of an index file');
      const found = await readIndexFile(path);
      const isSame = found.bytes === bytes && found.checksum === checksum;
      if (!isSame) throw new RangeError('its checksum is wrong');
      this.#result.checked.indexes += 1;
    } catch (error) {
      this.#problem('vector indexes', `'${file}' is lost: ${errorText(error)}`);
    }
  }

  /** Damage becomes a problem; anything else ends the check. */
  async #attempt<T>(where: string, check: () => Promise<T>): Promise<T | undefined> {
    try {
      return await check();
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#problem(where, error.message);
      return undefined;
    }
  }

  /** A damaged value is met again by the checks that use it; it is told once. */
  #problem(what: string, message: string): void {
    const { problems } = this.#result;
    if (problems.some((problem) => problem.message === message)) return;
    problems.push({ what, message });
  }
}

function isDamage(error: unknown): error is SluiceError {
  if (!(error instanceof SluiceError)) return false;
  const codes = ['SLUICE_DAMAGED', 'SLUICE_FORMAT_UNKNOWN', 'SLUICE_NOT_A_STORE'];
  return codes.includes(error.code);
}
