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
  readonly #queue: Waiting[] = [];
  #entries = 0;
  #bytes = 0;
  #walBytes = 0;

  constructor(limits: RoomLimits, canFreeWal: () => boolean) {
    this.#limits = limits;
    this.#canFreeWal = canFreeWal;
  }

  get usage(): { entries: number; bytes: number; walBytes: number; waiting: number } {
    return {
      entries: this.#entries,
      bytes: this.#bytes,
      walBytes: this.#walBytes,
      waiting: this.#queue.length,
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
    const waiting: Waiting = { entries: size === null ? 0 : 1, bytes: size ?? 0, granted, refused };
    this.#queue.push(waiting);
    this.#serve();
    return () => {
      const at = this.#queue.indexOf(waiting);
      if (at < 0) return;
      this.#queue.splice(at, 1);
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
    for (const waiting of this.#queue.splice(0)) waiting.refused(error);
  }

  #serve(): void {
    for (let head = this.#queue[0]; head !== undefined; head = this.#queue[0]) {
      if (head.entries > 0) {
        const { entriesMax, bytesMax, walBytesMax } = this.#limits;
        if (this.#entries + 1 > entriesMax) return;
        if (this.#entries > 0 && this.#bytes + head.bytes > bytesMax) return;
        if (this.#walBytes > 0 && this.#walBytes + head.bytes > walBytesMax) {
          if (this.#canFreeWal()) return;
          this.#queue.shift();
          head.refused(
            new SluiceError('SLUICE_WAL_FULL', `the log holds its limit of ${walBytesMax} bytes`),
          );
          continue;
        }
        this.#entries += 1;
        this.#bytes += head.bytes;
        this.#walBytes += head.bytes;
      }
      this.#queue.shift();
      head.granted();
    }
  }
}
