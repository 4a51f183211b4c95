import { arrowsOf, type ChartState, linesOf, statesIn } from './chart.js';

/** How much of a chart is drawn. */
export interface DotOptions {
  /** Only states, their actors, and events: without guards, actions, and what stays in a state. */
  brief?: boolean;
}

/** Labels of one arrow in a brief chart. */
const LABELS_MAX = 4;

/** A chart in the language of Graphviz: `sluice graph MACHINE --format dot | dot -Tsvg`. */
export function dot(root: ChartState, { brief = false }: DotOptions = {}): string {
  const states = statesIn(root);
  const names = new Map(states.map((state, at) => [state.id, { state, name: `s${at}` }]));
  const lines = (state: ChartState, indent: string): string[] => {
    const name = names.get(state.id)?.name ?? '';
    // The ids are those of the machine, for whoever looks for a state in what is drawn.
    const id = `id=${quoted(state.id)}`;
    if (state.states.length === 0)
      return [`${indent}${name} [${[...boxOf(state, brief), id].join(', ')}];`];
    const style = state.kind === 'parallel' ? 'dashed' : 'rounded';
    return [
      `${indent}subgraph cluster_${name} {`,
      `${indent}  label=${labelIn(state, brief)}; style=${style}; ${id};`,
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
  // Where it is drawn, fonts may be wider than Graphviz believes.
  const margin = brief ? ', margin="0.25,0.08"' : '';
  return [
    `digraph ${quoted(root.id)} {`,
    `  compound=true; rankdir=${brief ? 'TB' : 'LR'};`,
    `  node [shape=box, style=rounded, fontname="sans-serif"${margin}];`,
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
      const shown = brief ? briefly(labels) : labels;
      return arrow(name, to, quoted(shown.join('\n')), tail);
    }),
    '}',
  ].join('\n');
}

function labelIn(state: ChartState, brief: boolean): string {
  const lines = brief ? state.invokes.map((name) => `runs ${name}`) : linesOf(state);
  return quoted([state.name, ...lines].join('\n'));
}

/** The events of an arrow, each once. */
function briefly(labels: readonly string[]): string[] {
  const events = [...new Set(labels.map((label) => label.replace(/ \[.*\]$/, '')))];
  const more = events.length - LABELS_MAX;
  return more <= 1 ? events : [...events.slice(0, LABELS_MAX), `and ${more} more`];
}

function boxOf(state: ChartState, brief: boolean): string[] {
  if (state.kind === 'history') return ['shape=circle', 'label="H"'];
  if (state.kind === 'deepHistory') return ['shape=circle', 'label="H*"'];
  return [`label=${labelIn(state, brief)}`, ...(state.kind === 'final' ? ['peripheries=2'] : [])];
}

/** A text of several lines as a quoted one, in which a backslash is only a backslash. */
function quoted(text: string): string {
  const safe = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  return `"${safe.replaceAll('\n', '\\n')}"`;
}
