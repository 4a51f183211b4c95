import type { AnyEventObject } from 'xstate';
import { eventName } from '../charts/definition.js';
import { errorText } from '../errors.js';
import type { Edge } from './graph.js';

const PAYLOAD_MAX = 60;
const STEPS_SHOWN = 4;

/** The name with what the event carries, as far as that is short. */
export function eventText(event: AnyEventObject): string {
  const { type: _, actorId: __, output, error, ...rest } = event;
  const isEnd = /^xstate\.(done|error)\.actor\./.test(event.type);
  const payload = isEnd ? (output ?? (error === undefined ? undefined : errorText(error))) : rest;
  const isEmpty = payload === undefined || (payload === rest && Object.keys(rest).length === 0);
  return isEmpty ? eventName(event) : `${eventName(event)} ${shortly(payload)}`;
}

/** The active states: `live.running`, or those of several regions joined by `+`. */
export function stateName(value: unknown): string {
  if (typeof value === 'string') return value;
  const parts = Object.entries(value as object).map(([key, inner]) => {
    const below = stateName(inner);
    return below === '' ? key : `${key}.${below}`;
  });
  return parts.join(' + ');
}

/** One line about an edge, for messages. */
export function edgeText({ source, event, target }: Edge): string {
  const end = target.status === 'error' ? 'a crash' : stateName(target.value);
  return `${stateName(source.value) || 'the start'} → ${eventText(event)} → ${end || 'the same'}`;
}

/** `waiting → Nop → planning → …`: all of a short path, the beginning and the end of a long one. */
export function pathText(steps: readonly Edge[], initial: unknown, whole = false): string {
  const parts = steps.map(({ event, target }) => {
    const end = target.status === 'error' ? 'a crash' : stateName(target.value);
    return end === '' ? eventText(event) : `${eventText(event)} → ${end}`;
  });
  const left = parts.length - STEPS_SHOWN;
  if (!whole && left > 1) parts.splice(STEPS_SHOWN - 1, left, `… ${left} more …`);
  return [stateName(initial), ...parts].filter((part) => part !== '').join(' → ');
}

/** JSON, cut where it gets long; what JSON can't say is named by its type. */
export function shortly(value: unknown, max = PAYLOAD_MAX): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    text = `(${typeof value}: ${errorText(error)})`;
  }
  text ??= String(value);
  return text.length > max ? `${text.slice(0, max)}…` : text;
}
