import { type AnyActorLogic, type AnyStateMachine, createMachine } from 'xstate';

type Fields = Record<string, unknown>;

/**
 * The machine with `stand-in` in the place of each actor that it invokes or spawns by name, and of
 * those that it invokes without a name.
 */
export function hold(machine: AnyStateMachine, standIn: AnyActorLogic): AnyStateMachine {
  const named = Object.keys(machine.implementations.actors);
  const actors = Object.fromEntries(named.map((name) => [name, standIn]));
  if (!hasInline(machine.config)) return machine.provide({ actors });
  const config = withoutInline(machine.config as Fields, standIn);
  return createMachine(config, { ...machine.implementations, actors }) as AnyStateMachine;
}

const invokesOf = ({ invoke }: Fields): Fields[] =>
  invoke === undefined ? [] : ([invoke].flat() as Fields[]);
const statesOf = ({ states }: Fields): [string, Fields][] =>
  Object.entries((states ?? {}) as Record<string, Fields>);
const isInline = ({ src }: Fields) => typeof src === 'object';

function hasInline(config: Fields): boolean {
  return invokesOf(config).some(isInline) || statesOf(config).some(([, state]) => hasInline(state));
}

function withoutInline(config: Fields, standIn: AnyActorLogic): Fields {
  const invoke = invokesOf(config).map((one) => (isInline(one) ? { ...one, src: standIn } : one));
  const states = statesOf(config).map(([name, state]) => [name, withoutInline(state, standIn)]);
  return {
    ...config,
    ...(invoke.length === 0 ? {} : { invoke }),
    ...(states.length === 0 ? {} : { states: Object.fromEntries(states) }),
  };
}
