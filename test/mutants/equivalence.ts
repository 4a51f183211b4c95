// Whether a mutant does anything that its original does not, by computation.
import type { Edge, ExecutedAction, Graph } from 'sluice/testing';

/**
 * True when two graphs are one: the same states under the same keys, and for each event in each of
 * them the same actions with the same parameters (children that begin and end, messages, delays,
 * actions of the machine's own) in the same order, the same whole context, and the same next state.
 */
export function isEquivalent(original: Graph, mutant: Graph): boolean {
  const [left, right] = [allEdges(original), allEdges(mutant)];
  if (original.initialKey !== mutant.initialKey || left.length !== right.length) return false;
  const known = new Map(left.map((edge) => [nameOf(edge), edge]));
  return right.every((edge) => {
    const other = known.get(nameOf(edge));
    return other !== undefined && deeds(other) === deeds(edge);
  });
}

const allEdges = ({ edges, ignored }: Graph) => [...edges, ...ignored];
const nameOf = ({ from, event, to }: Edge) => `${from} ${JSON.stringify(event)} ${to}`;

function deeds({ event, executed, target }: Edge): string {
  const { context, output } = target;
  // To let go of a child that has ended does nothing, whatever is done before or after it.
  const isRelease = ({ type, params }: ExecutedAction) =>
    type === 'xstate.stopChild' && (params as { id: string }).id === event.actorId;
  const others = executed.filter((action) => !isRelease(action));
  return JSON.stringify([executed.length, others, context, output]);
}
