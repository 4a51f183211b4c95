import { parentOf, ROOT_NODE, type TraceEvent } from './trace-events.js';

/** What an open file descriptor stands for. */
export interface OpenFile {
  node: number;
  offset: number;
  append: boolean;
}

/**
 * Follows the names, descriptors and contents of one directory, call by call, and keeps the list
 * of events. Knows nothing of how the calls were observed.
 */
export class FileRecorder {
  readonly events: TraceEvent[] = [];
  readonly #nodes = new Map<string, number>([['', ROOT_NODE]]);
  readonly #sizes = new Map<number, number>();
  #nextNode = ROOT_NODE + 1;

  has(path: string): boolean {
    return this.#nodes.has(path);
  }

  /** Opens `path`, which is created or cut to nothing as the flags say. */
  open(path: string, flags: { create: boolean; truncate: boolean; append: boolean }): OpenFile {
    let node = this.#nodes.get(path);
    if (node === undefined) {
      if (!flags.create) throw new Error(`the trace opens ${path}, which it never saw created`);
      node = this.create(path, false);
    } else if (flags.truncate && this.#size(node) > 0) {
      this.truncate(node, 0);
    }
    return { node, offset: 0, append: flags.append };
  }

  create(path: string, directory: boolean): number {
    const node = this.#nextNode;
    this.#nextNode += 1;
    this.#nodes.set(path, node);
    this.events.push({ type: 'create', node, path, directory });
    return node;
  }

  rename(from: string, to: string): void {
    const node = this.#node(from);
    for (const [path, moved] of [...this.#nodes]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      this.#nodes.delete(path);
      this.#nodes.set(to + path.slice(from.length), moved);
    }
    this.events.push({ type: 'rename', node, from, to });
  }

  remove(path: string): void {
    const node = this.#node(path);
    this.#nodes.delete(path);
    this.events.push({ type: 'remove', node, path });
  }

  /** Writes at `position`, or where the descriptor stands, which then moves on. */
  write(file: OpenFile, data: Uint8Array, position?: number): void {
    const offset = position ?? (file.append ? this.#size(file.node) : file.offset);
    const end = offset + data.length;
    if (position === undefined) file.offset = end;
    this.#sizes.set(file.node, Math.max(this.#size(file.node), end));
    this.events.push({ type: 'write', node: file.node, offset, data });
  }

  truncate(node: number, size: number): void {
    this.#sizes.set(node, size);
    this.events.push({ type: 'truncate', node, size });
  }

  sync(node: number, since: number): void {
    this.events.push({ type: 'sync', node, since });
  }

  mark(text: string): void {
    this.events.push({ type: 'mark', text });
  }

  /** Files and directories that were there, durably, before the run. */
  setUp(entries: Iterable<{ path: string; data: Uint8Array | undefined }>): void {
    for (const { path, data } of entries) {
      const node = this.create(path, data === undefined);
      if (data !== undefined && data.length > 0) {
        this.write({ node, offset: 0, append: false }, data);
      }
      this.sync(node, this.events.length);
      this.sync(this.#node(parentOf(path)), this.events.length);
    }
  }

  #node(path: string): number {
    const node = this.#nodes.get(path);
    if (node === undefined) throw new Error(`the trace names ${path}, which it never saw created`);
    return node;
  }

  #size(node: number): number {
    return this.#sizes.get(node) ?? 0;
  }
}
