import { checkSuite, type SuiteOptions } from './options.js';
import type { Operations, SegmentsAdapters } from './place.js';
import { type Protocol, registerProtocol } from './protocol.js';
import { segmentsScenes } from './scenes.js';
import { segmentsGraph } from './segments-chart.js';
import { type SegmentsClause, segmentsClauses } from './segments-clauses.js';
import { SegmentsPlayer } from './segments-player.js';

/** What `segmentsSuite` takes. */
export interface SegmentsSuite<Op> extends SuiteOptions<SegmentsAdapters<Op>> {
  operations: Operations<Op>;
}

/** Registers the tests of segments, their flushes and optimizers: one for each clause of the ports. */
export function segmentsSuite<Op>(options: SegmentsSuite<Op>): void {
  const { factory, supports = {} } = checkSuite(options);
  const { operations } = options;
  if (typeof operations?.put !== 'function' || typeof operations.delete !== 'function') {
    throw new TypeError('operations must have put and delete');
  }
  const protocol: Protocol<SegmentsClause> = {
    title: 'segments, flushes and optimizers',
    clauses: segmentsClauses,
    graph: segmentsGraph(supports),
    scenes: segmentsScenes,
    lengths: [40],
    start: (ledger, random) =>
      SegmentsPlayer.start({ factory, operations, supports, ledger, random }),
  };
  registerProtocol(options, supports, protocol, options);
}
