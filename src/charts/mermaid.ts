import { arrowsOf, type ChartState, labelOf, linesOf } from './chart.js';

/** A chart as a Mermaid `stateDiagram-v2`, for Markdown: GitHub, GitLab and many editors draw it. */
export function mermaid(root: ChartState): string {
  const drawing = new Drawing(root);
  return ['stateDiagram-v2', ...drawing.states(), ...drawing.arrows()].join('\n');
}

interface Place {
  state: ChartState;
  /** A short name of its own: ids may have characters that Mermaid can't have in names. */
  name: string;
  /** The states around it, itself included. */
  around: ReadonlySet<string>;
}

/** The name of the box that stands for "whichever state of it is active". */
const anyIn = ({ name }: Place) => `${name}_any`;

class Drawing {
  readonly #root: ChartState;
  readonly #places = new Map<string, Place>();

  constructor(root: ChartState) {
    this.#root = root;
    this.#note(root, new Set());
  }

  states(): string[] {
    const { states, kind } = this.#root;
    // The root is a frame around everything, which is left out unless it has to be there.
    if (states.length === 0 || kind === 'parallel') return this.#state(this.#root, '  ');
    return this.#inside(this.#root, '  ');
  }

  arrows(): string[] {
    const drawn = arrowsOf(this.#root).flatMap(({ from, to, labels }) => {
      const ends = this.#ends(from, to);
      return ends === undefined ? [] : [`  ${ends} : ${labels.map(escaped).join('<br/>')}`];
    });
    const atFirst = [...this.#places.values()].flatMap(({ state, name }) => {
      if (!isHistory(state) || state.initial === undefined) return [];
      return [`  ${name} --> ${this.#nameOf(state.initial)} : at first`];
    });
    return [...drawn, ...atFirst];
  }

  /** Mermaid can't draw an arrow between a state and one that is in it. */
  #ends(from: string, to: string): string | undefined {
    const [source, target] = [this.#places.get(from), this.#places.get(to)];
    if (source === undefined || target === undefined) return undefined;
    if (from === to && source.state.states.length > 0) return undefined;
    if (from !== to && target.around.has(from)) return `${anyIn(source)} --> ${target.name}`;
    if (from === to || !source.around.has(to)) return `${source.name} --> ${target.name}`;
    const { initial } = target.state;
    return initial === undefined ? undefined : `${source.name} --> ${this.#nameOf(initial)}`;
  }

  #state(state: ChartState, indent: string): string[] {
    const name = this.#nameOf(state.id);
    const head = `${indent}state "${escaped(titleOf(state))}" as ${name}`;
    if (state.states.length > 0) {
      return [`${head} {`, ...this.#inside(state, `${indent}  `), `${indent}}`];
    }
    const ends = state.kind === 'final' ? [`${indent}${name} --> [*]`] : [];
    return [head, ...linesOf(state).map((text) => `${indent}${name} : ${escaped(text)}`), ...ends];
  }

  #inside(state: ChartState, indent: string): string[] {
    const { kind, states, initial } = state;
    const parts = states.map((one) => this.#state(one, indent));
    // Regions of a parallel state are set apart by a line of dashes.
    const apart = kind === 'parallel' ? [`${indent}--`] : [];
    return [
      ...(initial === undefined ? [] : [`${indent}[*] --> ${this.#nameOf(initial)}`]),
      ...this.#any(state, indent),
      ...parts.flatMap((part, at) => (at === 0 ? part : [...apart, ...part])),
    ];
  }

  /** A box for what a state with states in it does, whichever of them is active. */
  #any(state: ChartState, indent: string): string[] {
    const goesInside = (to: string) => this.#places.get(to)?.around.has(state.id) ?? false;
    const inner = state.transitions.filter(({ to }) => to.some(goesInside));
    const again = inner.filter(({ to }) => to.includes(state.id));
    const texts = [
      ...linesOf(state),
      ...again.map((one) => `${labelOf(one)} / ${state.name} begins again`),
    ];
    if (texts.length === 0 && inner.length === 0) return [];
    const name = `${this.#nameOf(state.id)}_any`;
    const title = `any state of ${state.name}`;
    return [
      `${indent}state "${escaped(title)}" as ${name}`,
      ...texts.map((text) => `${indent}${name} : ${escaped(text)}`),
    ];
  }

  #nameOf(id: string): string {
    return this.#places.get(id)?.name ?? '[*]';
  }

  #note(state: ChartState, outside: ReadonlySet<string>): void {
    const around = new Set([...outside, state.id]);
    this.#places.set(state.id, { state, name: `s${this.#places.size}`, around });
    for (const inner of state.states) this.#note(inner, around);
  }
}

const isHistory = ({ kind }: ChartState) => kind === 'history' || kind === 'deepHistory';

function titleOf(state: ChartState): string {
  if (!isHistory(state)) return state.name;
  return `${state.name} (${state.kind === 'history' ? 'H' : 'H*'})`;
}

/** Any character that could mean something to Mermaid, as its number. */
function escaped(text: string): string {
  return text.replace(/[^\p{L}\p{N} .,()[\]/_]/gu, (char) => `#${char.codePointAt(0)};`);
}
