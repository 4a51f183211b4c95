import type { AnyActorRef } from 'xstate';
import type { Core } from './core.js';
import type { CoreOptions } from './core-options.js';
import { assert } from './errors.js';
import type { Applier } from './services/applier.js';
import type { OptimizationRuns } from './services/optimization-runs.js';
import type { SegmentHolder, SegmentInfo } from './services/ports.js';
import type { WalTail } from './services/wal-tail.js';

type AnyCore = Core<unknown, SegmentInfo>;
type AnyHolder = SegmentHolder<unknown>;

/** The members of a core that know what its operations and segments are. */
interface Particular {
  options: Pick<
    CoreOptions<unknown, SegmentInfo>,
    'wal' | 'clock' | 'onOpened' | 'onClosed' | 'settings'
  > & { segments: Pick<AnyHolder, 'open' | 'close' | 'segments'> };
  applier: Pick<Applier<unknown>, 'run' | 'drain' | 'abandonDrain'>;
  tail: Pick<WalTail<unknown>, 'applied' | 'close' | 'settled' | 'refuseInFlight'>;
  runs: Pick<
    OptimizationRuns<SegmentInfo>,
    'abandonAll' | 'find' | 'forgetBackOff' | 'get' | 'plan' | 'releaseReserved' | 'waitForPermit'
  >;
}

/** A core as the charts see it, whatever its operations and segments are. */
export type ChartedCore = Omit<AnyCore, keyof Particular | 'feed' | 'submit'> & Particular;

/** The charts are the same for all stores; what they do is done by the core of their system. */
const cores = new WeakMap<AnyActorRef['system'], ChartedCore>();

/** Gives a system of actors the core that it works for, before it starts. */
export function bindCore(system: AnyActorRef['system'], core: ChartedCore): void {
  cores.set(system, core);
}

/** The core that the actors of a system work for. */
export function coreOf({ system }: { system: AnyActorRef['system'] }): ChartedCore {
  const core = cores.get(system);
  assert(core !== undefined, 'the system has a core');
  return core;
}
