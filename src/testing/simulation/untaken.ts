import { NEVER_TAKEN as NEVER_BY_ANY, type Untaken } from '../system/never-taken.js';

/** No collection takes these: one that does so disproves the reason. */
export const NEVER_TAKEN: readonly Untaken[] = [
  ...NEVER_BY_ANY,
  {
    why: 'a collection asks for a flush in the step in which its settings change',
    names: ['flushWorker.sleeping on Reconfigured: flushWorker.sleeping'],
  },
  {
    why: 'a collection puts its settings in force within a turn, and a restart comes by a timer',
    names: ['updateHandler.live.reconfiguring.applying on Restart: no target'],
  },
  {
    why: 'the optimizers of a collection compute, and nothing in them fails',
    names: [
      'optimizerScheduler.planning on xstate.error.actor.plan if isLeaving: ' +
        'optimizerScheduler.draining',
      'optimizerScheduler.planning on xstate.error.actor.plan: optimizerScheduler.launching',
    ],
  },
];

/** Some hundred seeds may not take these; longer campaigns do. */
export const SELDOM_TAKEN: readonly Untaken[] = [
  {
    why: 'needs an event in the very turn in which an effect without a wait ends',
    names: [
      'optimizationTask.swapping on Stop: no target',
      'optimizerScheduler.ensuringCapacity on Stop: no target',
      'optimizerScheduler.ensuringCapacity on xstate.error.actor.ensureCapacity if isLeaving: ' +
        'optimizerScheduler.draining',
      'optimizerScheduler.planning on Operation: no target',
      'optimizerScheduler.planning on Stop: no target',
      'optimizerScheduler.planning on xstate.done.actor.optimization.*: no target',
      'optimizerScheduler.planning on xstate.done.actor.permitWaiter: no target',
    ],
  },
  {
    why: 'needs a Stop in the very turn in which the phase ends',
    names: [
      'optimizationTask.acquiringCpu on xstate.done.actor.acquireCpu if isCancelled: ' +
        'optimizationTask.cancelling',
      'optimizationTask.catchingUp on xstate.done.actor.catchUp if isCancelled: ' +
        'optimizationTask.cancelling',
      'optimizationTask.indexing on xstate.done.actor.index if isCancelled: ' +
        'optimizationTask.cancelling',
    ],
  },
  {
    why: 'a pause lasts for one turn',
    names: [
      'optimizerScheduler.paused on Nop: no target',
      'optimizerScheduler.paused on Stop: optimizerScheduler.stopped',
    ],
  },
  {
    why: 'needs a worker that has died right before',
    names: [
      'updateHandler.broken.breaking on xstate.done.actor.settle.*: no target',
      'updateHandler.stopping on xstate.done.actor.settle.*: no target',
    ],
  },
  {
    why: 'needs a trigger between an opening and the end of its replay',
    names: ['updateHandler.live on Nop: no target'],
  },
  {
    why: 'needs a log that hangs while the update worker drains it',
    names: [
      'updateHandler.stopping.updateWorker ' +
        'on xstate.after.stopUpdateLimit.updateHandler.stopping.updateWorker: ' +
        'updateHandler.stopping.optimizerScheduler',
      'updateWorker.stopping on xstate.after.drainLimit.updateWorker.stopping: no target',
    ],
  },
  {
    why: 'needs a stop at the moment at which the opening ends',
    names: ['updateHandler.opening on xstate.done.actor.open if isStopping: updateHandler.closing'],
  },
];

/** The names in such a list. */
export function namesOf(list: readonly Untaken[]): ReadonlySet<string> {
  return new Set(list.flatMap(({ names }) => names));
}
