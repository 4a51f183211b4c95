import { errorText, SluiceError } from '../../errors.js';
import { shortly } from '../names.js';

type Nothing = Record<never, never>;

/** What a phase of an optimization is given; `run` is its number, from 1, in the order of beginnings. */
interface OfRun {
  run: number;
  optimizer: string;
}

/** Every call of a port that is written down: what it was given, and what it gave. */
export interface Calls {
  'wal.open': { given: Nothing; got: { acked: number; last: number } };
  'wal.append': {
    given: { records: readonly Uint8Array[]; sync: boolean };
    got: { opNums: readonly number[] };
  };
  'wal.sync': { given: Nothing; got: Nothing };
  'wal.read': { given: { from: number; to: number }; got: Nothing };
  'wal.acknowledge': { given: { upTo: number }; got: Nothing };
  'wal.reclaim': { given: Nothing; got: Nothing };
  'wal.close': { given: Nothing; got: Nothing };
  'segments.open': { given: Nothing; got: { applied: number } };
  'segments.apply': { given: { opNum: number; operation: unknown }; got: { affected: number } };
  'segments.ensureCapacity': { given: Nothing; got: Nothing };
  'segments.capture': { given: { applied: number; capture: number }; got: { changed: boolean } };
  'segments.reclaim': { given: Nothing; got: Nothing };
  'segments.close': { given: Nothing; got: Nothing };
  'capture.writeBlocks': { given: { capture: number }; got: Nothing };
  'capture.commit': { given: { capture: number; applied: number }; got: Nothing };
  'capture.release': { given: { capture: number }; got: Nothing };
  'optimizer.select': { given: { optimizer: string }; got: { ids: readonly number[] } };
  'optimizer.begin': {
    given: OfRun & { ids: readonly number[] };
    got: { begun: boolean; points: number; cpus: number };
  };
  'run.copy': { given: OfRun & { permits: number }; got: Nothing };
  'run.index': { given: OfRun & { permits: number }; got: Nothing };
  'run.catchUp': { given: OfRun & { permits: number }; got: Nothing };
  'run.swap': { given: OfRun; got: { points: number } };
  'run.rollback': { given: OfRun; got: Nothing };
  'run.discard': { given: OfRun; got: Nothing };
  'deaths.read': { given: Nothing; got: { count: number } };
  'deaths.write': { given: { count: number; sync: boolean }; got: Nothing };
}

/** The name of a call: `wal.append`, `run.swap`, … */
export type Site = keyof Calls;

/** An asynchronous call has come to its port. Synchronous ones are written down when they are over. */
export interface Begun<S extends Site> {
  type: 'begun';
  site: S;
  /** Finds the end that belongs to it. */
  call: number;
  given: Calls[S]['given'];
}

/** A call has given its result. */
export interface Ended<S extends Site> {
  type: 'ended';
  site: S;
  call: number;
  given: Calls[S]['given'];
  got: Calls[S]['got'];
}

/** A call has thrown or rejected. */
export interface Failed<S extends Site> {
  type: 'failed';
  site: S;
  call: number;
  given: Calls[S]['given'];
  error: unknown;
  /** True when the port did its work nevertheless; a caller can't know that. */
  worked: boolean;
}

/** What a caller can ask an update handler for. */
export type RequestKind =
  | 'ready'
  | 'submit'
  | 'plunge'
  | 'flush'
  | 'reconfigure'
  | 'reopen'
  | 'stop'
  | 'read';

/** A caller has asked for something that will be answered. */
export interface Asked {
  type: 'asked';
  request: number;
  kind: RequestKind;
  facts: object;
}

/** A request has been answered well. */
export interface Answered {
  type: 'answered';
  request: number;
  kind: RequestKind;
  result: unknown;
}

/** A request has been answered with an error. */
export interface Refused {
  type: 'refused';
  request: number;
  kind: RequestKind;
  error: unknown;
}

/** A caller has asked that records from `from` on be kept (0: all), or does not need them any more. */
export interface Kept {
  type: 'kept';
  hold: number;
  /** Null when the hold is given up. */
  from: number | null;
}

/** A process has begun with this storage, or has died without closing it. */
export interface Life {
  type: 'life';
  what: 'began' | 'killed';
}

/** Something that nobody has asked for: an unhandled rejection, a warning. */
export interface Stray {
  type: 'stray';
  text: string;
}

/** Anything else that a reader of the journal should see in its place. */
export interface Noted {
  type: 'noted';
  what: string;
}

/** The calls of all ports, each with its own facts. */
export type CallEvent = { [S in Site]: Begun<S> | Ended<S> | Failed<S> }[Site];

/** One line of the journal. */
export type JournalEvent = CallEvent | Asked | Answered | Refused | Kept | Life | Stray | Noted;

/** Events that are kept for a reader; who needs all of them listens. */
const KEPT_MAX = 2000;

/** What happened between the core and its ports, and what its callers were told, in order. */
export class Journal {
  readonly #listeners: ((event: JournalEvent) => void)[] = [];
  #events: JournalEvent[] = [];
  #length = 0;

  /** The newest events, at least a thousand of them, the oldest first. */
  get events(): readonly JournalEvent[] {
    return this.#events;
  }

  /** How many events there have been. */
  get length(): number {
    return this.#length;
  }

  /** Calls the listener with each event from now on, at once. */
  listen(listener: (event: JournalEvent) => void): void {
    this.#listeners.push(listener);
  }

  record(event: JournalEvent): void {
    if (this.#events.length >= KEPT_MAX) this.#events = this.#events.slice(KEPT_MAX / 2);
    this.#events.push(event);
    this.#length += 1;
    for (const listener of this.#listeners) listener(event);
  }

  /** Notes something that is no call and no answer. */
  note(what: string): void {
    this.record({ type: 'noted', what });
  }

  /** The last events as lines to read. */
  tail(lines = 30): string[] {
    return this.#events.slice(-lines).map(eventLine);
  }
}

/** One event as one line: `#12 wal.append ended {"records":1,"sync":true} → {"opNums":[4]}`. */
export function eventLine(event: JournalEvent): string {
  switch (event.type) {
    case 'begun':
      return `#${event.call} ${event.site} begun ${facts(event.given)}`;
    case 'ended':
      return `#${event.call} ${event.site} ended ${facts(event.given)} → ${facts(event.got)}`;
    case 'failed': {
      const why = `${problem(event.error)}${event.worked ? ' (but it worked)' : ''}`;
      return `#${event.call} ${event.site} failed ${facts(event.given)}: ${why}`;
    }
    case 'asked':
      return `caller ${event.request} asks: ${event.kind} ${facts(event.facts)}`;
    case 'answered':
      return `caller ${event.request} is answered: ${event.kind} ${shortly(event.result)}`;
    case 'refused':
      return `caller ${event.request} is refused: ${event.kind} ${problem(event.error)}`;
    case 'kept':
      return `hold ${event.hold}: ${event.from === null ? 'given up' : `from ${event.from} on`}`;
    case 'life':
      return `a process ${event.what === 'began' ? 'begins' : 'is killed'}`;
    case 'stray':
      return `stray: ${event.text}`;
    case 'noted':
      return event.what;
  }
}

function facts(given: object): string {
  const fields = Object.entries(given).map(([name, value]) => [
    name,
    name === 'records' && Array.isArray(value) ? value.length : value,
  ]);
  return fields.length === 0 ? '' : shortly(Object.fromEntries(fields), 120);
}

function problem(error: unknown): string {
  const code = error instanceof SluiceError ? `${error.code} (${error.kind}) ` : '';
  return `${code}${errorText(error)}`;
}
