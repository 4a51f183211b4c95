/** Limits of the queue; see `RoomLimits`. */
export interface Limits {
  entriesMax: number;
  bytesMax: number;
  walBytesMax: number;
}

/** An operation, or a signal, which takes no room. */
export interface Item {
  id: number;
  bytes: number;
  wait: boolean;
  marker: boolean;
  /** Its caller has been answered, or no longer waits. */
  left: boolean;
  opNum?: number;
}

/** What the queue in front of the log does, said with lists. */
export class QueueModel {
  readonly answers = new Map<number, string>();
  readonly #limits: Limits;
  /** Without room. */
  #waiting: Item[] = [];
  /** With room, until the next append. */
  #queue: Item[] = [];
  /** In the append that is running; empty when none is. */
  #writing: Item[] = [];
  /** In the log, not applied. */
  #logged: Item[] = [];
  /** Sizes of the records that the log has not forgotten, by number. */
  readonly #kept = new Map<number, number>();
  #canFree = true;
  #nextId = 1;
  #last = 0;
  #applied = 0;
  #synced = 0;
  #forgotten = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get isWriting(): boolean {
    return this.#writing.length > 0;
  }

  get numbers() {
    return { applied: this.#applied, end: this.#last, synced: this.#synced };
  }

  get usage() {
    const held = [...this.#queue, ...this.#writing, ...this.#logged].filter(isOperation);
    const unwritten = [...this.#queue, ...this.#writing].filter(isOperation);
    const waiting = this.#waiting.length;
    return {
      entries: held.length,
      bytes: bytesOf(held),
      walBytes: bytesOf(unwritten) + [...this.#kept.values()].reduce((a, b) => a + b, 0),
      waiting,
      waitingBytes: bytesOf(this.#waiting),
    };
  }

  /** Operations that are in the log and not applied. */
  get unapplied(): Item[] {
    return this.#logged.filter(isOperation);
  }

  /** Operations whose callers wait. */
  get unanswered(): Item[] {
    const all = [...this.#waiting, ...this.#queue, ...this.#writing, ...this.#logged];
    return all.filter((item) => isOperation(item) && !item.left);
  }

  submit(bytes: number, wait: boolean): Item {
    return this.#enter({ id: this.#nextId++, bytes, wait, marker: false, left: false });
  }

  signal() {
    const { id } = this.#enter({
      ...{ id: this.#nextId++, bytes: 0, wait: false, marker: true, left: false },
    });
    return { signal: 'Plunger' as const, id };
  }

  abort(id: number): void {
    const hasId = (item: Item) => item.id === id && isOperation(item);
    const item = this.unanswered.find(hasId);
    if (item === undefined) return;
    item.left = true;
    if (this.#waiting.includes(item) || this.#queue.includes(item)) {
      this.#waiting = this.#waiting.filter((other) => other !== item);
      this.#queue = this.#queue.filter((other) => other !== item);
      this.answers.set(id, 'SLUICE_ABORTED');
      this.#serve();
    } else if (item.opNum !== undefined) {
      this.answers.set(id, `waitTimeout ${item.opNum}`);
    }
  }

  /** The append that is running ends. */
  endAppend(isGood: boolean): void {
    const batch = this.#writing;
    this.#writing = [];
    const records = batch.filter(isOperation);
    if (isGood) {
      for (const item of records) this.#write(item);
      if (records.some(({ wait }) => wait)) this.#synced = this.#last;
      this.#logged.push(...batch);
    } else {
      for (const item of records) this.#answer(item, 'busy');
      this.#logged.push(...batch.filter((item) => !isOperation(item)));
    }
    this.#serve();
  }

  /** What the applier finds. */
  next() {
    const [head] = this.#logged;
    if (head === undefined) return undefined;
    if (head.marker) return { marker: { signal: 'Plunger', id: head.id } };
    const end = this.#logged.findIndex(({ marker }) => marker);
    const run = end < 0 ? this.#logged : this.#logged.slice(0, end);
    return { to: run.at(-1)?.opNum };
  }

  /** The applier takes the next item: its number, or undefined for a signal. */
  take(isDeclined: boolean): number | undefined {
    const item = this.#logged.shift();
    if (item?.opNum === undefined) return undefined;
    this.#applied = item.opNum;
    if (!item.left) this.#answer(item, isDeclined ? 'declined' : `completed ${item.opNum}`);
    this.#serve();
    return item.opNum;
  }

  /** The log forgets so many applied records more; gives the number of the last. */
  forget(count: number): number {
    this.#forgotten = Math.min(this.#applied, this.#forgotten + count);
    for (const opNum of this.#kept.keys()) if (opNum <= this.#forgotten) this.#kept.delete(opNum);
    this.#serve();
    return this.#forgotten;
  }

  setCanFree(isPossible: boolean): void {
    this.#canFree = isPossible;
    this.#serve();
  }

  /** Whoever waits for room gets this error; signals still keep their place. */
  close(error: string): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const item of waiting) {
      if (item.marker) this.#queue.push(item);
      else this.#answer(item, error);
    }
    this.#begin();
  }

  #enter(item: Item): Item {
    this.#waiting.push(item);
    this.#serve();
    return item;
  }

  /** First come, first served. */
  #serve(): void {
    const { entriesMax, bytesMax, walBytesMax } = this.#limits;
    for (let [head] = this.#waiting; head !== undefined; [head] = this.#waiting) {
      const { entries, bytes, walBytes } = this.usage;
      if (!head.marker) {
        if (entries === entriesMax) break;
        if (entries > 0 && bytes + head.bytes > bytesMax) break;
        const isLogFull = walBytes > 0 && walBytes + head.bytes > walBytesMax;
        if (isLogFull && this.#canFree) break;
        this.#waiting.shift();
        if (isLogFull) this.#answer(head, 'SLUICE_WAL_FULL');
        else this.#queue.push(head);
      } else {
        this.#waiting.shift();
        this.#queue.push(head);
      }
    }
    this.#begin();
  }

  /** All that have room share the next append; signals alone need none. */
  #begin(): void {
    if (this.isWriting) return;
    if (this.#queue.some(isOperation)) this.#writing = this.#queue;
    else this.#logged.push(...this.#queue);
    this.#queue = [];
  }

  #write(item: Item): void {
    this.#last += 1;
    item.opNum = this.#last;
    this.#kept.set(this.#last, item.bytes);
    if (item.left) this.answers.set(item.id, `waitTimeout ${item.opNum}`);
    else if (!item.wait) this.#answer(item, `acknowledged ${item.opNum}`);
  }

  #answer(item: Item, text: string): void {
    item.left = true;
    this.answers.set(item.id, text);
  }
}

function isOperation({ marker }: Item): boolean {
  return !marker;
}

function bytesOf(items: readonly Item[]): number {
  return items.reduce((sum, { bytes }) => sum + bytes, 0);
}
