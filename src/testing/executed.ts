import type { AnyActorRef } from 'xstate';
import { shortly } from './names.js';
import { type Plain, plain } from './plain.js';

/**
 * An action that a step executed: one of the machine's own by its name, or one of XState's, such as
 * `xstate.spawnChild` (also of an invoke), `xstate.stopChild`, `xstate.sendTo`, `xstate.raise` (a
 * delay that begins) and `xstate.cancel`. What only changes the context (`assign`) is not among them.
 */
export interface ExecutedAction {
  type: string;
  /** What it was given, as plain data; actors as `{ actor: id }`. */
  params: Plain;
}

type Built = Record<string, unknown>;

/** Notes an action; `self` is the actor that executes it. Most are never looked at: said when asked. */
export function executedAction(type: string, params: unknown, self: AnyActorRef): ExecutedAction {
  let known: { params: Plain } | undefined;
  return {
    type,
    get params() {
      known ??= { params: said(shown(type, params, self)) };
      return known.params;
    },
  };
}

/** What matters of the parameters of XState's own actions, under names that last. */
function shown(type: string, params: unknown, self: AnyActorRef): unknown {
  const { id, src, input, to, event, delay, sendId } = (params ?? {}) as Built;
  switch (type) {
    case 'xstate.spawnChild':
      return { id, src: typeof src === 'string' ? src : 'inline', input };
    case 'xstate.stopChild':
      return { id };
    case 'xstate.sendTo':
      return { to: nameOf(to, self), event, delay };
    case 'xstate.raise':
      return { event, delay };
    case 'xstate.cancel':
      return { id: sendId };
    default:
      return params;
  }
}

function nameOf(to: unknown, self: AnyActorRef): unknown {
  if (to === self._parent) return 'the parent';
  return typeof to === 'string' ? to : (to as AnyActorRef | undefined)?.id;
}

/** What JSON can't say is no reason to refuse a machine here: it is told by its kind. */
function said(params: unknown): Plain {
  try {
    return plain(params, 'params');
  } catch {
    return shortly(params);
  }
}
