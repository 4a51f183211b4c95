import { levelWal, memoryWal, plainCodec, SegmentStore, systemClock } from 'sluice';
import type {
  Effort,
  LogAdapters,
  Operations,
  Place,
  SegmentsAdapters,
  StoreAdapters,
} from 'sluice/testing';
import { pointOptimizers } from '#sluice/collection-parts.js';
import { isBlockKey, MANIFEST_KEY } from '#sluice/services/level/keys.js';
import { readManifest } from '#sluice/services/level/manifest.js';
import { copyRows } from '#sluice/services/optimizers/build-thread.js';
import { PointHolder } from '#sluice/services/points/holder.js';
import type { ManifestBody } from '#sluice/services/points/manifest.js';
import { PointOperationCodec } from '#sluice/services/points/operation-codec.js';
import type { PointOperation } from '#sluice/services/points/operations.js';
import type { VectorIndexes } from '#sluice/services/vector-index/vector-index.js';
import { kvPorts } from '../../../examples/kv-store/kv-store.mjs';
import { Hooks } from '../../core/support/hooks.js';
import { SharedLog } from '../../core/support/shared-log.js';
import { TinyOptimizer } from '../../core/support/tiny-optimizer.js';
import { TinyDisk, type TinyOperation, TinySegments } from '../../core/support/tiny-segments.js';
import { FaultLevel } from '../../support/fault-level.js';
import { vectorOf } from '../../support/points.js';
import { numberFromEnvironment } from '../../support/random.js';

/** `SLUICE_KIT_WALKS=1000 npx vitest run test/testing/kit` takes longer; a seed gives other walks. */
export function effort(walks: number): Effort {
  return {
    seed: numberFromEnvironment('SLUICE_KIT_SEED', 1),
    walks: numberFromEnvironment('SLUICE_KIT_WALKS', walks),
  };
}

/** A log in memory: another one is another storage, so it is opened again itself. */
export function memoryLog(): Place<LogAdapters> {
  const wal = memoryWal();
  return { adapters: () => ({ wal }) };
}

/** A log elsewhere, with other writers. */
export function sharedLog(): Place<LogAdapters> {
  const log = new SharedLog();
  const wal = log.client();
  return {
    adapters: () => ({ wal }),
    writeElsewhere: async (records) => records.map((data) => log.append(data)),
  };
}

/** A database in memory that can do what LevelDB can: survive, lose what was not synced, fail. */
export class FaultPlace<Adapters> implements Place<Adapters> {
  readonly #connect: (db: FaultLevel) => Adapters;
  db = new FaultLevel();

  constructor(connect: (db: FaultLevel) => Adapters) {
    this.#connect = connect;
  }

  adapters(): Adapters {
    return this.#connect(this.db);
  }

  async crash(how: 'kill' | 'powerCut'): Promise<void> {
    // After a power cut every other write that was not synced is gone, whatever came behind it.
    this.db = await this.db.afterCrash((_, at) => how === 'kill' || at % 2 === 0);
  }

  failWrite(options: { stored: boolean }): void {
    this.db.failWrite(options);
  }
}

/** A log in LevelDB's stand-in. */
export const levelLog = () => new FaultPlace((db) => ({ wal: levelWal(db) }));

/** The smallest store: numbers under keys, in memory. */
export class TinyPlace implements Place<SegmentsAdapters<TinyOperation>> {
  #disk = new TinyDisk();

