import type {
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  ContextFrom,
  EventFromLogic,
  InputFrom,
  SnapshotFrom,
} from 'xstate';

/** What a child may end with in a state. */
type EndsIn<Context> = (context: Context, snapshot: AnyMachineSnapshot) => readonly unknown[];

/** What a child may end with; each value is explored as a branch of its own. */
export interface ChildEnds<Context = unknown> {
  /** Results of its good ends; an empty list says that it never ends by itself. @default [undefined] */
  outputs?: readonly unknown[] | EndsIn<Context>;
  /** What it may fail with; an empty list says that it never fails. @default [new Error('it failed')] */
  errors?: readonly unknown[] | EndsIn<Context>;
}

/** How a machine is explored: what the world may send to it, and what its children may do. */
export interface Exploration<Machine extends AnyStateMachine = AnyStateMachine> {
  /** Given to the machine as its input. @default none */
  input?: InputFrom<Machine>;
  /** What the world outside may send, each variant of a payload as an event; or those of a state. */
  events:
    | readonly EventFromLogic<Machine>[]
    | ((snapshot: SnapshotFrom<Machine>) => readonly EventFromLogic<Machine>[]);
  /**
   * How children end, by actor id, by the part of it before its first dot, or by the name of the
   * actor in `setup`. A child that is not named ends once well, with undefined, and once badly.
   */
  children?: Record<string, ChildEnds<ContextFrom<Machine>>>;
  /** Events that come by themselves, but neither as the end of a child nor from a timer: a child's replies. */
  replies?: (snapshot: SnapshotFrom<Machine>) => readonly EventFromLogic<Machine>[];
  /**
   * The part of the context that decides anything, bounded; two states that differ in nothing else
   * are one state of the graph. @default the whole context
   */
  project?: (context: ContextFrom<Machine>) => unknown;
  /** More states than these are `SLUICE_NOT_EXPLORABLE`. @default 20,000 */
  statesMax?: number;
  /** More transitions than these, ignored events included, are `SLUICE_NOT_EXPLORABLE`. @default 400,000 */
  transitionsMax?: number;
}

/** Where an event comes from; all but `outside` comes by itself. */
export type Origin = 'outside' | 'child' | 'timer' | 'reply';

/** An event that may come next. */
export interface Offer {
  event: AnyEventObject;
  by: Origin;
}

export function checkExploration(machine: unknown, options: unknown): void {
  const isMachine = typeof machine === 'object' && machine !== null && 'implementations' in machine;
  if (!isMachine) throw new TypeError(`machine must be an XState machine, not ${typeof machine}`);
  const { events, statesMax, transitionsMax } = (options ?? {}) as Partial<Exploration>;
  if (typeof events !== 'function' && !Array.isArray(events)) {
    throw new TypeError('events must be a list of events, or a function from a snapshot to one');
  }
  for (const [name, value] of Object.entries({ statesMax, transitionsMax })) {
    if (value !== undefined && !(value > 0)) throw new TypeError(`${name} must be positive`);
  }
}
