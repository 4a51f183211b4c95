import type { Dice } from '../dice.js';
import type { Graph } from '../graph.js';
import { Judge } from './judge.js';
import type { Ledger } from './ledger.js';
import type { Capability, Runner, Supports } from './place.js';

/** A clause of a contract, and what must be supported to look at it. */
export interface Clause {
  text: string;
  needs?: readonly Capability[];
}

/** Which paths are taken through a protocol besides those that cover each pair of its calls. */
export interface Effort {
  /** The same seed, the same choices. @default 1 */
  seed?: number;
  /** Random walks of 60 calls. @default 10 */
  walks?: number;
}

/** Makes the calls of a path, and looks at what comes of them. */
export interface Player {
  take(call: string): Promise<void>;
  /** After the last call: what can only be looked at when all is quiet. */
  finish(): Promise<void>;
  /** Called in any case. */
  destroy(): Promise<void>;
}

/** A contract: its clauses, the order in which its calls may come, and who makes them. */
export interface Protocol<Name extends string> {
  title: string;
  clauses: Readonly<Record<Name, Clause>>;
  graph: Graph;
  /** Paths that are taken first; one with a call that the graph does not have is left out. */
  scenes: readonly (readonly string[])[];
  /**
   * Each pair of calls is covered once by paths of each of these lengths: short ones tell clearly
   * what is wrong, and some things can happen only after many others.
   */
  lengths: readonly number[];
  start(ledger: Ledger<Name>, random: Dice): Promise<Player>;
}

const BATCH = 5;

/** Why a clause can't be looked at; undefined when it can. */
export function unsupported({ needs = [] }: Clause, supports: Supports): string | undefined {
  const missing = needs.filter((one) => !(supports[one] ?? one === 'permanence'));
  return missing.length === 0 ? undefined : missing.map((one) => `supports.${one}`).join(', ');
}

/**
 * Registers tests that take the paths, each once, and one test for each clause, which fails when it
 * was broken on some path, or when there was no occasion to look at it.
 */
export function registerProtocol<Name extends string>(
  { test, describe }: Runner,
  supports: Supports,
  protocol: Protocol<Name>,
  effort: Effort,
): void {
  const judge = new Judge(protocol, effort);
  const skip = typeof test.skip === 'function' ? test.skip.bind(test) : test;
  const register = (prefix: string) => {
    // The work is done here, in parts that are shorter than the limit of any runner.
    for (let from = 0; from < judge.paths.length; from += BATCH) {
      const to = Math.min(from + BATCH, judge.paths.length);
      test(`${prefix}paths ${from + 1} to ${to} of ${judge.paths.length}`, () => judge.take(to));
    }
    for (const [name, clause] of Object.entries<Clause>(protocol.clauses)) {
      const missing = unsupported(clause, supports);
      if (missing !== undefined) {
        skip(`${prefix}${clause.text} (skipped: needs ${missing})`, async () => {});
      } else test(`${prefix}${clause.text}`, () => judge.report(name as Name));
    }
  };
  if (describe === undefined) register(`${protocol.title}: `);
  else describe(protocol.title, () => register(''));
}
