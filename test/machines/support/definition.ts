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

/** The name of a transition's guard; undefined when it has none. */
export function guardName({ guard }: AnyTransitionDefinition): string | undefined {
  return typeof guard === 'string' ? guard : (guard as { type?: string } | undefined)?.type;
}

/** One line about a transition, for messages. */
export function nameOf(transition: AnyTransitionDefinition): string {
  const { source, eventType, target } = transition;
  const guard = guardName(transition);
  const targets = target?.map((node: AnyStateNode) => node.id).join(', ') ?? 'no target';
  return `${source.id} on ${eventType || 'always'}${guard ? ` if ${guard}` : ''}: ${targets}`;
}
