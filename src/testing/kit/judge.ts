import { SluiceError } from '../../errors.js';
import { transitionPairCoverage } from '../coverage.js';
import { dice } from '../dice.js';
import type { Graph } from '../graph.js';
import { eventText } from '../names.js';
import { randomWalks } from '../walks.js';
import { Ledger, Violation } from './ledger.js';
import type { Effort, Player, Protocol } from './protocol.js';

const WALK_LENGTH = 60;

type Calls = readonly string[];

/** Takes the paths of a protocol, each once, as far as somebody wants to know what comes of them. */
export class Judge<Name extends string> {
  readonly paths: readonly Calls[];
  readonly #protocol: Protocol<Name>;
  readonly #seed: number;
  readonly #ledger = new Ledger<Name>();
  /** The first violation of each clause, told with its path. */
  readonly #broken = new Map<string, { path: number; text: string; cause: unknown }>();
  #taken = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(protocol: Protocol<Name>, { seed = 1, walks = 10 }: Effort) {
    this.#protocol = protocol;
    this.#seed = seed;
    const { graph, lengths, scenes } = protocol;
    const known = new Set(graph.edges.map(({ event }) => event.type));
    this.paths = [
      ...scenes.filter((calls) => calls.every((call) => known.has(call))),
      ...lengths.flatMap((lengthMax) => pairPaths(graph, lengthMax)),
      ...(walks > 0 ? randomPaths(graph, seed, walks) : []),
    ];
  }

  /** Takes the paths up to this one. Rejects with `SLUICE_MISMATCH` when one of them breaks a clause. */
  take(to: number): Promise<void> {
    return this.#inTurn(async () => {
      const from = this.#taken;
      while (this.#taken < to) await this.#takeNext();
      const found = [...this.#broken].filter(([, { path }]) => path > from && path <= to);
      if (found.length === 0) return;
      const texts = found.map(([name, { text }]) => this.#told(name as Name, text));
      throw new SluiceError('SLUICE_MISMATCH', texts.join('\n'));
    });
  }

  /** Rejects with `SLUICE_MISMATCH` when the clause is broken on some path, or was never looked at. */
  report(name: Name): Promise<void> {
    return this.#inTurn(async () => {
      while (!this.#broken.has(name) && this.#taken < this.paths.length) await this.#takeNext();
      const found = this.#broken.get(name);
      if (found !== undefined) {
        throw new SluiceError('SLUICE_MISMATCH', this.#told(name, found.text), found);
      }
      if (this.#ledger.count(name) > 0) return;
      const { text } = this.#protocol.clauses[name];
      const others = [...this.#broken.values()].map((other) => `\n  ${other.text}`).join('');
      const missed = `there was no occasion on ${this.#taken} paths to look at this`;
      throw new SluiceError('SLUICE_MISMATCH', `${missed}: ${text}${others}`);
    });
  }

  /** Of several tests that run at once each finds what the others have found. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => {});
    return done;
  }

  #told(name: Name, text: string): string {
    return `not kept: ${this.#protocol.clauses[name].text}\n  ${text}`;
  }

  /** Takes one path, as far as every clause is kept. */
  async #takeNext(): Promise<void> {
    const calls = this.paths[this.#taken] ?? [];
    const random = dice(this.#seed * 1000 + this.#taken);
    this.#taken += 1;
    const path = this.#taken;
    let where = 'at the start';
    let player: Player | undefined;
    try {
      player = await this.#protocol.start(this.#ledger, random);
      for (const [at, call] of calls.entries()) {
        where = `in step ${at + 1}, ${call}`;
        await player.take(call);
      }
      where = 'after its last step';
      await player.finish();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      const which = `path ${path} of ${this.paths.length}, seed ${this.#seed}`;
      const text = `${error.message}\n  ${where}\n  ${which}: ${calls.join(' → ')}`;
      if (!this.#broken.has(error.clause)) {
        this.#broken.set(error.clause, { path, text, cause: error.cause });
      }
    } finally {
      await player?.destroy();
    }
  }
}

function randomPaths(graph: Graph, seed: number, count: number): Calls[] {
  const walks = randomWalks(graph, { seed, count, length: WALK_LENGTH });
  return walks.map(({ steps }) => steps.map(({ event }) => eventText(event)));
}

const known = new WeakMap<Graph, Map<number, readonly Calls[]>>();

/** Paths over every pair of calls; several suites in one process share them. */
function pairPaths(graph: Graph, lengthMax: number): readonly Calls[] {
  const byLength = known.get(graph) ?? new Map<number, readonly Calls[]>();
  known.set(graph, byLength);
  const paths =
    byLength.get(lengthMax) ??
    transitionPairCoverage(graph, { lengthMax }).map(({ steps }) =>
      steps.map(({ event }) => eventText(event)),
    );
  byLength.set(lengthMax, paths);
  return paths;
}
