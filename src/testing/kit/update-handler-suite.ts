import { type DeathClause, deathClauses, deathGraph } from './death-chart.js';
import { DeathPlayer } from './death-player.js';
import { handlerGraph } from './handler-chart.js';
import { type HandlerClause, handlerClauses } from './handler-clauses.js';
import { HandlerPlayer } from './handler-player.js';
import { checkSuite, type SuiteOptions } from './options.js';
import type { Operations, StoreAdapters } from './place.js';
import { type Protocol, registerProtocol } from './protocol.js';
import { handlerScenes } from './scenes.js';
import { segmentsSuite } from './segments-suite.js';
import { walSuite } from './wal-suite.js';

/** What `updateHandlerSuite` takes. */
export interface UpdateHandlerSuite<Op> extends SuiteOptions<StoreAdapters<Op>> {
  operations: Operations<Op>;
}

/**
 * Registers the tests of a whole store: of its log, of its segments and optimizers, and of all of
 * them together on the core. Each is there as a suite of its own as well, but for the last.
 */
export function updateHandlerSuite<Op>(options: UpdateHandlerSuite<Op>): void {
  const { factory, supports = {} } = checkSuite(options);
  const { operations } = options;
  walSuite(options);
  segmentsSuite(options);
  const protocol: Protocol<HandlerClause> = {
    title: 'the store on the core',
    clauses: handlerClauses,
    graph: handlerGraph(supports),
    scenes: handlerScenes,
    lengths: [30],
    start: async (ledger, random) =>
      new HandlerPlayer({ place: await factory(), operations, supports, ledger, random }),
  };
  registerProtocol(options, supports, protocol, options);
  const deaths: Protocol<DeathClause> = {
    title: 'the store on the core, killed at each call',
    clauses: deathClauses,
    graph: deathGraph(supports),
    scenes: [],
    lengths: [1],
    start: async (ledger, random) =>
      new DeathPlayer({ factory, operations, supports, ledger, random }),
  };
  registerProtocol(options, supports, deaths, { ...options, walks: 0 });
}
