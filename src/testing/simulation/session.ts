import type { Collection } from '../../collection.js';
import { errorText, SluiceError } from '../../errors.js';
import type { PointOperation } from '../../services/points/operations.js';
import type { Change } from '../../types.js';
import type { PastPoint } from './checkers/clocks.js';
import type { World } from './world.js';

interface Call {
  name: string;
  since: number;
}

type Reader = AsyncIterableIterator<Change<PointOperation>>;

/** What anything may be refused with when the collection is closed, breaks, or its caller gives up. */
const REFUSALS: ReadonlySet<string> = new Set([
  'SLUICE_ABORTED',
  'SLUICE_BROKEN',
  'SLUICE_STOPPED',
  'SLUICE_IO',
  'SLUICE_DISK_FULL',
  'SLUICE_NOT_OPEN',
  'SLUICE_CRASHED',
  'SLUICE_CANCELLED',
  'SLUICE_READER_TOO_SLOW',
  'SLUICE_THREAD',
  'SLUICE_NOT_ENOUGH_SPACE',
]);

/** What has been asked of a collection between one opening and the next. */
export class Session {
  readonly #world: World;
  readonly #calls = new Set<Call>();
  readonly #holds = new Map<() => void, number>();
  /** Held on to, because a reader that nobody holds ends when memory is collected. */
  readonly #readers = new Set<Reader>();
  /** Operations that readers have shown and nobody has looked at yet. */
  #shown: { opNum: number; kind: string; declined: boolean }[] = [];
  #collection: Collection | undefined;
  /** Counts openings: what an earlier one still says doesn't count. */
  #number = 0;
  /** A recovery point of this session's collection, from earlier on. */
  past: PastPoint | undefined;
  /** What the flush interval may be: the one that is stored, or one that was asked for since. */
  #intervals: number[];

  constructor(world: World) {
    this.#world = world;
    this.#intervals = [world.settings.created.flushIntervalMs ?? 0];
  }

  get collection(): Collection | undefined {
    return this.#collection;
  }

  /** The lowest number that the log was asked to keep. */
  get keptFrom(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.#holds.values());
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** The collection is open; `isLoaded`: what is in force is what a new process has read. */
  begin(collection: Collection, isLoaded: boolean): void {
    this.#number += 1;
    this.#collection = collection;
    const { flushIntervalMs } = collection.info().configuration;
    if (!this.#intervals.includes(flushIntervalMs)) {
      const text = `the interval is ${flushIntervalMs}, should be one of ${this.#intervals}`;
      this.#world.violated('the configuration in force is stored', text);
    }
    // A collection that is opened again keeps what it was told, and has it stored by the next commit.
    if (isLoaded) this.#intervals = [flushIntervalMs];
  }

  /** The collection is closed, broken, or its process is dead. */
  end(): void {
    this.#number += 1;
    this.#calls.clear();
    // Also of a process that lives on: a reopening keeps what it was asked to keep.
    while (this.#holds.size > 0) this.release();
    this.#readers.clear();
    this.#shown = [];
    this.past = undefined;
    this.#collection = undefined;
  }

  /** Watches a call that must end, by the end of the session at the latest. */
  watch<T>(name: string, call: Promise<T>, onDone: (value: T) => void = () => {}): void {
    const { trace, time, violated } = this.#world;
    const number = this.#number;
    const entry = { name, since: time.now };
    this.#calls.add(entry);
    call.then(
      (value) => {
        if (number !== this.#number) return;
        this.#calls.delete(entry);
        trace.note(`${name} done`);
        onDone(value);
      },
      (error) => {
        if (number !== this.#number) return;
        this.#calls.delete(entry);
        const code = error instanceof SluiceError ? error.code : undefined;
        trace.note(`${name} failed: ${code}`);
        if (code === undefined || !REFUSALS.has(code)) {
          violated('calls fail only for a reason', `${name}: ${errorText(error)}`);
        }
      },
    );
  }

  /** Who waits for an answer: calls by their names, updates by their kinds. */
  get unanswered(): string[] {
    return [
      ...[...this.#calls].map(({ name }) => name),
      ...this.#world.oracle.pending.map(({ operation }) => operation.kind),
    ];
  }

  /** Everyone must have been answered. */
  settled(why: string): void {
    const names = this.unanswered;
    if (names.length === 0) return;
    this.#world.violated(
      'each caller is answered',
      `${why}, and nobody answers ${names.join(', ')}`,
    );
  }

  /** Asks the log to keep records from this number on, 0 all that it has. */
  hold(collection: Collection, opNum: number): void {
    const { committed } = collection.telemetry().flush;
    this.#unlessRefused(() => {
      const release = collection.keepWalFrom(opNum);
      // A round that is about to forget what it has committed goes on.
      this.#holds.set(release, opNum === 0 ? committed + 1 : opNum);
    });
  }

  /** Gives up what was asked for longest. */
  release(): void {
    const [first] = this.#holds.keys();
    if (first === undefined) return;
    this.#holds.delete(first);
    first();
  }

  /** The configuration is asked to have this interval. */
  configuring(flushIntervalMs: number): () => void {
    this.#intervals.push(flushIntervalMs);
    return () => {
      const at = this.#intervals.indexOf(flushIntervalMs);
      if (at > 0) this.#intervals.splice(0, at);
    };
  }

  /** Reads the log, and compares later what it shows. */
  read(collection: Collection, from: number | undefined): void {
    this.#unlessRefused(() => {
      const options = from === undefined ? { follow: true } : { follow: true, from };
      this.#follow(collection.changes(options), from);
    });
  }

  #follow(reader: Reader, from: number | undefined): void {
    this.#readers.add(reader);
    let expected = from;
    const number = this.#number;
    const next = (): void => {
      reader.next().then(
        ({ value, done }) => {
          if (number !== this.#number) return;
          if (done || value === undefined) {
            this.#readers.delete(reader);
            return;
          }
          const { opNum, operation, declined } = value;
          if (expected !== undefined && opNum !== expected) {
            const text = `${opNum} came, should be ${expected}`;
            this.#world.violated('a reader sees each operation once, in order', text);
          }
          expected = opNum + 1;
          this.#shown.push({ opNum, kind: operation.kind, declined });
          next();
        },
        () => this.#readers.delete(reader),
      );
    };
    next();
  }

  /** The log may be forgetting the records that are asked for, or be broken. */
  #unlessRefused(ask: () => void): void {
    try {
      ask();
    } catch (error) {
      const code = error instanceof SluiceError ? error.code : '';
      if (code !== 'SLUICE_WAL_TRUNCATED' && !REFUSALS.has(code)) throw error;
    }
  }

  /** Ends a reader. */
  stopReading(): void {
    const [first] = this.#readers;
    if (first === undefined) return;
    this.#readers.delete(first);
    void first.return?.();
  }

  /** What readers have shown is safe, and is what was submitted under that number. */
  compareShown(): void {
    const { oracle, violated } = this.#world;
    for (const { opNum, kind, declined } of this.#shown.splice(0)) {
      if (opNum > oracle.folded) {
        violated('a reader sees what is applied', `${opNum}, applied ${oracle.folded}`);
      }
      oracle.safe(opNum);
      const issued = oracle.at(opNum);
      if (issued === undefined) continue;
      const isDeclined = issued.effect === 'declined';
      if (issued.operation.kind !== kind || isDeclined !== declined) {
        const text = `${opNum} is ${kind}${declined ? ', declined' : ''}`;
        violated('a reader sees what was submitted', text);
      }
    }
  }
}
