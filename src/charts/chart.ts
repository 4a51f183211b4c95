import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { actorName, eventName, guardName } from './definition.js';

/** A state as it is drawn. */
export interface ChartState {
  id: string;
  name: string;
  description: string | undefined;
  kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'history' | 'deepHistory';
  /** The state in which it begins, or which a history has before there is any. */
  initial: string | undefined;
  /** Names of the actors that run in it. */
  invokes: readonly string[];
  states: readonly ChartState[];
  /** Transitions that leave it, in the order in which they are asked. */
  transitions: readonly ChartTransition[];
}

export interface ChartTransition {
  from: string;
  /** None: it stays, and only acts. */
  to: readonly string[];
  /** Readable: `Stop`, `capture done`, `after interval`; empty for an eventless one. */
  event: string;
  guard: string | undefined;
  actions: readonly string[];
}

/** What there is to draw of a machine: its root, with the states in it. */
export function chartOf({ root }: AnyStateMachine): ChartState {
  return chartState(root);
}

/** A state and all that are in it, outer ones first. */
export function statesIn(state: ChartState): ChartState[] {
  return [state, ...state.states.flatMap(statesIn)];
}

/** `Stop [isIdle]`, or `always`. */
export function labelOf({ event, guard }: ChartTransition): string {
  return [event || 'always', ...(guard === undefined ? [] : [`[${guard}]`])].join(' ');
}

/** What stands in the box of a state: its actors, and what it does without leaving. */
export function linesOf({ invokes, transitions }: ChartState): string[] {
  return [
    ...invokes.map((name) => `runs ${name}`),
    ...transitions
      .filter(({ to }) => to.length === 0)
      .map((one) =>
        one.actions.length === 0
          ? `ignores ${labelOf(one)}`
          : [labelOf(one), ...one.actions].join(' / '),
      ),
  ];
}

/** The transitions that lead somewhere, by where: those between the same states are one arrow. */
export function arrowsOf(root: ChartState): { from: string; to: string; labels: string[] }[] {
  const arrows = new Map<string, { from: string; to: string; labels: string[] }>();
  for (const one of statesIn(root).flatMap(({ transitions }) => transitions)) {
    for (const to of one.to) {
      const key = JSON.stringify([one.from, to]);
      const arrow = arrows.get(key) ?? { from: one.from, to, labels: [] };
      if (!arrow.labels.includes(labelOf(one))) arrow.labels.push(labelOf(one));
      arrows.set(key, arrow);
    }
  }
  return [...arrows.values()];
}

function chartState(node: AnyStateNode): ChartState {
  const written = [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
  return {
    ...{ id: node.id, name: node.key, description: node.description, kind: kindOf(node) },
    initial: initialOf(node),
    invokes: node.invoke.map(actorName),
    states: Object.values(node.states).map(chartState),
    transitions: written.map(chartTransition),
  };
}

function kindOf({ type, history }: AnyStateNode): ChartState['kind'] {
  return type === 'history' && history === 'deep' ? 'deepHistory' : type;
}

function initialOf(node: AnyStateNode): string | undefined {
  if (node.type === 'compound') return node.initial.target[0]?.id;
  if (node.type !== 'history') return undefined;
  const target: unknown = node.config.target;
  const [named] = typeof target === 'string' ? [target] : [];
  if (named === undefined) return undefined;
  const found = named.startsWith('#')
    ? named.slice(1)
    : `${node.parent?.id}.${named.replace(/^\./, '')}`;
  return found;
}

function chartTransition(transition: AnyTransitionDefinition): ChartTransition {
  const { source, target = [], eventType, actions } = transition;
  return {
    from: source.id,
    to: target.map((node: AnyStateNode) => node.id),
    event: eventType === '' ? '' : eventName({ type: eventType }),
    guard: guardName(transition),
    actions: actions.map(actionName),
  };
}

function actionName(action: unknown): string {
  if (typeof action === 'string') return action;
  const { type, name } = action as { type?: string; name?: string };
  return type ?? name ?? 'an action';
}
