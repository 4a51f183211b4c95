import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import type { Host } from './host.js';

/** Bars on stderr while a person watches; silent in a pipe and with `--json`. */
export class Progress {
  readonly #bars = new Map<string, SingleBar>();
  readonly #multiBar: MultiBar | undefined;

  constructor(host: Host, json: boolean) {
    if (json || host.stderr.isTTY !== true) return;
    const format = '{title} {bar} {percentage}% | {value}/{total} {unit}{note}';
    this.#multiBar = new MultiBar(
      { stream: host.stderr, format, hideCursor: true, clearOnComplete: true, fps: 10 },
      Presets.shades_classic,
    );
  }

  /** Shows the bar of that title at `done` of `total`; the first call makes it. */
  show(title: string, done: number, total: number, unit: string, note = ''): void {
    if (this.#multiBar === undefined) return;
    const fields = { title, unit, note: note === '' ? '' : ` | ${note}` };
    const bar = this.#bars.get(title);
    if (bar === undefined) {
      this.#bars.set(title, this.#multiBar.create(total, done, fields));
    } else {
      bar.setTotal(total);
      bar.update(done, fields);
    }
  }

  /** Takes away the bars whose titles are not among these. */
  keepOnly(titles: ReadonlySet<string>): void {
    for (const [title, bar] of this.#bars) {
      if (titles.has(title)) continue;
      this.#multiBar?.remove(bar);
      this.#bars.delete(title);
    }
  }

  /** Takes all bars away and gives the terminal back. */
  stop(): void {
    this.#multiBar?.stop();
    this.#bars.clear();
  }
}
