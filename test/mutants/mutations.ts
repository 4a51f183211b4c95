// Every small fault that a chart can have, made one at a time, each with a name that says it.
import { type AnyStateMachine, createMachine, not } from 'xstate';
import { at, type Fields, isFields, replaced } from './config.js';

/** In so many other states each target is changed. */
const TARGETS_MAX = 3;
const MICROSTEPS_MAX = 100;

/** A machine with one fault. */
export interface Mutant {
  /** Where, and what is wrong there; the same in each run. */
  name: string;
  machine: AnyStateMachine;
}

/** A change of one place of a configuration; undefined takes the place away. */
interface Fault {
  name: string;
  place: readonly string[];
  value: unknown;
}

/** A state of a configuration: the keys that lead to it, and its name. */
interface State {
  place: readonly string[];
  name: string;
  config: Fields;
}

/** Transitions for one event, of which the first whose guard holds is taken. */
interface Choice {
  place: readonly string[];
  name: string;
  state: State;
  branches: readonly Fields[];
}

export function mutantsOf(machine: AnyStateMachine): Mutant[] {
  const config = machine.config as Fields;
  const states = statesOf({ place: [], name: 'root', config });
  const faults = states.flatMap((state) => [
    ...choicesOf(state).flatMap((choice) => faultsOf(choice, config)),
    ...actionFaults(state, 'entry'),
    ...actionFaults(state, 'exit'),
    ...initialFaults(state),
    ...invokeFaults(state),
  ]);
  const changed = faults.map(({ name, place, value }) => ({
    name: `${machine.id}: ${name}`,
    machine: build(replaced(config, place, value), machine),
  }));
  return [...changed, ...delayMutants(machine)];
}

/** A mutant that goes round in circles dies of it. */
function build(config: Fields, { implementations }: AnyStateMachine): AnyStateMachine {
  const options = { ...(config.options as object), maxIterations: MICROSTEPS_MAX };
  return createMachine({ ...config, options }, implementations as never) as AnyStateMachine;
}

function statesOf(state: State): State[] {
  const inner = Object.entries((state.config.states ?? {}) as Record<string, Fields>);
  return [
    state,
    ...inner.flatMap(([key, config]) => {
      const name = state.place.length === 0 ? key : `${state.name}.${key}`;
      return statesOf({ place: [...state.place, 'states', key], name, config });
    }),
  ];
}

function choicesOf(state: State): Choice[] {
  const { invoke } = state.config;
  const choice = (name: string, ...keys: string[]): Choice[] => {
    const written = at(state.config, keys);
    if (written === undefined) return [];
    const branches = [written].flat().map((one) => (isFields(one) ? one : { target: one }));
    const place = [...state.place, ...keys];
    return [{ place, name: `${state.name} ${name}`, state, branches }];
  };
  const keysOf = (field: string) => Object.keys((state.config[field] ?? {}) as Fields);
  return [
    ...keysOf('on').flatMap((event) => choice(`on ${event}`, 'on', event)),
    ...keysOf('after').flatMap((delay) => choice(`after ${delay}`, 'after', delay)),
    ...choice('always', 'always'),
    ...(isFields(invoke) ? choice(`${invoke.id} done`, 'invoke', 'onDone') : []),
    ...(isFields(invoke) ? choice(`${invoke.id} failed`, 'invoke', 'onError') : []),
  ];
}

