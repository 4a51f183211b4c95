import { type AnyActorRef, type AnyEventObject, createActor } from 'xstate';
import { settle, VirtualClock } from '../../support/virtual-clock.js';
import type { Case } from './cases.js';
import { keyOf } from './explore.js';
import { Gates } from './gates.js';
import { type Edge, type Graph, lineOf } from './graph.js';

/** One shortest path for each `label` of an edge; a path that is the beginning of another is left out. */
export function pathsOver(graph: Graph, label: (edge: Edge) => string): Edge[][] {
  const chosen = new Map<string, Edge>();
  for (const edge of graph.edges) {
    if (!chosen.has(label(edge))) chosen.set(label(edge), edge);
  }
  const entries = graph.entries();
  const paths = [...chosen.values()].map((edge) => graph.pathTo(edge, entries));
  const interior = new Set(paths.flatMap((path) => path.slice(0, -1)));
  return paths.filter((path) => path.slice(-1).some((last) => !interior.has(last)));
}

/**
 * Walks paths with the real actor: events are sent, children end by their gates, and time goes on
 * by itself. After each step the actor must be where the model is. Throws at the first difference.
 */
export async function replay(testCase: Case, paths: readonly Edge[][]): Promise<void> {
  const gates = new Gates();
  const machine = gates.guard(testCase.machine);
  for (const path of paths) await walk({ ...testCase, machine }, gates, path);
}

async function walk({ machine, how, raised = [] }: Case, gates: Gates, path: readonly Edge[]) {
  const clock = new VirtualClock();
  const received: AnyEventObject[] = [];
  const actor: AnyActorRef = createActor(machine, {
    ...(how.input === undefined ? {} : { input: how.input }),
    clock,
    inspect: (step) => {
      if (step.type === '@xstate.event' && step.actorRef === actor) received.push(step.event);
    },
  });
  // A crash that the model expects is compared like any other state.
  actor.subscribe({ error: () => {} });
  actor.start();
  await settle();
  for (const edge of path) {
    const { event, to } = edge;
    const [, kind, actorId = ''] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(event.type) ?? [];
    if (kind === 'done') gates.resolve(actorId, event.output);
    else if (kind === 'error') gates.reject(actorId, event.error);
    else if (event.type.startsWith('xstate.after.') || raised.includes(event.type)) {
      waitFor(event, clock, received);
    } else actor.send(event);
    await settle();
    const reached = keyOf(actor.getSnapshot(), how.project);
    if (reached !== to) throw new Error(`the actor went to ${reached}\nby ${lineOf(edge)}`);
  }
  actor.stop();
  gates.forget();
}

/** Lets time go on until the event has come. */
function waitFor(event: AnyEventObject, clock: VirtualClock, received: AnyEventObject[]): void {
  const wanted = JSON.stringify(event);
  received.length = 0;
  while (!received.some((candidate) => JSON.stringify(candidate) === wanted)) {
    if (!clock.step()) throw new Error(`no timer brings ${wanted}`);
  }
}
