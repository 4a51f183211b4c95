// The actors and what they tell each other, as a Mermaid flowchart: seen while simulated stores are
// at work, until every event that the charts describe has been seen.
import { chartOf, statesIn } from '#sluice/charts/chart.js';
import { simulate } from '#sluice/testing/simulation/simulate.js';
import { sluiceMachines } from '#sluice/testing/sluice-machines.js';

const SEEDS_MAX = 100;
const OPERATIONS = 150;

/** Whoever is no actor of ours. */
const OTHERS = 'others';
const machines = Object.values(sluiceMachines).map(({ machine }) => machine);

/** By `from to`, the names of the events. Throws when one that is described never comes. */
async function messages() {
  const seen = new Map();
  const awaited = new Set(
    machines.flatMap(({ id, root }) =>
      Object.keys(root.meta.events).map((name) => `${id} ${name}`),
    ),
  );
  const idOf = (actor) => actor?.logic?.id ?? OTHERS;
  const inspect = ({ type, sourceRef, actorRef, event }) => {
    const to = idOf(actorRef);
    if (type !== '@xstate.event' || to === OTHERS) return;
    const from = idOf(sourceRef);
    awaited.delete(`${to} ${event.type}`);
    if (from === to) return;
    const isEnd = /^xstate\.done\.actor\./.test(event.type) && from !== OTHERS;
    if (!isEnd && event.type.startsWith('xstate.')) return;
    const key = `${from} ${to}`;
    seen.set(key, (seen.get(key) ?? new Set()).add(isEnd ? 'done' : event.type));
  };
  const own = () => [...awaited].filter((name) => !name.includes(' xstate.'));
  for (let seed = 1; own().length > 0; seed++) {
    if (seed > SEEDS_MAX) throw new Error(`never seen in ${SEEDS_MAX} seeds: ${own().join(', ')}`);
    const { failure } = await simulate({ seed, operations: OPERATIONS, inspect });
    if (failure !== undefined) throw new Error(failure.message);
  }
  return seen;
}

/** The flowchart: actors with the effects that they run, and arrows with the events between them. */
export async function actorPicture() {
  const boxes = machines.map((machine) => {
    const effects = statesIn(chartOf(machine)).flatMap(({ invokes }) => invokes);
    const runs = effects.length === 0 ? '' : `<br/><small>runs ${effects.join(', ')}</small>`;
    return `  ${machine.id}["<b>${machine.id}</b>${runs}"]`;
  });
  const arrows = [...(await messages())].map(([key, names]) => {
    const [from, to] = key.split(' ');
    return `  ${from} -- "${[...names].sort().join('<br/>')}" --> ${to}`;
  });
  const others = `  ${OTHERS}(["calls, and effects"])`;
  return ['flowchart TB', others, ...boxes, ...arrows.sort()].join('\n');
}
