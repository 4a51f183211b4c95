import type { AnyActorRef, AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import type { ExecutedAction } from './executed.js';
import type { Edge } from './graph.js';
import type { Timer } from './model.js';
import type { Path } from './path.js';

/** The end that a path has for a child. */
export interface ChildEnd {
  /** The actor id of the child. */
  id: string;
  input: unknown;
  signal: AbortSignal;
  /** What the model's child ended with: one of the two. */
  output?: unknown;
  error?: unknown;
}

/** What an invariant sees after a step. */
export interface View {
  snapshot: AnyMachineSnapshot;
  actor: AnyActorRef;
  path: Path;
  /** The step that has been taken; undefined at the start. */
  step: Edge | undefined;
  /** The actions that the step has executed, in order. */
  executed: readonly ExecutedAction[];
  /** The delays that are running now, with the events that they bring. */
  timers: readonly Timer[];
  /** Everything that the machine has sent to its parent. */
  told: readonly AnyEventObject[];
}

/** False (or a promise of it), or anything thrown, says that it doesn't hold; all else is good. */
export type Invariant = (view: View) => unknown;

/** How paths are led over a real actor; without any of it, events are sent and gates opened. */
export interface Driver {
  /** Another machine than the one explored: a changed one, whose difference must show. */
  machine?: AnyStateMachine;
  /** Implementations to run with, as for `machine.provide`; actors are held by gates all the same. */
  provide?: Parameters<AnyStateMachine['provide']>[0];
  /**
   * Real work, by actor id or by the part of it before its first dot. When a path ends that child, this
   * runs instead, and its result or its error is the child's; it must lead to the same state.
   */
  effects?: Record<string, (end: ChildEnd) => unknown>;
  /** What brings an event from outside, by type; each must make the actor receive it. @default `actor.send` */
  events?: Record<string, (event: AnyEventObject, actor: AnyActorRef) => unknown>;
  /**
   * Also compares the actions that each step executes, in order, with what they are given: what no
   * state shows, such as a message to a child. Real `effects` must then end just as in the model.
   * @default false
   */
  compareActions?: boolean;
  /** Checked at the start and after each step. */
  invariants?: Record<string, Invariant>;
  /** Called when the path has ended, well or not. */
  finish?: () => unknown;
}
