import { arrowsOf, type ChartState, linesOf, statesIn } from './chart.js';

/** A chart in the language of Graphviz: `sluice graph MACHINE --format dot | dot -Tsvg`. */
export function dot(root: ChartState): string {
  const states = statesIn(root);
  const names = new Map(states.map((state, at) => [state.id, { state, name: `s${at}` }]));
  const lines = (state: ChartState, indent: string): string[] => {
    const name = names.get(state.id)?.name ?? '';
    // The ids are those of the machine, for whoever looks for a state in what is drawn.
    const id = `id=${quoted(state.id)}`;
    if (state.states.length === 0)
      return [`${indent}${name} [${[...boxOf(state), id].join(', ')}];`];
    const style = state.kind === 'parallel' ? 'dashed' : 'rounded';
    return [
      `${indent}subgraph cluster_${name} {`,
      `${indent}  label=${labelIn(state)}; style=${style}; ${id};`,
      // An arrow to or from a state with states in it has its end at this point.
      `${indent}  ${name} [shape=point, style=invis];`,
      ...(state.initial === undefined
        ? []
        : [`${indent}  ${name}_start [shape=circle, style=filled, label="", width=0.12];`]),
      ...state.states.flatMap((inner) => lines(inner, `${indent}  `)),
      `${indent}}`,
    ];
  };
  const end = (id: string) => names.get(id) ?? { state: root, name: 's0' };
  const arrow = (from: string, to: string, label: string, tail: string | undefined) => {
    const { state, name } = end(to);
    const ends = [
      ...(tail === undefined ? [] : [`ltail=${tail}`]),
      ...(state.states.length === 0 ? [] : [`lhead=cluster_${name}`]),
    ];
    return `  ${from} -> ${name} [${[`label=${label}`, ...ends].join(', ')}];`;
  };
  const begins = states
    .filter(({ kind, initial }) => kind === 'compound' && initial !== undefined)
    .map(({ id, initial = '' }) => arrow(`${end(id).name}_start`, initial, '""', undefined));
  const first = states
    .filter(({ kind, initial }) => /history/i.test(kind) && initial !== undefined)
    .map(({ id, initial = '' }) => arrow(end(id).name, initial, '"at first"', undefined));
  return [
    `digraph ${quoted(root.id)} {`,
    '  compound=true; rankdir=LR;',
    '  node [shape=box, style=rounded, fontname="sans-serif"];',
    '  edge [fontname="sans-serif", fontsize=10];',
    '  graph [fontname="sans-serif"];',
    ...lines(root, '  '),
    ...begins,
    ...first,
    ...arrowsOf(root).map(({ from, to, labels }) => {
      const { state, name } = end(from);
      // An arrow that stays within a state can't begin at its frame.
      const stays = statesIn(state).some(({ id }) => id === to);
      const tail = state.states.length === 0 || stays ? undefined : `cluster_${name}`;
      return arrow(name, to, quoted(labels.join('\n')), tail);
    }),
    '}',
  ].join('\n');
}

const labelIn = (state: ChartState) => quoted([state.name, ...linesOf(state)].join('\n'));

function boxOf(state: ChartState): string[] {
  if (state.kind === 'history') return ['shape=circle', 'label="H"'];
  if (state.kind === 'deepHistory') return ['shape=circle', 'label="H*"'];
  return [`label=${labelIn(state)}`, ...(state.kind === 'final' ? ['peripheries=2'] : [])];
}

/** A text of several lines as a quoted one, in which a backslash is only a backslash. */
function quoted(text: string): string {
  const safe = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  return `"${safe.replaceAll('\n', '\\n')}"`;
}
