import type { ActorRefLike, AnyActorRef, AnyStateMachine, InspectionEvent } from 'xstate';
import { configJson } from '../charts/config-json.js';
import type { StatelyInspector, UpdateHandlerInspector } from '../types.js';
import { parentOf, projectEvent, projectSnapshot } from './projection.js';

/** An actor as the inspector reads it: with a definition that is plain already. */
interface Stand {
  id: string;
  sessionId: string;
  logic: { config: object | undefined };
  _parent: { sessionId: string } | undefined;
  getSnapshot(): object;
}

/**
 * What a store tells, as an inspector of `@statelyai/inspect` should get it. The package serialises
 * whole snapshots before it looks at any option that could shorten them, and reads an actor's first
 * snapshot late, when it is another one; so it gets small copies, made at once.
 */
export function projectedInspection({ inspect }: StatelyInspector): UpdateHandlerInspector {
  const definitions = new WeakMap<object, object>();
  const definitionOf = (machine: AnyStateMachine) => {
    // The context that a machine begins with may hold anything, and is no part of its chart.
    const known = definitions.get(machine);
    if (known !== undefined) return known;
    const { context: _, ...config } = machine.config;
    const definition = configJson({ config });
    definitions.set(machine, definition);
    return definition;
  };
  const standFor = (actor: AnyActorRef): Stand => {
    const { logic } = actor as { logic?: unknown };
    const parent = parentOf(actor);
    return {
      id: actor.id,
      sessionId: actor.sessionId,
      logic: { config: isMachine(logic) ? definitionOf(logic) : undefined },
      _parent: parent === undefined ? undefined : { sessionId: parent.sessionId },
      // It has none yet; the one it begins with follows.
      getSnapshot: () => ({ status: 'active' }),
    };
  };
  return (event) => {
    const projected = projectInspection(event, standFor);
    if (projected !== undefined) inspect.next?.(projected as InspectionEvent);
  };
}

function projectInspection(
  event: InspectionEvent,
  standFor: (actor: AnyActorRef) => Stand,
): object | undefined {
  const { type, rootId } = event;
  const actor = event.actorRef as AnyActorRef;
  switch (type) {
    case '@xstate.actor':
      return { type, rootId, actorRef: standFor(actor) };
    case '@xstate.event': {
      const { sourceRef } = event;
      const sent = { type, rootId, sourceRef: sourceRef && sessionOf(sourceRef) };
      return { ...sent, actorRef: sessionOf(actor), event: smallEvent(event.event) };
    }
    case '@xstate.snapshot': {
      const snapshot = projectSnapshot(event.snapshot);
      const seen = { type, rootId, actorRef: sessionOf(actor) };
      return { ...seen, snapshot, event: smallEvent(event.event) };
    }
    default:
      return undefined;
  }
}

const sessionOf = ({ sessionId }: ActorRefLike) => ({ sessionId });

function smallEvent(event: { type: string }): object {
  const data = projectEvent(event);
  const isFields = typeof data === 'object' && data !== null && !Array.isArray(data);
  return { type: event.type, ...(isFields ? data : {}) };
}

function isMachine(logic: unknown): logic is AnyStateMachine {
  return typeof logic === 'object' && logic !== null && 'root' in logic && 'config' in logic;
}
