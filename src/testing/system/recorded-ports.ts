import type {
  DeathCounter,
  SegmentHolder,
  SegmentInfo,
  SegmentOptimizer,
  Wal,
} from '../../services/ports.js';
import { CallRecorder } from './call-recorder.js';
import { Journal } from './journal.js';
import { PortGates } from './port-gates.js';
import { RecordedOptimizer } from './recorded-optimizer.js';
import { RecordedSegments } from './recorded-segments.js';
import { RecordedWal, recordedDeaths } from './recorded-wal.js';

/** The adapters of a store, as `createUpdateHandler` takes them. */
export interface Ports<Op, Info extends SegmentInfo = SegmentInfo> {
  wal: Wal;
  segments: SegmentHolder<Op, Info>;
  optimizers?: readonly SegmentOptimizer<Info>[];
  deathCounter?: DeathCounter;
}

/** Adapters with a journal and gates before them. */
export interface RecordedPorts<Op, Info extends SegmentInfo = SegmentInfo> {
  /** The same adapters, for `createUpdateHandler`. */
  readonly ports: Ports<Op, Info>;
  readonly journal: Journal;
  readonly gates: PortGates;
  /** As if the process had died: no call reaches an adapter any more, and none is answered. */
  drop(): void;
}

/**
 * Puts a journal and gates before the adapters of a store. Until a gate is set, or a failure
 * scripted, nothing is changed by that, not even the turn in which a call reaches its adapter.
 */
export function recordPorts<Op, Info extends SegmentInfo>(
  ports: Ports<Op, Info>,
  { journal = new Journal(), gates = new PortGates() } = {},
): RecordedPorts<Op, Info> {
  const recorder = new CallRecorder(journal, gates);
  const numbers = { last: 0 };
  const { wal, segments, optimizers = [], deathCounter } = ports;
  const recorded: Ports<Op, Info> = {
    wal: new RecordedWal(wal, recorder),
    segments: new RecordedSegments(segments, recorder),
    optimizers: optimizers.map((one) => new RecordedOptimizer(one, recorder, numbers)),
  };
  if (deathCounter !== undefined) recorded.deathCounter = recordedDeaths(deathCounter, recorder);
  return { ports: recorded, journal, gates, drop: () => recorder.drop() };
}
