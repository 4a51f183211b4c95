import type { Edge, Graph } from './graph.js';
import { pathText } from './names.js';

/** A way through a graph, from its start. */
export class Path {
  readonly graph: Graph;
  readonly steps: readonly Edge[];

  constructor(graph: Graph, steps: readonly Edge[]) {
    this.graph = graph;
    this.steps = steps;
  }

  /** `waiting → Nop → planning → …`; of a long path only the beginning and the end. */
  get name(): string {
    return this.#text(false);
  }

  /** The name with every step. */
  toString(): string {
    return this.#text(true);
  }

  #text(whole: boolean): string {
    const { initialKey, snapshots } = this.graph;
    return pathText(this.steps, snapshots.get(initialKey)?.value ?? '', whole);
  }
}
