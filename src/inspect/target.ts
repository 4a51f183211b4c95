import type { AnyActorRef } from 'xstate';
import type { SegmentInfo } from '../services/ports.js';
import type { UpdateHandler } from '../update-handler.js';

/** A store as the inspector uses it. */
export type InspectedStore = Pick<
  UpdateHandler<never, SegmentInfo>,
  | 'actor'
  | 'state'
  | 'status'
  | 'segments'
  | 'optimizations'
  | 'telemetry'
  | 'trigger'
  | 'flush'
  | 'cancelOptimization'
>;

/** What can be looked at: a collection, an update handler, or any actor of XState. */
export type InspectTarget = { readonly handler: InspectedStore } | InspectedStore | AnyActorRef;

/** The actors to look at, and the store that they run, if they are Sluice's. */
export interface Inspected {
  root: AnyActorRef;
  store: InspectedStore | undefined;
}

/** Tells the targets apart. Throws a `TypeError` for anything else. */
export function inspectedOf(target: InspectTarget): Inspected {
  if (typeof target === 'object' && target !== null) {
    if ('handler' in target) return storeOf(target.handler);
    if ('telemetry' in target) return storeOf(target);
    if ('system' in target && 'getSnapshot' in target) return { root: target, store: undefined };
  }
  throw new TypeError('only a Collection, an UpdateHandler or an actor of XState can be inspected');
}

function storeOf(store: InspectedStore): Inspected {
  return { root: store.actor, store };
}
