/** Lines that are kept of a run, to be shown when it fails. */
const LINES_KEPT = 60;

/** What has happened in a run: a hash over everything, and the last lines of it. */
export class Trace {
  readonly #now: () => number;
  readonly #lines: string[] = [];
  #count = 0;
  /** When the last line was written, also as text: many have the same time. */
  #at = 0;
  #atText = '0';
  #low = 0x811c9dc5;
  #high = 0x9e3779b9;

  constructor(now: () => number) {
    this.#now = now;
  }

  note(text: string): void {
    const now = this.#now();
    if (now !== this.#at) {
      this.#at = now;
      this.#atText = String(now);
    }
    const line = `${this.#atText} ${text}`;
    let low = this.#low;
    let high = this.#high;
    for (let at = 0; at < line.length; at++) {
      const code = line.charCodeAt(at);
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high + code, 0x85ebca6b) ^ (high >>> 13);
    }
    this.#low = low;
    this.#high = high;
    this.#lines[this.#count % LINES_KEPT] = line;
    this.#count += 1;
  }

  /** Two runs with the same hash did the same at the same times. */
  get hash(): string {
    const hex = (value: number) => (value >>> 0).toString(16).padStart(8, '0');
    return `${hex(this.#high)}${hex(this.#low)}`;
  }

  /** The last lines, the newest last. */
  get lines(): string[] {
    const from = this.#count % LINES_KEPT;
    if (this.#count < LINES_KEPT) return [...this.#lines];
    return [...this.#lines.slice(from), ...this.#lines.slice(0, from)];
  }
}
