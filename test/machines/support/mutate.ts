import { type AnyStateMachine, createMachine } from 'xstate';

type Edit = Record<string, unknown>;

function copy(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copy);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copy(inner)]));
}

/** The machine with something else at a place of its configuration, to see a property fail. */
export function mutate(machine: AnyStateMachine, path: string[], edit: (old: unknown) => unknown) {
  const config = copy(machine.config) as Edit;
  const last = path.at(-1) ?? '';
  let place = config;
  for (const key of path.slice(0, -1)) {
    const inner = place[key];
    if (inner === null || typeof inner !== 'object') throw new Error(`no ${key} to be mutated`);
    place = inner as Edit;
  }
  if (!(last in place)) throw new Error(`no ${path.join('.')} to be mutated`);
  place[last] = edit(place[last]);
  return createMachine(config, machine.implementations) as AnyStateMachine;
}
