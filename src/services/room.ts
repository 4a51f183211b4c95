import { SluiceError } from '../errors.js';

/** What the queue and the log may hold; a place is given when all limits allow it. */
export interface RoomLimits {
  /** Operations submitted and not yet applied. */
  entriesMax: number;
  /** Their bytes. */
  bytesMax: number;
  /** Bytes of records that the log has not forgotten. */
  walBytesMax: number;
}

interface Waiting {
  entries: number;
  /** Gave its place up; skipped when its turn comes. */
  left: boolean;
  bytes: number;
  granted: () => void;
  refused: (error: SluiceError) => void;
}

/**
 * Places between submission and application, given first come, first served: whoever has to wait
 * also holds back all who come later, so that the order of submission is the order of the log.
 */
export class Room {
  readonly #limits: RoomLimits;
  /** Asked when the log is full: true if a flush will free it, false to refuse. */
  readonly #canFreeWal: () => boolean;
  // Taken from the front by moving `#head`: shifting a long array costs its length each time.
  #queue: Waiting[] = [];
  #head = 0;
  #waiting = 0;
  #waitingBytes = 0;
  #entries = 0;
  #bytes = 0;
  #walBytes = 0;

  constructor(limits: RoomLimits, canFreeWal: () => boolean) {
    this.#limits = limits;
    this.#canFreeWal = canFreeWal;
  }

  get usage() {
    return {
      entries: this.#entries,
      bytes: this.#bytes,
      walBytes: this.#walBytes,
      /** Submitted and without a place yet; they are kept encoded until they have one. */
      waiting: this.#waiting,
      waitingBytes: this.#waitingBytes,
    };
  }

  /**
   * Calls `granted`, at once if there is room and nobody waits, or `refused`. Takes one entry of so
   * many bytes; null takes none: a signal only keeps its place in the order.
   * Returns a function that gives the place in the queue up (no effect once granted).
   */
  enter(
    size: number | null,
    granted: () => void,
    refused: (error: SluiceError) => void,
  ): () => void {
    const entries = size === null ? 0 : 1;
    const waiting: Waiting = { entries, bytes: size ?? 0, left: false, granted, refused };
    this.#queue.push(waiting);
    this.#waiting += 1;
    this.#waitingBytes += waiting.bytes;
    this.#serve();
    return () => {
      if (waiting.left) return;
      this.#forget(waiting);
      this.#serve();
    };
  }

  /** An operation has been applied, or could not be appended. */
  leave(bytes: number): void {
    this.#entries -= 1;
    this.#bytes -= bytes;
    this.#serve();
  }

  /** The log holds this many bytes more (found at opening) or fewer (forgotten). */
  addWalBytes(bytes: number): void {
    this.#walBytes += bytes;
    if (bytes < 0) this.#serve();
  }

  /** Looks again whether the log is full for good, after a flush has failed. */
  recheck(): void {
    this.#serve();
  }

  /** Refuses everyone who waits. */
  refuseAll(error: SluiceError): void {
    const waiting = this.#queue.slice(this.#head).filter(({ left }) => !left);
    const refusals = waiting.map(({ refused }) => refused);
    for (const one of waiting) this.#forget(one);
    this.#queue = [];
    this.#head = 0;
    for (const refused of refusals) refused(error);
  }

  #serve(): void {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      if (next.entries > 0) {
        const { entriesMax, bytesMax, walBytesMax } = this.#limits;
        if (this.#entries + 1 > entriesMax) return;
        if (this.#entries > 0 && this.#bytes + next.bytes > bytesMax) return;
        if (this.#walBytes > 0 && this.#walBytes + next.bytes > walBytesMax) {
          if (this.#canFreeWal()) return;
          const { refused } = next;
          this.#forget(next);
          refused(
            new SluiceError('SLUICE_WAL_FULL', `the log holds its limit of ${walBytesMax} bytes`),
          );
          continue;
        }
        this.#entries += 1;
        this.#bytes += next.bytes;
        this.#walBytes += next.bytes;
      }
      const { granted } = next;
      this.#forget(next);
      granted();
    }
  }

  /** The first that still waits. */
  #next(): Waiting | undefined {
    while (this.#queue[this.#head]?.left === true) this.#head += 1;
    if (this.#head > 1000 && this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    return this.#queue[this.#head];
  }

  /** It doesn't wait any more; its place in the queue must not hold what it holds. */
  #forget(waiting: Waiting): void {
    waiting.left = true;
    waiting.granted = nothing;
    waiting.refused = nothing;
    this.#waiting -= 1;
    this.#waitingBytes -= waiting.bytes;
  }
}

function nothing(): void {}
