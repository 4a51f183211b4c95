import type { DeathCall, DeathClause } from './death-chart.js';
import { DeathRound } from './death-round.js';
import type { Place, StoreAdapters } from './place.js';
import type { Player } from './protocol.js';
import type { StoreTestOptions } from './store-on.js';

/** More calls than these are taken for a flush or an optimization that never ends. */
const CALLS_MAX = 1000;

/** What a player of deaths is made of. */
export interface DeathPlayerOptions<Op> extends Omit<StoreTestOptions<Op, DeathClause>, 'place'> {
  factory: () => Place<StoreAdapters<Op>> | Promise<Place<StoreAdapters<Op>>>;
}

/** Lets the process of one store after the other die, each one call later than the one before. */
export class DeathPlayer<Op> implements Player {
  readonly #options: DeathPlayerOptions<Op>;

  constructor(options: DeathPlayerOptions<Op>) {
    this.#options = options;
  }

  async take(call: string): Promise<void> {
    for (let at = 1; await this.#dies(call as DeathCall, at); at += 1) {
      this.#options.ledger.check('rest', at < CALLS_MAX, `${CALLS_MAX} calls are no end`);
    }
  }

  async finish(): Promise<void> {}

  async destroy(): Promise<void> {}

  /** False when all was done before that call came. */
  async #dies(call: DeathCall, at: number): Promise<boolean> {
    const place = await this.#options.factory();
    const round = new DeathRound({ ...this.#options, place });
    try {
      return await round.play(call, at);
    } finally {
      await round.destroy();
    }
  }
}
