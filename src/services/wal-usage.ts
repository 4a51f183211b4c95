/** How many records share one number of the account at most; it stays small for a long log. */
const BUCKET_BYTES = 64 * 1024;

/** Keeps account of the bytes in the log, coarsely, so that forgetting records frees their room. */
export class WalUsage {
  readonly #bucketBytes: number;
  #buckets: { to: number; bytes: number }[] = [];

  /** `bytesMax`: what the log may hold; the account is exact to a small part of that. */
  constructor(bytesMax: number) {
    this.#bucketBytes = Math.min(BUCKET_BYTES, bytesMax / 64);
  }

  /** A record has been appended or found. Numbers only grow. */
  add(opNum: number, bytes: number): void {
    const last = this.#buckets.at(-1);
    if (last !== undefined && last.bytes + bytes <= this.#bucketBytes) {
      last.to = opNum;
      last.bytes += bytes;
    } else {
      this.#buckets.push({ to: opNum, bytes });
    }
  }

  /** Bytes of the records `from`…`to`, about. */
  between(from: number, to: number): number {
    const within = this.#buckets.filter((bucket) => bucket.to >= from && bucket.to <= to);
    return within.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Records at or below `upTo` are forgotten; returns the bytes that are certainly free. */
  forget(upTo: number): number {
    let freed = 0;
    let count = 0;
    for (const bucket of this.#buckets) {
      if (bucket.to > upTo) break;
      freed += bucket.bytes;
      count += 1;
    }
    this.#buckets.splice(0, count);
    return freed;
  }

  clear(): number {
    return this.forget(Number.POSITIVE_INFINITY);
  }
}
