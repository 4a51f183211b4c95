import type {
  DeathCounter,
  OperationCodec,
  SegmentHolder,
  SegmentInfo,
  SegmentOptimizer,
  Wal,
} from '../../services/ports.js';

/** `kill`: the process dies, what it gave to the system stays. `powerCut`: only what was synced is sure. */
export type Crash = 'kill' | 'powerCut';

/** Storage of its own for one path of a test. It outlives the adapters on it, as a disk does. */
export interface Place<Adapters> {
  /** New adapters on this storage, not opened yet. Called again after a close or a crash. */
  adapters(): Adapters | Promise<Adapters>;
  /**
   * The storage as such an end of the process leaves it, from now on. The adapters of before may be
   * in the middle of something: what they still do must not matter any more.
   */
  crash?(how: Crash): void | Promise<void>;
  /** The next write fails as on a broken disk; with `stored` it is there nevertheless. */
  failWrite?(options: { stored: boolean }): void | Promise<void>;
  /** Names of the blocks that are stored, and of those that count; asked while nothing is open. */
  blocks?(): Promise<{ stored: Iterable<string>; named: Iterable<string> }>;
  /** Another writer of the same log appends records; gives their numbers. */
  writeElsewhere?(records: readonly Uint8Array[]): Promise<readonly number[]>;
  /** Removes the storage; its adapters are closed, or were crashed. */
  destroy?(): void | Promise<void>;
}

/** What the kit needs to test a log. */
export interface LogAdapters {
  wal: Wal;
}

/** Keys and values. */
export type KeyValues = Iterable<readonly [key: string, value: string]>;

/** What the kit needs to test segments and their optimizers. */
export interface SegmentsAdapters<Op, Info extends SegmentInfo = SegmentInfo> {
  segments: SegmentHolder<Op, Info>;
  optimizers?: readonly SegmentOptimizer<Info>[];
  /** Operations go through it before they are applied, as the core does it. */
  codec?: OperationCodec<Op>;
  /** Opened and closed with the segments. */
  deathCounter?: DeathCounter;
  /** Everything that readers see now, as keys and values; a key may come only once. */
  content(): KeyValues | Promise<KeyValues>;
}

/** What the kit needs to test a whole store. */
export interface StoreAdapters<Op, Info extends SegmentInfo = SegmentInfo>
  extends LogAdapters,
    SegmentsAdapters<Op, Info> {}

/** The operations of a store, as far as the kit uses them. */
export interface Operations<Op> {
  put(key: string, value: string): Op;
  delete(key: string): Op;
  /** One that the store must decline for ever, because of a key that exists or of one that doesn't. */
  refused?(keys: { present: string; absent: string }): Op;
}

/** What the storage and the adapters can do. The kit skips what is false, and says so. */
export interface Supports {
  /** Another adapter on the same storage finds what one has left. @default true */
  permanence?: boolean;
  /** `Place.crash('kill')`. @default false */
  kill?: boolean;
  /** `Place.crash('powerCut')`. @default false */
  powerCut?: boolean;
  /** `Place.failWrite`. @default false */
  failedWrites?: boolean;
  /** `Place.blocks`. @default false */
  blocks?: boolean;
  /** `Operations.refused`. @default false */
  refused?: boolean;
  /** There are optimizers, and some hundred operations give them something to do. @default false */
  optimizers?: boolean;
  /** Notes of the log are stored with a commit and given back by `open`. @default false */
  notes?: boolean;
  /** `SegmentHolder.touched`. @default false */
  touched?: boolean;
  /** `SegmentHolder.reclaim`. @default false */
  reclaim?: boolean;
  /** `SegmentHolder.garbageBytes`. @default false */
  garbageBytes?: boolean;
  /** `SegmentHolder.diskUse`. @default false */
  diskUse?: boolean;
  /** `deathCounter` among the adapters. @default false */
  deathCounter?: boolean;
  /** `Wal.reclaim`. @default false */
  logReclaim?: boolean;
  /** `Wal.bytesOnDisk`. @default false */
  logBytesOnDisk?: boolean;
  /** `Wal.watch`, and `Place.writeElsewhere`. @default false */
  otherWriters?: boolean;
}

export type Capability = keyof Supports;

/** The functions of a test runner: vitest, node:test, jest, or any other with a name and a function. */
export interface Runner {
  test: TestFunction;
  /** Without it, the name of the group stands before each name. */
  describe?: (name: string, body: () => void) => unknown;
}

export interface TestFunction {
  (name: string, body: () => Promise<void>): unknown;
  /** Takes what is not supported; without it such a test passes, and its name says why. */
  skip?: unknown;
}
