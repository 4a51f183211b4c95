import { join } from 'node:path';
import { Level } from 'level';
import { MemoryLevel } from 'memory-level';
import { type Optimization, throwIfAborted } from 'sluice';
import { expect, onTestFinished } from 'vitest';
import { KvStore, kvPorts } from '../../../examples/kv-store/kv-store.mjs';
import type { FaultLevel } from '../../support/fault-level.js';
import { temporaryDirectory } from '../../support/temporary.js';

/** What readers see, as a model sees it. */
export type Pairs = [key: string, value: string][];

const BYTES = { keyEncoding: 'utf8', valueEncoding: 'view' } as const;

/** Entries of a full segment in these tests. */
const SEGMENT_ENTRIES = 8;

type AbstractLevel = Level<string, Uint8Array> | MemoryLevel<string, Uint8Array> | FaultLevel;

/** Where a store lives: two databases. */
export interface Databases {
  wal: AbstractLevel;
  segments: AbstractLevel;
}

/** The stores in a test, stopped when it ends, with a gate behind the copying of compactions. */
export class Stage {
  /** How many compactions have passed the gate. */
  passed = 0;
  #isClosed = false;
  #leave: ((error?: Error) => void)[] = [];

  async open(databases: Databases): Promise<KvStore> {
    const ports = kvPorts(databases, SEGMENT_ENTRIES);
    for (const optimizer of ports.optimizers) {
      const begin = optimizer.begin.bind(optimizer);
      optimizer.begin = (ids) => this.#gated(begin(ids));
    }
    const store = new KvStore(ports, { flushIntervalMs: 600_000 });
    onTestFinished(async () => {
      this.openGate();
      await store.close();
    });
    await store.handler.ready();
    return store;
  }

  /** How many compactions stand at the gate. */
  get waiting(): number {
    return this.#leave.length;
  }

  closeGate(): void {
    this.#isClosed = true;
  }

  openGate(): void {
    this.#isClosed = false;
    for (const leave of this.#leave.splice(0)) leave();
  }

  /** Those that stand here fail. */
  failThere(): void {
    for (const leave of this.#leave.splice(0)) leave(new Error('failed by a test'));
  }

  #gated(run: Optimization | undefined): Optimization | undefined {
    if (run === undefined) return undefined;
    const copy = run.copy.bind(run);
    run.copy = async (context) => {
      await copy(context);
      if (this.#isClosed) await this.#wait(context.signal);
      this.passed += 1;
    };
    return run;
  }

  async #wait(signal: AbortSignal): Promise<void> {
    // An abort that has come already is told to nobody who begins to listen now.
    throwIfAborted(signal);
    const error = await new Promise<Error | undefined>((resolve) => {
      const onAbort = () => {
        this.#leave = this.#leave.filter((leave) => leave !== resolve);
        resolve(undefined);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#leave.push(resolve);
    });
    if (error !== undefined) throw error;
    throwIfAborted(signal);
  }
}

/** New databases in a directory. */
export async function onDisk(): Promise<Databases> {
  const path = await temporaryDirectory();
  return { wal: levelAt(path, 'wal'), segments: levelAt(path, 'segments') };
}

/** New databases in memory. */
export function inMemory(): Databases {
  return { wal: filled([]), segments: filled([]) };
}

/** What a process that is killed now leaves in databases in memory. */
export async function afterKill(databases: Databases): Promise<Databases> {
  // Both pictures are taken in one step: an iterator sees what was there when it was made.
  const [wal, segments] = [databases.wal.iterator(), databases.segments.iterator()];
  return { wal: filled(await wal.all()), segments: filled(await segments.all()) };
}

/** No compaction is under way any more: what failed has been undone, and counts as failed. */
export async function settled(store: KvStore): Promise<void> {
  const running = () => store.handler.telemetry().optimizations.running;
  await expect.poll(running, { timeout: 10_000 }).toBe(0);
}

/** The keys of a database that holds the blocks of a store. */
export async function blockKeys(db: AbstractLevel): Promise<string[]> {
  const keys = await db.keys().all();
  return keys.filter((key) => key.startsWith('b/'));
}

function levelAt(...path: string[]): Level<string, Uint8Array> {
  return new Level(join(...path), BYTES);
}

function filled(entries: [string, Uint8Array][]): MemoryLevel<string, Uint8Array> {
  const db = new MemoryLevel<string, Uint8Array>(BYTES);
  void db.batch(entries.map(([key, value]) => ({ type: 'put', key, value })));
  return db;
}

/** What a model holds, in the order of `range`. */
export function pairsOf(model: ReadonlyMap<string, string>): Pairs {
  return [...model].sort(([a], [b]) => (a < b ? -1 : 1));
}
