import type { Payload } from '../types.js';

/** A cell with a number, perhaps with a unit or a share behind it; or the word for all of them. */
const NUMBER = /^(-?[\d.,]+( \S+)?|all)$/;

/**
 * Columns side by side, as wide as their widest cell; numbers are set right. Lines are cut at
 * `columns` characters when a terminal has that many.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  columns = Number.POSITIVE_INFINITY,
): string {
  const widths = head.map((title, at) =>
    rows.reduce((width, row) => Math.max(width, (row[at] ?? '').length), title.length),
  );
  const right = head.map((_, at) => rows.every((row) => NUMBER.test(row[at] ?? '')));
  const line = (cells: readonly string[]) => {
    const padded = cells.map((cell, at) =>
      right[at] ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
    );
    return cut(padded.join('  ').trimEnd(), columns);
  };
  return [head, ...rows].map(line).join('\n');
}

/** A number of things: `1 point`, `2 points`. */
export function counted(count: number, noun: string): string {
  return `${count} ${count === 1 ? noun : `${noun}s`}`;
}

/** A line of a list: a name, and what is to say of it in a column of its own. */
export function field(name: string, text: string, width = 16): string {
  return `${name.padEnd(width)} ${text}`;
}

/** A payload on one line. */
export function payloadText(payload: Payload): string {
  return JSON.stringify(payload);
}

/** A size that people can read. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KB', 'MB', 'GB', 'TB'];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** Any value on one line: strings as they are, the rest as JSON. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** The beginning of a text that is longer than a line of the terminal. */
export function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}

/** A duration that people can read, of so many seconds: `8 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
