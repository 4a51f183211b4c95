/** How many records share one number of the account; the account stays small for a long log. */
const BUCKET_BYTES = 64 * 1024;

/** Keeps account of the bytes in the log, coarsely, so that forgetting records frees their room. */
export class WalUsage {
  #buckets: { to: number; bytes: number }[] = [];

  /** A record has been appended or found. Numbers only grow. */
  add(opNum: number, bytes: number): void {
    const last = this.#buckets.at(-1);
    if (last !== undefined && last.bytes + bytes <= BUCKET_BYTES) {
      last.to = opNum;
      last.bytes += bytes;
    } else {
      this.#buckets.push({ to: opNum, bytes });
    }
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
