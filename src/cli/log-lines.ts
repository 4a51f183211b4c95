import type { Logger } from 'pino';
import type { Host } from './host.js';
import { isColored, type Paint, paint } from './paint.js';

/** What `--log` takes: the least of what is shown. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

const PAINTS: Readonly<Record<string, Paint>> = { debug: 'grey', warn: 'yellow', error: 'red' };

/** A logger to stderr: lines to read on a terminal, otherwise, or with `--json`, JSON lines. */
export async function openLog({ stderr }: Host, level: LogLevel, json: boolean): Promise<Logger> {
  // Loaded when it is wanted, as the engine itself.
  const { pino } = await import('pino');
  const isRead = stderr.isTTY === true && !json;
  const colored = isColored(stderr);
  const write = (line: string) => {
    stderr.write(isRead ? `${logLine(JSON.parse(line), colored)}\n` : line);
  };
  const formatters = { level: (label: string) => ({ level: label }) };
  return pino({ level, base: null, formatters }, { write });
}

/** A record on one line: time (UTC), level, actor, message, fields, and what failed. */
export function logLine(record: Record<string, unknown>, colored: boolean): string {
  const { time, level, actor, msg, err, ...fields } = record;
  const at = new Date(Number(time)).toISOString().slice(11, 23);
  const name = String(level);
  const color = PAINTS[name];
  const label = name.toUpperCase().padEnd(5);
  const pairs = Object.entries(fields).map(([key, value]) => `${key}=${fieldText(value)}`);
  const failure = Object(err).message;
  const text = [
    ...[paint(at, 'grey', colored), color === undefined ? label : paint(label, color, colored)],
    ...[String(actor ?? '').padEnd(18), String(msg)],
    ...(pairs.length === 0 ? [] : [paint(pairs.join(' '), 'grey', colored)]),
  ].join(' ');
  const line = failure === undefined ? text : `${text}: ${failure}`;
  return line.replace(/\s*\n\s*/g, ' ');
}

function fieldText(value: unknown): string {
  return typeof value === 'string' && /^[\w.:+-]+$/.test(value) ? value : JSON.stringify(value);
}
