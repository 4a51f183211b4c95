import type { Collection } from '../../collection.js';
import { checkCollectionOptions } from '../../collection-options.js';
import { collectionParts } from '../../collection-parts.js';
import { openStores } from '../../collection-stores.js';
import { throwIfAborted } from '../../errors.js';
import { readyCollection } from '../../open-collection.js';
import { sleep } from '../../services/clock.js';
import { copyRowsNow } from '../../services/optimizers/copy-rows.js';
import type { CopyVectors } from '../../services/points/rebuild.js';
import type { UpdateHandlerInspector } from '../../types.js';
import { ProcessClock, type VirtualTime } from './clock.js';
import { type DatabaseOwner, SimulatedDatabase } from './database.js';
import type { Disk } from './disk.js';
import { crashNowAndThen, failNowAndThen } from './failing-services.js';
import type { FaultSource, Phase } from './faults.js';
import { buildFailure, type IndexFiles, SimulatedIndexes } from './indexes.js';
import type { Violated } from './oracle.js';
import type { Random } from './random.js';
import { DIMENSIONS, type SimulationSettings } from './settings.js';
import type { Trace } from './trace.js';
import { countInPlace, type Traffic } from './traffic.js';

/** What is there whether or not a process runs. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly traffic: Traffic;
  readonly faults: FaultSource;
  readonly random: Random;
  readonly settings: SimulationSettings;
  readonly wal: Disk;
  readonly segments: Disk;
  readonly indexFiles: IndexFiles;
  readonly inspect: UpdateHandlerInspector | undefined;
  /** Chance that a look at the clock shows that time has passed. */
  readonly busy: number;
  readonly violated: Violated;
  /** A process has died. */
  onCrash(isPowerCut: boolean): void;
  /** A worker of a process is dying. */
  onWorkerCrash(): void;
}

/** States of a collection that is being closed. */
const LEAVING: ReadonlySet<string> = new Set(['stopping', 'closing']);

/** One process that has the collection open: it opens, lives, and closes or dies. */
export class SimulatedProcess implements DatabaseOwner {
  readonly clock: ProcessClock;
  readonly wal: SimulatedDatabase;
  readonly segments: SimulatedDatabase;
  readonly died: Promise<void>;
  /** Faults of its stores, slow calls included: what they explain is no defect. */
  faultCount = 0;
  readonly #around: Surroundings;
  #isAlive = true;
  #phase: Phase;
  #die: () => void = () => {};
  /** Undefined until it is open. */
  #collection: Collection | undefined;

  constructor(around: Surroundings, phase: Phase) {
    const { time, random, busy, wal, segments } = around;
    this.#around = around;
    this.#phase = phase;
    this.clock = new ProcessClock(time, random, busy);
    this.wal = new SimulatedDatabase(wal, this);
    this.segments = new SimulatedDatabase(segments, this);
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  get faults(): FaultSource {
    return this.#around.faults;
  }

  get trace(): Trace {
    return this.#around.trace;
  }

  get phase(): Phase {
    const state = this.#collection?.handler.state ?? '';
    if (LEAVING.has(state)) return 'leaving';
    if (this.#phase !== 'running') return this.#phase;
    // Also before the collection has noticed: what it does about the failure may fail.
    const hasFailed = this.wal.hasFailed || this.segments.hasFailed;
    return hasFailed || state === 'broken' ? 'broken' : 'running';
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** The collection while the process lives and has it open. */
  get collection(): Collection | undefined {
    return this.#isAlive ? this.#collection : undefined;
  }

  violated(rule: string, text: string): void {
    if (this.#isAlive) this.#around.violated(rule, text);
  }

  /** Opens the collection, or creates it; options are stored only when it is created. */
  async open(isNew: boolean, signal: AbortSignal): Promise<Collection> {
    const { settings, random, indexFiles, faults, inspect, traffic } = this.#around;
    const { created, opened, distance, limits, cpus, watchesDisk } = settings;
    const options = checkCollectionOptions({
      dimensions: DIMENSIONS,
      distance,
      ...(isNew ? created : {}),
      ...opened,
      clock: this.clock,
      freeBytes: watchesDisk ? async () => faults.freeBytes() : undefined,
    });
    const stores = await openStores({ wal: this.wal, segments: this.segments }, true);
    const parts = collectionParts(stores, options, {
      indexes: new SimulatedIndexes(indexFiles, this.clock, faults),
      random: (target) => target.map(() => random.between(0, 255)),
      cpus,
      copyVectors: this.#copyVectors,
      inspect,
      limits,
    });
    const isUp = () => this.#collection !== undefined;
    countInPlace(parts.holder, traffic);
    failNowAndThen(parts.holder, () => isUp() && faults.failsForNow());
    crashNowAndThen(parts, () => isUp() && this.#crashesWorker());
    const collection = await readyCollection(parts, signal);
    this.#collection = collection;
    this.#phase = 'running';
    return collection;
  }

  /** Nothing of the process ever runs again; writes under way may have been done. */
  crash(isPowerCut: boolean): void {
    if (!this.#isAlive) return;
    const { random, trace, traffic } = this.#around;
    trace.note(isPowerCut ? 'power cut' : 'killed');
    if (this.#collection !== undefined) traffic.add(this.#collection.telemetry());
    this.#isAlive = false;
    this.clock.die();
    for (const database of [this.wal, this.segments]) database.lose(() => random.chance(0.5));
    this.#around.onCrash(isPowerCut);
    this.#die();
  }

  #crashesWorker(): boolean {
    const isCrash = this.faults.crashesWorker(this.phase);
    if (isCrash) this.#around.onWorkerCrash();
    return isCrash;
  }

  /** Copies in virtual time instead of a worker thread. */
  readonly #copyVectors: CopyVectors = async (job, { signal, onProgress }) => {
    const { faults } = this.#around;
    await sleep(this.clock, faults.deafMs());
    await sleep(this.clock, faults.buildMs(), signal);
    throwIfAborted(signal);
    if (faults.failsBuild()) throw buildFailure();
    onProgress?.(copyRowsNow(job, () => {}));
  };
}
