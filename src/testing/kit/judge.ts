import { SluiceError } from '../../errors.js';
import { transitionPairCoverage } from '../coverage.js';
import { dice } from '../dice.js';
import type { Graph } from '../graph.js';
import { eventText } from '../names.js';
import type { Path } from '../path.js';
import { randomWalks } from '../walks.js';
import { Ledger, Violation } from './ledger.js';
import type { Effort, Protocol } from './protocol.js';

/** Long paths, because many things have to happen before some can. */
const PATH_LENGTH = 40;
const WALK_LENGTH = 60;

/** Takes the paths of a protocol, each once, as far as somebody wants to know what comes of them. */
export class Judge<Name extends string> {
  readonly #protocol: Protocol<Name>;
  readonly #seed: number;
  readonly #walks: number;
  readonly #ledger = new Ledger<Name>();
  /** The first violation of each clause, told with its path. */
  readonly #broken = new Map<string, { text: string; cause: unknown }>();
  #paths: readonly Path[] | undefined;
  #taken = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(protocol: Protocol<Name>, { seed = 1, walks = 10 }: Effort) {
    this.#protocol = protocol;
    this.#seed = seed;
    this.#walks = walks;
  }

  /** Rejects with `SLUICE_MISMATCH` when the clause is broken on some path, or was never looked at. */
  report(name: Name): Promise<void> {
    // Of several tests that run at once each finds what the others have found.
    const report = this.#last.then(() => this.#report(name));
    this.#last = report.catch(() => {});
    return report;
  }

  async #report(name: Name): Promise<void> {
    this.#paths ??= this.#allPaths();
    while (!this.#broken.has(name) && this.#taken < this.#paths.length) await this.#takeNext();
    const { text } = this.#protocol.clauses[name];
    const found = this.#broken.get(name);
    if (found !== undefined) {
      throw new SluiceError('SLUICE_MISMATCH', `not kept: ${text}\n  ${found.text}`, found);
    }
    if (this.#ledger.count(name) > 0) return;
    const others = [...this.#broken.values()].map((other) => `\n  ${other.text}`).join('');
    const missed = `there was no occasion on ${this.#taken} paths to look at this`;
    throw new SluiceError('SLUICE_MISMATCH', `${missed}: ${text}${others}`);
  }

  #allPaths(): Path[] {
    const [{ graph }, seed, count] = [this.#protocol, this.#seed, this.#walks];
    const walks = count > 0 ? randomWalks(graph, { seed, count, length: WALK_LENGTH }) : [];
    return [...pairPaths(graph), ...walks];
  }

  /** Takes one path, as far as every clause is kept. */
  async #takeNext(): Promise<void> {
    const path = this.#paths?.[this.#taken] as Path;
    const random = dice(this.#seed * 1000 + this.#taken);
    this.#taken += 1;
    let where = 'at the start';
    const player = await this.#protocol.start(this.#ledger, random);
    try {
      for (const [at, { event }] of path.steps.entries()) {
        where = `in step ${at + 1}, ${eventText(event)}`;
        await player.take(event);
      }
      where = 'after its last step';
      await player.finish();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      const calls = path.steps.map(({ event }) => eventText(event)).join(' → ');
      const which = `path ${this.#taken} of ${this.#paths?.length}, seed ${this.#seed}`;
      const text = `${error.message}\n  ${where}\n  ${which}: ${calls}`;
      if (!this.#broken.has(error.clause)) {
        this.#broken.set(error.clause, { text, cause: error.cause });
      }
    } finally {
      await player.destroy();
    }
  }
}

const known = new WeakMap<Graph, readonly Path[]>();

function pairPaths(graph: Graph): readonly Path[] {
  const paths = known.get(graph) ?? transitionPairCoverage(graph, { lengthMax: PATH_LENGTH });
  known.set(graph, paths);
  return paths;
}