function faultsOf({ place, name, state, branches }: Choice, config: Fields): Fault[] {
  const many = branches.length > 1;
  const change = (what: string, changed: readonly Fields[]): Fault => ({
    name: `${name}${what}`,
    place,
    value: changed.length === 0 ? undefined : changed,
  });
  const whole = many ? [change(': all dropped', [])] : [];
  const branchFaults = branches.flatMap((branch, index) => {
    const label = `${many ? `[${index}]` : ''}`;
    const { guard, ...unguarded } = branch;
    const { reenter, ...inner } = branch;
    const write = (what: string, ...instead: Fields[]) =>
      change(`${label}: ${what}`, branches.toSpliced(index, 1, ...instead));
    return [
      write('dropped'),
      ...otherTargets(branch.target, state, config).map((target) =>
        write(`leads to ${target}`, { ...branch, target }),
      ),
      ...(guard === undefined
        ? []
        : [
            write(`without the guard ${nameIn(guard)}`, unguarded),
            write(`guard ${nameIn(guard)} inverted`, { ...branch, guard: not(guard as string) }),
          ]),
      ...(reenter === undefined ? [] : [write('without reenter', inner)]),
      ...otherActions(branch.actions).map(([what, actions]) => write(what, { ...branch, actions })),
    ];
  });
  const swaps = branches.slice(1).map((branch, index) => {
    const order = branches.toSpliced(index, 2, branch, branches[index] as Fields);
    return change(`: branches ${index} and ${index + 1} swapped`, order);
  });
  return [...whole, ...branchFaults, ...swaps];
}

/** The target written with the next siblings of the state that it means. */
function otherTargets(target: unknown, { place }: State, config: Fields): string[] {
  if (typeof target !== 'string') return [];
  const keys = target.split('.');
  const last = keys.pop() as string;
  const isAbsolute = target.startsWith('#');
  // Relative to the parent of the state; the root's own have none.
  const from = isAbsolute ? [] : place.slice(0, -2);
  const path = (isAbsolute ? keys.slice(1) : keys).flatMap((key) => ['states', key]);
  const siblings = at(config, [...from, ...path, 'states']) as Fields;
  const names = Object.keys(siblings);
  const own = names.indexOf(last);
  const others = [...names.slice(own + 1), ...names.slice(0, own)].slice(0, TARGETS_MAX);
  return others.map((key) => [...keys, key].join('.'));
}

/** Lists of actions with one left out, or with two in the other order. */
function otherActions(written: unknown): [string, unknown[]][] {
  const actions = written === undefined ? [] : [written].flat();
  return actions.flatMap((action, index) => {
    const next = actions[index + 1];
    const dropped: [string, unknown[]] = [
      `without the action ${nameIn(action)}`,
      actions.toSpliced(index, 1),
    ];
    if (next === undefined) return [dropped];
    const order = actions.toSpliced(index, 2, next, action);
    return [dropped, [`${nameIn(next)} before ${nameIn(action)}`, order]];
  });
}

function actionFaults({ place, name, config }: State, field: 'entry' | 'exit'): Fault[] {
  return otherActions(config[field]).map(([what, value]) => ({
    name: `${name} ${field}: ${what}`,
    place: [...place, field],
    value,
  }));
}

function initialFaults({ place, name, config }: State): Fault[] {
  if (config.initial === undefined) return [];
  return Object.keys(config.states as Fields)
    .filter((key) => key !== config.initial)
    .map((key) => ({
      name: `${name}: begins in ${key}`,
      place: [...place, 'initial'],
      value: key,
    }));
}

function invokeFaults({ place, name, config: { invoke } }: State): Fault[] {
  if (!isFields(invoke)) return [];
  return [
    { name: `${name}: ${invoke.id} not invoked`, place: [...place, 'invoke'], value: undefined },
  ];
}

type Delay = number | ((...args: unknown[]) => number);

function delayMutants(machine: AnyStateMachine): Mutant[] {
  const delays = machine.implementations.delays as Record<string, Delay>;
  return Object.entries(delays).flatMap(([name, delay]) =>
    (
      [
        ['doubled', 2],
        ['halved', 0.5],
      ] as const
    ).map(([what, factor]) => ({
      name: `${machine.id}: delay ${name} ${what}`,
      machine: machine.provide({
        delays: {
          [name]: (...args: unknown[]) =>
            factor * (typeof delay === 'function' ? delay(...args) : delay),
        },
      }),
    })),
  );
}

/** The name under which a guard or an action is provided. */
function nameIn(written: unknown): string {
  if (isFields(written)) {
    const { type, params } = written;
    return isFields(params) ? `${type}(${Object.values(params).join(', ')})` : String(type);
  }
  return typeof written === 'string' ? written : 'a function';
}
