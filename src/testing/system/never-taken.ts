/** Transitions by their full names, and why nothing takes them, or little does. */
export interface Untaken {
  why: string;
  names: readonly string[];
}

/** No store takes these: one that does so disproves the reason. */
export const NEVER_TAKEN: readonly Untaken[] = [
  {
    why: 'a task handles every error of its effects',
    names: [
      'optimizerScheduler.backingOff on xstate.error.actor.optimization.*: ' +
        'optimizerScheduler.ensuringCapacity',
      'optimizerScheduler.draining on xstate.error.actor.optimization.*: no target',
      'optimizerScheduler.ensuringCapacity on xstate.error.actor.optimization.*: no target',
      'optimizerScheduler.planning on xstate.error.actor.optimization.*: no target',
      'optimizerScheduler.waiting on xstate.error.actor.optimization.*: ' +
        'optimizerScheduler.ensuringCapacity',
    ],
  },
  {
    why: 'a waiter fails only when it has been stopped',
    names: [
      'optimizerScheduler.backingOff on xstate.error.actor.permitWaiter: ' +
        'optimizerScheduler.ensuringCapacity',
      'optimizerScheduler.ensuringCapacity on xstate.error.actor.permitWaiter: no target',
      'optimizerScheduler.planning on xstate.error.actor.permitWaiter: no target',
      'optimizerScheduler.waiting on xstate.error.actor.permitWaiter: ' +
        'optimizerScheduler.ensuringCapacity',
    ],
  },
  {
    why: 'a scheduler handles every error',
    names: [
      'updateHandler.broken.breaking on xstate.error.actor.optimizerScheduler: no target',
      'updateHandler.live on xstate.error.actor.optimizerScheduler: no target',
      'updateHandler.live.reconfiguring.pausing on always if schedulerGone: ' +
        'updateHandler.live.reconfiguring.applying',
      'updateHandler.stopping on xstate.error.actor.optimizerScheduler: no target',
    ],
  },
  {
    why: 'the flush worker of a broken store gives back its picture, and catches all errors',
    names: ['updateHandler.broken.breaking on xstate.error.actor.flushWorker: no target'],
  },
  {
    why: 'no worker ends without a Stop',
    names: [
      'updateHandler.live on xstate.done.actor.flushWorker: no target',
      'updateHandler.live on xstate.done.actor.optimizerScheduler: no target',
      'updateHandler.live on xstate.done.actor.updateWorker: no target',
    ],
  },
  {
    why: 'its effect catches every error',
    names: [
      'optimizationTask.cancelling on xstate.error.actor.rollback: optimizationTask.failed',
      'updateHandler.broken.breaking on xstate.error.actor.breakDown: updateHandler.broken.resting',
      'updateHandler.broken.breaking on xstate.error.actor.settle.*: no target',
      'updateHandler.live on xstate.error.actor.settle.*: no target',
      'updateHandler.stopping on xstate.error.actor.settle.*: no target',
    ],
  },
  {
    why: 'no change of settings fails that was accepted',
    names: [
      'updateHandler.live.reconfiguring.applying on xstate.error.actor.reconfigure: ' +
        'updateHandler.live.running',
    ],
  },
  {
    why: 'the façade refuses a configuration before the chart hears of it',
    names: [
      'updateHandler.broken on Reconfigure: no target',
      'updateHandler.closing on Reconfigure: no target',
      'updateHandler.stopping on Reconfigure: no target',
    ],
  },
  {
    why: 'a run begins in the step in which it is planned',
    names: ['optimizationTask.copying on xstate.done.actor.copy if isVoid: optimizationTask.done'],
  },
  {
    why: 'the scheduler gives up what hangs before its stage of the stop ends',
    names: [
      'updateHandler.stopping.optimizerScheduler ' +
        'on xstate.after.stopSchedulerLimit.updateHandler.stopping.optimizerScheduler: ' +
        'updateHandler.stopping.flushWorker',
    ],
  },
];
