import type { AnyActorRef, Snapshot } from 'xstate';
import type { JsonValue } from '../types.js';
import { plainCopy } from './plain.js';

/** Bytes of JSON that the parts of a message may take: together below 2 KB with what is around. */
const CONTEXT_BYTES = 1000;
const RESULT_BYTES = 200;
const EVENT_BYTES = 500;

/** A snapshot as it is handed on: what people look at, without its bulk. */
export interface ProjectedSnapshot {
  status: 'active' | 'done' | 'error' | 'stopped';
  value: JsonValue;
  context?: JsonValue;
  output?: JsonValue;
  error?: JsonValue;
}

/** The small copy of a snapshot that inspectors get. */
export function projectSnapshot(snapshot: Snapshot<unknown>): ProjectedSnapshot {
  const { status, output, error } = snapshot;
  const { value, context } = snapshot as { value?: unknown; context?: unknown };
  return {
    status,
    value: value === undefined ? null : plainCopy(value, RESULT_BYTES),
    ...(context === undefined ? {} : { context: plainCopy(context, CONTEXT_BYTES) }),
    ...(output === undefined ? {} : { output: plainCopy(output, RESULT_BYTES) }),
    ...(error === undefined ? {} : { error: plainCopy(error, RESULT_BYTES) }),
  };
}

/** The fields of an event beside its type, copied small; undefined when it has none. */
export function projectEvent({ type: _, ...fields }: { type: string }): JsonValue | undefined {
  return Object.keys(fields).length === 0 ? undefined : plainCopy(fields, EVENT_BYTES);
}

/** The actor that has made another one. */
export function parentOf(actor: object): AnyActorRef | undefined {
  return (actor as { _parent?: AnyActorRef })._parent;
}
