import { parentOf, ROOT_NODE, type TraceEvent } from './trace-events.js';

/** A change of names. */
export type NameChange = Extract<TraceEvent, { type: 'create' | 'rename' | 'remove' }>;
/** A change of a file's contents. */
export type ContentChange = Extract<TraceEvent, { type: 'write' | 'truncate' }>;

/** The changes of one file, in order. */
export interface Contents {
  changes: ContentChange[];
  /** How many of them are durable. */
  synced: number;
}

/**
 * What the sync of a file commits besides its contents:
 *
 * - `shared`: the one journal of the file system, up to the file's last change of name or size, so
 *   every change of any name before that (ext4 with its defaults, XFS).
 * - `own`: the file's own last change of name and what came before it (as little as btrfs does).
 */
export type Journal = 'shared' | 'own';

interface FileHistory extends Contents {
  places: number[];
  size: number;
  /** Where the file last changed its name or its size. */
  journaled: number[];
}

/** What is durable after some events. */
export class Durability {
  /** Every change of names, in order. */
  readonly names: NameChange[] = [];
  /** How many of them are durable at least. */
  settled = 0;
  readonly #journal: Journal;
  readonly #files = new Map<number, FileHistory>();
  readonly #directories = new Map<number, { path: string; places: number[] }>();
  readonly #namePlaces: number[] = [];

  constructor(journal: Journal) {
    this.#journal = journal;
    this.#directories.set(ROOT_NODE, { path: '', places: [] });
  }

  /** Takes the events before number `point` into account. */
  replay(events: readonly TraceEvent[], point: number): void {
    for (let place = 0; place < point; place += 1) {
      const event = events[place];
      if (event === undefined || event.type === 'mark') continue;
      if (event.type === 'sync') this.#sync(event.node, event.since);
      else if (event.type === 'write' || event.type === 'truncate') this.#change(event, place);
      else this.#name(event, place);
    }
  }

  contents(node: number): Contents {
    return this.#file(node);
  }

  #sync(node: number, since: number): void {
    const directory = this.#directories.get(node);
    const file = this.#file(node);
    file.synced = Math.max(file.synced, countBefore(file.places, since));
    const places = directory?.places ?? file.journaled;
    const last = places[countBefore(places, since) - 1];
    if (last === undefined) return;
    this.settled = Math.max(this.settled, countBefore(this.#namePlaces, last + 1));
  }

  #change(event: ContentChange, place: number): void {
    const file = this.#file(event.node);
    const end = event.type === 'truncate' ? event.size : event.offset + event.data.length;
    const resized = event.type === 'truncate' || end > file.size;
    if (resized) file.size = end;
    if (resized && this.#journal === 'shared') file.journaled.push(place);
    file.changes.push(event);
    file.places.push(place);
  }

  #name(event: NameChange, place: number): void {
    const paths = event.type === 'rename' ? [event.from, event.to] : [event.path];
    const parents = paths.map(parentOf);
    for (const directory of this.#directories.values()) {
      if (parents.includes(directory.path)) directory.places.push(place);
      if (event.type === 'rename' && directory.path === event.from) directory.path = event.to;
    }
    if (event.type === 'create' && event.directory) {
      this.#directories.set(event.node, { path: event.path, places: [place] });
    } else {
      this.#file(event.node).journaled.push(place);
    }
    this.names.push(event);
    this.#namePlaces.push(place);
  }

  #file(node: number): FileHistory {
    let file = this.#files.get(node);
    if (file === undefined) {
      file = { changes: [], places: [], synced: 0, size: 0, journaled: [] };
      this.#files.set(node, file);
    }
    return file;
  }
}

/** How many of the ascending numbers are below `limit`. */
function countBefore(ascending: readonly number[], limit: number): number {
  let count = ascending.length;
  while (count > 0 && (ascending[count - 1] ?? 0) >= limit) count -= 1;
  return count;
}
