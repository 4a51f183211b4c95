import { MultiBar, type Options, type Params, Presets, type SingleBar } from 'cli-progress';
import type { Context } from './context.js';
import { cut } from './text.js';

/** Longest and shortest bar; a terminal that has less room than that gets none. Characters. */
const BAR = { most: 40, least: 8 };
const COLUMNS_DEFAULT = 80;

/** What a bar shows beside itself. */
interface Fields {
  title: string;
  /** Of what is counted; empty where the share alone says enough. */
  unit: string;
  note: string;
  /** Undefined: nobody knows how much there is. */
  total: number | undefined;
}

/** Bars on stderr while a person watches; silent in a pipe, with `--json` and with `--log`. */
export class Progress {
  readonly #bars = new Map<string, SingleBar>();
  readonly #multiBar: MultiBar | undefined;

  constructor({ host: { stderr }, output, logger }: Pick<Context, 'host' | 'output' | 'logger'>) {
    // Between lines of a log, bars would be torn.
    if (output.json || stderr.isTTY !== true || logger !== undefined) return;
    const format = (options: Options, { value, progress }: Params, fields: Fields) => {
      const width = Math.max(0, ...[...this.#bars.keys()].map((title) => title.length));
      const title = fields.title.padEnd(width);
      return barLine({ ...fields, title }, value, progress, options, stderr.columns);
    };
    this.#multiBar = new MultiBar(
      // Whoever shows bars stops them at the end, also when a signal brings that about.
      { stream: stderr, format, hideCursor: true, clearOnComplete: true, gracefulExit: false },
      Presets.shades_classic,
    );
  }

  /** Shows the bar of that title at `done` of `total`, if it is known; the first call makes it. */
  show(title: string, done: number, total: number | undefined, unit: string, note = ''): void {
    if (this.#multiBar === undefined) return;
    const fields: Fields = { title, unit, note, total };
    const bar = this.#bars.get(title);
    if (bar === undefined) {
      this.#bars.set(title, this.#multiBar.create(total ?? 0, done, fields));
    } else {
      bar.setTotal(total ?? 0);
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

/** One line as wide as the terminal at most: the bar gives way to what is said beside it. */
function barLine(
  { title, unit, note, total }: Fields,
  value: number,
  progress: number,
  { barCompleteChar = '', barIncompleteChar = '' }: Options,
  columns = COLUMNS_DEFAULT,
): string {
  const amount = total === undefined ? `${value}` : `${value}/${total}`;
  // The note first: it is what a narrow terminal must not lose.
  const said = [note, unit === '' ? '' : `${amount} ${unit}`].filter((text) => text !== '');
  if (total === undefined) return cut([title, ...said].join(' | '), columns);
  const text = [`${Math.floor(progress * 100)}%`.padStart(4), ...said].join(' | ');
  const room = Math.min(BAR.most, columns - title.length - text.length - 3);
  if (room < BAR.least) return cut(`${title} ${text}`, columns);
  const complete = Math.round(progress * room);
  const bar = barCompleteChar.repeat(complete) + barIncompleteChar.repeat(room - complete);
  return `${title} ${bar} ${text}`;
}
