import { logGraph } from './log-chart.js';
import { type LogClause, logClauses } from './log-clauses.js';
import { LogPlayer } from './log-player.js';
import { checkSuite, type SuiteOptions } from './options.js';
import type { LogAdapters } from './place.js';
import { type Protocol, registerProtocol } from './protocol.js';
import { logScenes } from './scenes.js';

/** What `walSuite` takes. */
export type WalSuite = SuiteOptions<LogAdapters>;

/** Registers the tests of a write-ahead log: one for each clause of `Wal`. */
export function walSuite(options: WalSuite): void {
  const { factory, supports = {} } = checkSuite(options);
  const protocol: Protocol<LogClause> = {
    title: 'the write-ahead log',
    clauses: logClauses,
    graph: logGraph(supports),
    scenes: logScenes,
    lengths: [8, 40],
    start: async (ledger, random) => LogPlayer.start(await factory(), { supports, ledger, random }),
  };
  registerProtocol(options, supports, protocol, options);
}
