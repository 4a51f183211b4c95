import type {
  Batches,
  Database,
  DatabaseBatch,
  Entry,
  KeyRange,
} from '../../services/level/database.js';
import type { ProcessClock } from './clock.js';
import type { Disk, DiskWrite } from './disk.js';
import type { FaultSource, Phase, StoreCall } from './faults.js';
import type { Trace } from './trace.js';

/** Entries that a scan gives at once: few, so that scans are interrupted. */
const SCAN_ENTRIES = 40;
/** Keys that clearing a range deletes at once: it isn't atomic. */
const CLEARED_AT_ONCE = 4;

/** A call that takes longer counts as a fault: limits of time are met. */
const SLOW_MS = 1000;

/** The process that a database belongs to. */
export interface DatabaseOwner {
  readonly clock: ProcessClock;
  readonly faults: FaultSource;
  readonly phase: Phase;
  readonly trace: Trace;
  faultCount: number;
  /** The process dies within this call: nothing of it ever runs again. */
  crash(isPowerCut: boolean): void;
  /** A rule of stores has been broken. */
  violated(rule: string, text: string): void;
}

/** A store of the `abstract-level` kind on a `Disk`, in virtual time, with faults. */
export class SimulatedDatabase implements Database {
  readonly #disk: Disk;
  readonly #owner: DatabaseOwner;
  #isOpen = false;
  #failure: Error | undefined;
  #inFlight = 0;
  #iterators = 0;
  /** Writes whose time has not come; a crash may find them done. */
  readonly #writing = new Set<DiskWrite>();
  #onIdle: (() => void) | undefined;

  constructor(disk: Disk, owner: DatabaseOwner) {
    this.#disk = disk;
    this.#owner = owner;
  }

  /** Calls that have not returned, and scans that are not closed. */
  get busy(): number {
    return this.#inFlight + this.#iterators;
  }

  /** Whether a write has failed since it was opened. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The process has died: writes under way may have been done. */
  lose(isDone: () => boolean): void {
    for (const write of this.#writing) {
      if (isDone()) this.#disk.writeUnseen(write);
    }
    this.#writing.clear();
  }

  open(): Promise<void> {
    if (this.#isOpen) return Promise.resolve();
    return this.#call('open', '', () => {
      this.#failure = undefined;
      this.#disk.opened();
      this.#isOpen = true;
    });
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    // As in LevelDB, what is under way ends first.
    while (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await this.#call('close', '', () => {});
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#opened(() => this.#call('read', key, () => this.#disk.entries.get(key)));
  }

  batch(): DatabaseBatch {
    const puts: Entry[] = [];
    const deletes: string[] = [];
    return {
      put: (key, value) => puts.push([key, value]),
      del: (key) => deletes.push(key),
      write: ({ sync }) => this.#write({ puts, deletes, sync }),
    };
  }

  iterator(range: KeyRange): Batches<[string, Uint8Array]> {
    const { entries } = this.#disk;
    return this.#scan(range, (key) => [key, entries.get(key) ?? new Uint8Array()]);
  }

  keys(): Batches<string> {
    return this.#scan({}, (key) => key);
  }

  async clear(range: KeyRange): Promise<void> {
    const keys = this.#keysIn(range);
    for (let at = 0; at < keys.length; at += CLEARED_AT_ONCE) {
      const deletes = keys.slice(at, at + CLEARED_AT_ONCE);
      await this.#write({ puts: [], deletes, sync: false });
    }
  }

  compactRange(): Promise<void> {
    return this.#opened(() => this.#call('compact', '', () => this.#disk.compact()));
  }

  #write(write: DiskWrite): Promise<void> {
    return this.#opened(async () => {
      if (this.#failure !== undefined) throw this.#failure;
      this.#writing.add(write);
      const text = `${write.puts.length} puts, ${write.deletes.length} deletes`;
      await this.#call(
        'write',
        write.sync ? `${text}, sync` : text,
        () => {
          this.#writing.delete(write);
          this.#disk.write(write);
        },
        (isStored) => {
          this.#writing.delete(write);
          if (isStored) this.#disk.writeUnseen(write);
        },
      );
    });
  }

  /** A call of the store, in its time; `onFault` is told whether a write is stored nevertheless. */
  #call<T>(
    kind: StoreCall['kind'],
    text: string,
    work: () => T,
    onFault: (isStored: boolean) => void = () => {},
  ): Promise<T> {
    const { clock, faults, trace } = this.#owner;
    const call = { store: this.#disk.name, kind };
    const latencyMs = faults.latencyMs(call, this.#owner.phase);
    if (latencyMs >= SLOW_MS) this.#owner.faultCount += 1;
    this.#inFlight += 1;
    return new Promise((resolve, reject) => {
      clock.setTimeout(() => {
        this.#inFlight -= 1;
        const fault = faults.decide(call, this.#owner.phase);
        const ending = fault === undefined ? '' : ` ${fault.kind}`;
        trace.note(`${this.#disk.name} ${kind} ${text}${ending}`);
        if (fault !== undefined) {
          this.#owner.faultCount += 1;
          onFault(fault.isStored);
        }
        if (fault?.kind === 'crash') {
          this.#owner.crash(fault.isPowerCut);
          return;
        }
        if (fault?.kind === 'error') {
          const error = storeError(fault.message, 'LEVEL_IO_ERROR');
          // After a failed write every later one fails, until the database is opened again.
          if (kind === 'write') this.#failure ??= error;
          reject(error);
        } else {
          resolve(work());
        }
        if (this.#inFlight === 0) this.#onIdle?.();
      }, latencyMs);
    });
  }

  #opened<T>(job: () => Promise<T>): Promise<T> {
    if (this.#isOpen) return job();
    this.#owner.violated('a closed store is left alone', `${this.#disk.name} was called`);
    return Promise.reject(storeError('the database is not open', 'LEVEL_DATABASE_NOT_OPEN'));
  }

  #keysIn({ gte, lte }: KeyRange): string[] {
    const isIn = (key: string) =>
      (gte === undefined || key >= gte) && (lte === undefined || key <= lte);
    return this.#disk.keys.filter(isIn);
  }

  #scan<T>(range: KeyRange, itemOf: (key: string) => T): Batches<T> {
    this.#iterators += 1;
    let items: T[] | undefined;
    let isClosed = false;
    const read = (size: number) => {
      items ??= this.#keysIn(range).map(itemOf);
      return items.splice(0, Math.min(size, SCAN_ENTRIES));
    };
    return {
      nextv: (size) => {
        if (!this.#isOpen) {
          return Promise.reject(storeError('the iterator is closed', 'LEVEL_ITERATOR_NOT_OPEN'));
        }
        // The picture is the one of the call.
        items ??= this.#keysIn(range).map(itemOf);
        return this.#call('read', 'a scan', () => read(size));
      },
      close: async () => {
        if (!isClosed) this.#iterators -= 1;
        isClosed = true;
      },
    };
  }
}

function storeError(message: string, code: string): Error {
  return Object.assign(new Error(message), { code });
}