  adapters(): SegmentsAdapters<TinyOperation> {
    const segments = new TinySegments(this.#disk, new Hooks(), 4);
    const optimizers = [new TinyOptimizer(segments, { bigEntries: 16 })];
    return {
      ...{ segments, optimizers, codec: plainCodec<TinyOperation>() },
      content: () => Object.entries(segments.content).map(([key, value]) => [key, `${value}`]),
    };
  }

  crash(): void {
    this.#disk = this.#disk.copy();
  }
}

export const tinyOperations: Operations<TinyOperation> = {
  put: (key, value) => ({ put: [key, Number(value)] }),
  delete: (key) => ({ delete: key }),
  refused: ({ absent }) => ({ double: absent }),
};

/** Segments in a `SegmentStore`, whose blocks can be listed. */
export class SegmentsPlace<Op> extends FaultPlace<SegmentsAdapters<Op>> {
  async blocks(): Promise<{ stored: string[]; named: readonly string[] }> {
    await this.db.open();
    const keys = await this.db.keys().all();
    const manifest = await this.db.get(MANIFEST_KEY);
    await this.db.close();
    const named = manifest === undefined ? [] : readManifest(manifest).blocks;
    return { stored: keys.filter(isBlockKey), named };
  }
}

export type KvOperation = { type: 'put' | 'insert' | 'delete'; key: string; value?: string };

export type KvStoreAdapters = StoreAdapters<KvOperation>;

/** The segments of the key-value example, eight entries each. */
export function kvAdapters(db: FaultLevel): SegmentsAdapters<KvOperation> {
  const ports = kvPorts({ wal: new FaultLevel(), segments: db }, 8);
  const { segments, optimizers, codec, deathCounter } = ports;
  const content = () => [...segments.live].map(([key, { entry }]) => [key, entry[2]] as const);
  return { segments, optimizers, codec, deathCounter, content };
}

/** The same on a database that fails, and loses what was not synced. */
export const kvSegments = () => new SegmentsPlace<KvOperation>(kvAdapters);

export const kvOperations: Operations<KvOperation> = {
  put: (key, value) => ({ type: 'put', key, value }),
  delete: (key) => ({ type: 'delete', key }),
  refused: ({ present }) => ({ type: 'insert', key: present, value: 'another' }),
};

const DIMENSIONS = 8;
const CPUS = 2;

/** The point engine of the collection, with limits so small that it is optimized all the time. */
export const pointSegments = (indexes?: VectorIndexes) =>
  new SegmentsPlace<PointOperation>((db) => {
    const holder = new PointHolder({
      ...{ store: new SegmentStore<ManifestBody>(db), clock: systemClock, dimensions: DIMENSIONS },
      ...{ cpus: CPUS, copyVectors: copyRows, indexes },
      configuration: {
        optimizers: {
          ...{ deletedThreshold: 0.2, vacuumMinVectorNumber: 2, defaultSegmentNumber: 2 },
          ...{
            maxSegmentSizeKb: (8 * DIMENSIONS * Float32Array.BYTES_PER_ELEMENT) / 1024,
            indexingThresholdKb: 0.1,
          },
        },
      },
    });
    const optimizers = pointOptimizers(holder, CPUS, indexes !== undefined);
    const codec = new PointOperationCodec(DIMENSIONS);
    return { segments: holder, optimizers, codec, content: () => pointsOf(holder) };
  });

/** What a view of the points shows; a point whose vector is not that of its value shows it. */
function pointsOf(holder: PointHolder): [key: string, value: string][] {
  const view = holder.view();
  try {
    return view.segments.flatMap(({ segment, rows }) =>
      segment.ids.slice(0, rows).flatMap((id, row): [string, string][] => {
        if (!segment.isVisible(row, view.version)) return [];
        const value = `${segment.payloads.at(row).value}`;
        const expected = `${Float32Array.from(vectorOf(Number(value), DIMENSIONS))}`;
        const isSame = `${segment.slab.at(row)}` === expected;
        return [[`${id}`, isSame ? value : `${value} with another vector`]];
      }),
    );
  } finally {
    view.release();
  }
}

export const pointOperations: Operations<PointOperation> = {
  put: (id, value) => ({
    ...{ kind: 'upsert', ids: [id], payloads: [{ value }] },
    vectors: Float32Array.from(vectorOf(Number(value), DIMENSIONS)),
  }),
  delete: (id) => ({ kind: 'delete', selector: [id] }),
  // The first of the two is changed before the second is missed.
  refused: ({ present, absent }) => ({
    ...{ kind: 'updateVectors', ids: [present, absent] },
    vectors: new Float32Array(2 * DIMENSIONS),
  }),
};

/** A log and segments in two databases, which fail and lose what was not synced. */
export class StorePlace<Op> implements Place<StoreAdapters<Op>> {
  #log = levelLog();
  #segments: SegmentsPlace<Op>;

  constructor(segments: SegmentsPlace<Op>) {
    this.#segments = segments;
  }

  /** Where the segments are. */
  get db(): FaultLevel {
    return this.#segments.db;
  }

  adapters(): StoreAdapters<Op> {
    return { ...this.#log.adapters(), ...this.#segments.adapters() };
  }

  async crash(how: 'kill' | 'powerCut'): Promise<void> {
    // Both pictures are taken before anything is awaited.
    await Promise.all([this.#log.crash(how), this.#segments.crash(how)]);
  }

  failWrite(options: { stored: boolean }): void {
    this.#log.failWrite(options);
  }

  blocks(): Promise<{ stored: string[]; named: readonly string[] }> {
    return this.#segments.blocks();
  }
}

/** A log and segments that are gone with the process; its readers are answered later. */
export function memoryStore(): Place<StoreAdapters<TinyOperation>> {
  const wal = memoryWal();
  const place = new TinyPlace();
  return {
    adapters: () => {
      const { content, ...others } = place.adapters();
      return { wal, ...others, content: async () => content() };
    },
  };
}
