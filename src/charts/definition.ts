import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** Every state node of a machine, the root first; history states are no states to be in. */
export function stateNodes(machine: AnyStateMachine): AnyStateNode[] {
  return nodesBelow(machine.root);
}

/** A state node and those within it, itself first. */
export function nodesBelow(top: AnyStateNode): AnyStateNode[] {
  const nodes = [top];
  for (const node of nodes) nodes.push(...Object.values(node.states));
  return nodes.filter(({ type }) => type !== 'history');
}

/** Every transition of a machine: of events, timers, children, and the eventless ones. */
export function transitions(machine: AnyStateMachine): AnyTransitionDefinition[] {
  return stateNodes(machine).flatMap((node) => [
    ...[...node.transitions.values()].flat(),
    ...(node.always ?? []),
  ]);
}

/** The name of a transition's guard; undefined when it has none. */
export function guardName({ guard }: AnyTransitionDefinition): string | undefined {
  if (guard === undefined || typeof guard === 'string') return guard;
  const { type, name } = guard as { type?: string; name?: string };
  return type ?? name ?? 'a guard';
}

/** One line about a transition of a definition: `flush.sleeping on Stop: flush.stopped`. */
export function nameOf(transition: AnyTransitionDefinition): string {
  const { source, eventType, target } = transition;
  const guard = guardName(transition);
  const targets = target?.map((node: AnyStateNode) => node.id).join(', ') ?? 'no target';
  return `${source.id} on ${eventType || 'always'}${guard ? ` if ${guard}` : ''}: ${targets}`;
}

/** A readable name of an event, without its payload: `Stop`, `capture done`, `after interval`. */
export function eventName({ type }: { type: string }): string {
  const [, kind, actor] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(type) ?? [];
  if (actor !== undefined) return `${actor} ${kind === 'done' ? 'done' : 'failed'}`;
  const [, state] = /^xstate\.done\.state\.(.+)$/.exec(type) ?? [];
  if (state !== undefined) return `${state} done`;
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(type) ?? [];
  return delay === undefined ? type : `after ${/^\d+$/.test(delay) ? `${delay} ms` : delay}`;
}

/** The name of an invoked actor in `setup`; of one that is given as it is, its id. */
export function actorName({ src, id }: { src: unknown; id: string }): string {
  // XState makes up a name for what has none.
  return typeof src === 'string' && !src.startsWith('xstate.invoke.') ? src : id;
}
