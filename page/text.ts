import type { StateMessage } from '../src/inspect/messages.js';

const SIZES = ['B', 'KB', 'MB', 'GB', 'TB'];

/** A size that people can read. */
export function sizeText(bytes: number): string {
  const unit = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), SIZES.length - 1);
  return `${(bytes / 1024 ** unit).toFixed(unit === 0 ? 0 : 1)} ${SIZES[unit]}`;
}

export function countText(count: number): string {
  return count.toLocaleString('en');
}

/** Hours to milliseconds of a moment. */
export function timeText(at: number): string {
  return new Date(at).toISOString().slice(11, 23);
}

/** `live.running`, `idle | waiting` of a parallel one; how it ended when it has. */
export function stateText(state: StateMessage | undefined): string {
  if (state === undefined) return '';
  const value = valueText(state.value);
  if (state.status === 'active') return value;
  return value === '' || value === state.status ? state.status : `${value} (${state.status})`;
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  return Object.entries(value)
    .map(([name, inner]) => [name, valueText(inner)].filter((text) => text !== '').join('.'))
    .join(' | ');
}
