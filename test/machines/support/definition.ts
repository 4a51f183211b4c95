import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** Every state node of a machine, the root first. */
export function stateNodes(machine: AnyStateMachine): AnyStateNode[] {
  const nodes: AnyStateNode[] = [machine.root];
  for (const node of nodes) nodes.push(...Object.values(node.states));
  return nodes;
}

/** Every transition of a machine: of events, timers, children, and the eventless ones. */
export function transitions(machine: AnyStateMachine): AnyTransitionDefinition[] {
  return stateNodes(machine).flatMap((node) => [
    ...[...node.transitions.values()].flat(),
    ...(node.always ?? []),
  ]);
}

/** One line about a transition, for messages. */
export function nameOf({ source, eventType, guard, target }: AnyTransitionDefinition): string {
  const name = typeof guard === 'string' ? guard : (guard as { type?: string } | undefined)?.type;
  const targets = target?.map((node: AnyStateNode) => node.id).join(', ') ?? 'no target';
  return `${source.id} on ${eventType || 'always'}${name ? ` if ${name}` : ''}: ${targets}`;
}
