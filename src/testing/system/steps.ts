import type { WaitLevel } from '../../types.js';
import type { Site } from './journal.js';

/** How a held call is opened. */
export type HowOpened = 'well' | 'transient' | 'sticky' | 'stickyAfter';

/**
 * One thing that happens to a system from outside. Plain data, so that a walk can be written down
 * and gone again; a step that is not possible where it comes is left out.
 */
export type Step =
  | { step: 'submit'; wait: WaitLevel; patience: 'endless' | 'abortable' | 'short'; mark: string }
  | { step: 'submitBad' }
  | { step: 'abort'; request: number }
  | { step: 'plunge' | 'flush' | 'trigger' | 'reopen' | 'stop' | 'kill' | 'restart' | 'timer' }
  | { step: 'reconfigure'; slots: number; flushIntervalMs: number }
  | { step: 'keep'; back: number }
  | { step: 'giveUp'; hold: number }
  | { step: 'openReader'; follow: boolean }
  | { step: 'read' | 'closeReader'; reader: number }
  | { step: 'open'; site: Site; how: HowOpened }
  | { step: 'fail'; site: Site; how: 'transient' | 'sticky' | 'transientAfter' }
  | { step: 'takePermits' | 'givePermits'; budget: 'io' | 'cpu' };

/** Sites at which a failure after the work is possible: the caller can't tell what was written. */
const MAY_HAVE_WORKED: readonly Site[] = [
  'wal.append',
  'wal.sync',
  'wal.acknowledge',
  'capture.writeBlocks',
  'capture.commit',
];

/** Calls that may fail in no way that stays: nothing is written by them. */
const NEVER_STICKY: readonly Site[] = ['wal.read', 'wal.close', 'segments.close'];

/** The ways in which a held call can be opened. */
export function waysToOpen(site: Site): HowOpened[] {
  if (NEVER_STICKY.includes(site)) return ['well', 'transient'];
  if (!MAY_HAVE_WORKED.includes(site)) return ['well', 'transient', 'sticky'];
  return ['well', 'transient', 'sticky', 'stickyAfter'];
}

/** Synchronous calls that a walk lets fail, and how. */
export const SCRIPTED: readonly Extract<Step, { step: 'fail' }>[] = [
  { step: 'fail', site: 'segments.apply', how: 'transient' },
  { step: 'fail', site: 'segments.apply', how: 'sticky' },
  { step: 'fail', site: 'segments.capture', how: 'transient' },
  { step: 'fail', site: 'segments.ensureCapacity', how: 'transient' },
  { step: 'fail', site: 'optimizer.select', how: 'transient' },
  { step: 'fail', site: 'optimizer.begin', how: 'transient' },
  { step: 'fail', site: 'run.swap', how: 'transient' },
  // The only way to make a flush worker die: what it must not throw, it throws.
  { step: 'fail', site: 'capture.release', how: 'transientAfter' },
];

/** What kind of step it is, as far as coverage tells steps apart. */
export function kindOf(step: Step): string {
  switch (step.step) {
    case 'submit':
      return `submit ${step.wait} ${step.patience}`;
    case 'open':
      return `open ${step.site} ${step.how}`;
    case 'fail':
      return `fail ${step.site} ${step.how}`;
    case 'reconfigure':
      return `reconfigure ${Math.min(step.slots, 1)}`;
    case 'openReader':
      return `openReader ${step.follow}`;
    case 'takePermits':
    case 'givePermits':
      return `${step.step} ${step.budget}`;
    default:
      return step.step;
  }
}

/** The events of the charts that a step brings about, by their beginnings. */
export function eventsOf(step: Step): readonly string[] {
  switch (step.step) {
    case 'submit':
      return ['Operation', 'Applied'];
    case 'plunge':
      return ['Plunger'];
    case 'trigger':
      return ['Nop'];
    case 'flush':
      return ['Flush'];
    case 'stop':
      return ['Stop', 'xstate.error.actor.acquireCpu'];
    case 'reopen':
      return ['Reopen'];
    case 'reconfigure':
      return ['Reconfigure', 'Pause', 'Resume'];
    case 'timer':
      return ['xstate.after.', 'Restart'];
    case 'takePermits':
    case 'givePermits':
      return ['xstate.done.actor.permitWaiter', 'xstate.done.actor.acquireCpu'];
    case 'open':
      return (
        EFFECTS[step.site]
          ?.map((effect) => `xstate.${step.how === 'well' ? 'done' : 'error'}.actor.${effect}`)
          .concat(/^sticky/.test(step.how) ? ['Broken'] : []) ?? []
      );
    case 'fail':
      return (EFFECTS[step.site] ?? [])
        .map((effect) => `xstate.error.actor.${effect}`)
        .concat(step.how === 'sticky' ? ['Broken'] : [])
        .concat(step.site === 'capture.release' ? ['xstate.done.actor.settle.'] : []);
    default:
      return [];
  }
}

/** The effects and workers of the charts that wait for a call. */
const EFFECTS: Partial<Record<Site, readonly string[]>> = {
  'wal.open': ['open'],
  'segments.open': ['open'],
  'deaths.read': ['open'],
  'wal.read': ['applier', 'drain', 'updateWorker'],
  'segments.apply': ['applier', 'drain', 'updateWorker'],
  'wal.sync': ['capture', 'flushWorker'],
  'segments.capture': ['capture'],
  'capture.writeBlocks': ['writeBlocks', 'flushWorker'],
  'capture.commit': ['commit', 'flushWorker'],
  'wal.acknowledge': ['acknowledge', 'flushWorker'],
  'capture.release': ['flushWorker'],
  'segments.ensureCapacity': ['ensureCapacity'],
  'optimizer.select': ['plan'],
  'optimizer.begin': ['copy'],
  'deaths.write': ['copy'],
  'run.copy': ['copy', 'optimization'],
  'run.index': ['index', 'optimization'],
  'run.catchUp': ['catchUp', 'optimization'],
  'run.swap': ['swap', 'optimization'],
  'run.discard': ['rollback', 'optimization'],
  'segments.close': ['close'],
  'wal.close': ['close'],
};
