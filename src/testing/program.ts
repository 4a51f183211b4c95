import { COLUMNS_MAX, quoted } from './literal.js';

/** A value that a written program gets from a module. */
export interface Reference {
  /** What is imported: `./door.mjs`, `sluice/testing`. */
  from: string;
  /** The name of the export; `default` is one. */
  name: string;
  /** Where in the export the value is: `.flushWorker.machine`. @default the export itself */
  inside?: string;
}

/** The imports of a written program; a name that it uses for something else is imported as another. */
export class Imports {
  readonly #names = new Map<string, Set<string>>();
  readonly #types = new Map<string, Set<string>>();
  readonly #taken: Set<string>;

  /** `taken`: names that the program defines itself. */
  constructor(taken: readonly string[]) {
    this.#taken = new Set(taken);
  }

  /** Imports names that are the program's own choice. */
  add(from: string, ...names: readonly string[]): void {
    this.#add(this.#names, from, names);
  }

  addTypes(from: string, ...names: readonly string[]): void {
    this.#add(this.#types, from, names);
  }

  /** Imports a value of somebody else, if need be under the name `other`; returns how to get at it. */
  use({ from, name, inside = '' }: Reference, other: string): string {
    const isThere = this.#names.get(from)?.has(name) ?? false;
    if (!isThere && (name === 'default' || this.#taken.has(name))) {
      this.add(from, `${name} as ${other}`);
      return other + inside;
    }
    this.add(from, name);
    return name + inside;
  }

  /** A statement for each module, in the order in which they were first needed. */
  lines(): string[] {
    const statements = (of: Map<string, Set<string>>, keyword: string) =>
      [...of].map(([from, names]) => {
        const list = [...names].sort();
        const line = `${keyword} { ${list.join(', ')} } from ${quoted(from)};`;
        if (line.length <= COLUMNS_MAX) return line;
        const rows = list.map((name) => `  ${name},`);
        return [`${keyword} {`, ...rows, `} from ${quoted(from)};`].join('\n');
      });
    return [...statements(this.#names, 'import'), ...statements(this.#types, 'import type')];
  }

  #add(to: Map<string, Set<string>>, from: string, names: readonly string[]): void {
    const known = to.get(from) ?? new Set();
    to.set(from, known);
    for (const name of names) {
      known.add(name);
      this.#taken.add(name);
    }
  }
}
