import type { Model, ModelState } from './model.js';
import type { Plain } from './plain.js';

/** Fewer values than these are a choice, not growth. */
const MANY = 20;
const EXAMPLES = 3;

/** Says which part of the context keeps taking new values, so that its author knows what to bound. */
export function whatGrows(model: Model, states: Iterable<ModelState>): string {
  const seen = new Map<string, Set<string>>();
  for (const state of states) {
    const { context, children } = model.pictureOf(state);
    collect(context, 'context', seen);
    add(seen, 'the set of children', children.join(', '));
  }
  const [most] = [...seen].sort(([, a], [, b]) => b.size - a.size);
  if (most === undefined || most[1].size < MANY) {
    return (
      'no field alone is to blame, their combinations are; leave some out with the option ' +
      '`project`, send fewer events, or raise the limit'
    );
  }
  const [place, values] = most;
  const last = [...values].slice(-EXAMPLES).join(', ');
  const growth = `${place} kept changing, with ${values.size} different values (…, ${last})`;
  return `${growth}; bound it in the machine or with the option \`project\``;
}

function collect(value: Plain, place: string, seen: Map<string, Set<string>>): void {
  if (Array.isArray(value)) {
    add(seen, `${place}.length`, String(value.length));
    for (const inner of value) collect(inner, `${place}[]`, seen);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) collect(inner, `${place}.${key}`, seen);
  } else add(seen, place, String(value));
}

function add(seen: Map<string, Set<string>>, place: string, value: string): void {
  const values = seen.get(place);
  if (values === undefined) seen.set(place, new Set([value]));
  else values.add(value);
}
