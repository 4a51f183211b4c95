import { errorText, SluiceError } from '../errors.js';
import type { Edge, Graph } from './graph.js';
import { literal } from './literal.js';
import { stateName } from './names.js';
import { Path } from './path.js';
import { type Plain, plain } from './plain.js';

/** An event as it is written down: its type, and what it carries. */
export interface WrittenEvent {
  type: string;
  [field: string]: unknown;
}

/** What a step comes from: the world outside, a child's reply, a child's end, or a timer. */
export type WrittenCause =
  | { send: WrittenEvent }
  | { reply: WrittenEvent }
  | { done: string; output?: unknown }
  | { failed: string; error?: unknown }
  /** A delay of a state, by its name or milliseconds and the id of the state. */
  | { after: string; in: string }
  /** An event that the machine has sent to itself for later. */
  | { later: WrittenEvent };

/** A state as it is written down: its name, and the part of the context that counts. */
export interface WrittenState {
  state: string;
  context?: unknown;
}

/** A step of a path as it is written down. */
export type WrittenStep = WrittenCause & {
  /** The name of the state that it leads to: `live.running`; regions are joined by ` + `. */
  to: string;
  /** The fields of the (projected) context that it changes, with their new values. */
  context?: unknown;
  /** How the machine has ended: well, or by an error that nothing handles. */
  end?: 'done' | 'error';
};

type Fields = { [key: string]: Plain };

/** The state in which the paths of a graph begin, to be written down. */
export function startOf(graph: Graph): WrittenState {
  const context = contextAt(graph.initialKey);
  const state = stateName(graph.snapshots.get(graph.initialKey)?.value ?? '');
  return isEmpty(context) ? { state } : { state, context };
}

/** The steps of a path, to be written down. */
export function stepsOf({ steps }: Path): WrittenStep[] {
  return steps.map(stepOf);
}

/**
 * The path in the graph that was written down as a start and steps. `SLUICE_MISMATCH`: the machine
 * has changed, so that a step can't come any more or leads elsewhere; the message says which, and how.
 */
export function pathOf(graph: Graph, start: WrittenState, steps: readonly WrittenStep[]): Path {
  const begins = text(startOf(graph));
  if (begins !== text(start)) {
    throw changed(`the machine begins with ${begins}, not with ${text(start)}`);
  }
  const edges: Edge[] = [];
  for (const [at, step] of steps.entries()) {
    const from = edges.at(-1)?.to ?? graph.initialKey;
    const same = graph.out(from).filter((edge) => text(causeOf(edge)) === text(causeIn(step)));
    const edge = same.find((one) => text(stepOf(one)) === text(step));
    if (edge === undefined) {
      const state = stateName(graph.snapshots.get(from)?.value ?? '');
      const place = `step ${at + 1} of ${steps.length}, ${text(causeIn(step))} in ${state}`;
      const [other] = same;
      throw changed(
        other === undefined
          ? `${place}: that can't come there, or is ignored`
          : `${place}: leads to ${effect(stepOf(other))}, not to ${effect(step)}`,
      );
    }
    edges.push(edge);
  }
  return new Path(graph, edges);
}

function stepOf(edge: Edge): WrittenStep {
  const { status, value } = edge.target;
  const context = difference(contextAt(edge.from), contextAt(edge.to));
  return {
    ...causeOf(edge),
    to: stateName(value),
    ...(context === undefined ? {} : { context }),
    ...(status === 'done' || status === 'error' ? { end: status } : {}),
  };
}

function causeOf({ event, by }: Edge): WrittenCause {
  const { type, actorId, output, error } = event;
  if (by === 'outside') return { send: writtenEvent(event) };
  if (by === 'reply') return { reply: writtenEvent(event) };
  if (by === 'timer') {
    const [, delay, node] = /^xstate\.after\.([^.]+)\.(.+)$/.exec(type) ?? [];
    if (delay === undefined || node === undefined) return { later: writtenEvent(event) };
    return { after: delay, in: node };
  }
  const child = String(actorId);
  if (type.startsWith('xstate.error.')) return { failed: child, error: written(error) };
  return output === undefined ? { done: child } : { done: child, output: written(output) };
}

function causeIn({ to: _, context: __, end: ___, ...cause }: WrittenStep): object {
  return cause;
}

const effect = ({ to, context, end }: WrittenStep) =>
  text({ to, ...(context === undefined ? {} : { context }), ...(end ? { end } : {}) });

function writtenEvent({ type, ...rest }: Edge['event']): WrittenEvent {
  return { type, ...(written(rest) as Fields) };
}

/** What can't be written is named; that it can be told from others is seen when paths are written. */
function written(value: unknown): Plain {
  if (value instanceof Error) return errorText(value);
  try {
    return plain(value, 'the value');
  } catch {
    return String(value);
  }
}

function contextAt(key: string): Plain {
  return (JSON.parse(key) as { context: Plain }).context;
}

/** The fields that are new or have another value; undefined when there are none. */
function difference(before: Plain, after: Plain): Plain {
  if (text(before) === text(after)) return undefined;
  if (!isRecord(before) || !isRecord(after)) return after;
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  const other = keys.filter((key) => text(before[key]) !== text(after[key]));
  return Object.fromEntries(other.map((key) => [key, after[key]]));
}

const isRecord = (value: Plain): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isEmpty = (value: Plain) =>
  value === undefined || (isRecord(value) && Object.keys(value).length === 0);

/** The same text for what is the same, whatever the order of its fields. */
const text = (value: unknown) => literal(plain(value, 'the step'), '', Number.NEGATIVE_INFINITY);

function changed(what: string): SluiceError {
  return new SluiceError(
    'SLUICE_MISMATCH',
    `${what}. The machine has changed since this was written: mend it, or write the tests anew`,
  );
}
