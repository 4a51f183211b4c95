import type { Clock } from './clock.js';

const FIRST_MS = 500;
const LONGEST_MS = 60_000;

/** Segments whose optimization failed: they are left alone for a while, longer each time. */
export class BackOff {
  readonly #clock: Clock;
  readonly #entries = new Map<number, { failures: number; until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An optimization of these segments has failed or come to nothing; tells for how long they wait. */
  failed(ids: readonly number[]): number {
    const failures = Math.max(...ids.map((id) => this.#entries.get(id)?.failures ?? 0)) + 1;
    const ms = Math.min(FIRST_MS * 2 ** (failures - 1), LONGEST_MS);
    const until = this.#clock.now() + ms;
    for (const id of ids) this.#entries.set(id, { failures, until });
    return ms;
  }

  /** Somebody doesn't want these segments to be optimized now: they are left alone for longest. */
  postpone(ids: readonly number[]): void {
    const until = this.#clock.now() + LONGEST_MS;
    for (const id of ids) this.#entries.set(id, { failures: 0, until });
  }

  /** These segments are left alone now. */
  waiting(): number[] {
    const now = this.#clock.now();
    return [...this.#entries].flatMap(([id, { until }]) => (until > now ? [id] : []));
  }

  /** Milliseconds until the first of them may be tried again; 0 when none is waiting. */
  remainingMs(): number {
    const now = this.#clock.now();
    const ends = [...this.#entries.values()].map(({ until }) => until).filter((end) => end > now);
    return ends.length === 0 ? 0 : Math.min(...ends) - now;
  }

  /** Forgets segments that no longer exist. */
  keepOnly(existing: ReadonlySet<number>): void {
    for (const id of this.#entries.keys()) if (!existing.has(id)) this.#entries.delete(id);
  }

  /** Everything may be tried again now. */
  clear(): void {
    this.#entries.clear();
  }
}
