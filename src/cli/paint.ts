import type { TextStream } from './host.js';

const CODES = { green: 32, yellow: 33, red: 31, grey: 90, bold: 1 } as const;

/** How text may be set apart. */
export type Paint = keyof typeof CODES;

/** True for a terminal that shows colors; NO_COLOR, `TERM=dumb` and the like are respected. */
export function isColored(stream: TextStream): boolean {
  return stream.isTTY === true && stream.hasColors?.() === true;
}

/** The text in that color, if it is to be colored at all. */
export function paint(text: string, how: Paint, colored: boolean): string {
  return colored ? `\u001b[${CODES[how]}m${text}\u001b[0m` : text;
}
