/** Transitions by their full names, and why no walk takes them, or few do. */
export interface Untaken {
  why: string;
  names: readonly string[];
}

/** No walk takes these: a walk that does so disproves the reason. */
export const NEVER_TAKEN: readonly Untaken[] = [
  {
    why: 'a task handles every error of its effects',
    names: [
      'optimizerScheduler.backingOff on xstate.error.actor.optimization.*: optimizerScheduler.ensuringCapacity',
      'optimizerScheduler.draining on xstate.error.actor.optimization.*: no target',
      'optimizerScheduler.ensuringCapacity on xstate.error.actor.optimization.*: no target',
      'optimizerScheduler.planning on xstate.error.actor.optimization.*: no target',
      'optimizerScheduler.waiting on xstate.error.actor.optimization.*: optimizerScheduler.ensuringCapacity',
    ],
  },
  {
    why: 'a waiter fails only when it has been stopped',
    names: [
      'optimizerScheduler.backingOff on xstate.error.actor.permitWaiter: optimizerScheduler.ensuringCapacity',
      'optimizerScheduler.ensuringCapacity on xstate.error.actor.permitWaiter: no target',
      'optimizerScheduler.planning on xstate.error.actor.permitWaiter: no target',
      'optimizerScheduler.waiting on xstate.error.actor.permitWaiter: optimizerScheduler.ensuringCapacity',
    ],
  },
  {
    why: 'a scheduler handles every error',
    names: [
      'updateHandler.broken.breaking on xstate.error.actor.optimizerScheduler: no target',
      'updateHandler.live on xstate.error.actor.optimizerScheduler: no target',
      'updateHandler.live.reconfiguring.pausing on always if schedulerGone: updateHandler.live.reconfiguring.applying',
      'updateHandler.stopping on xstate.error.actor.optimizerScheduler: no target',
    ],
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
      'updateHandler.live.reconfiguring.applying on xstate.error.actor.reconfigure: updateHandler.live.running',
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
    why: 'this store freezes whatever is planned',
    names: ['optimizationTask.copying on xstate.done.actor.copy if isVoid: optimizationTask.done'],
  },
  {
    why: 'the scheduler gives up what hangs before its stage of the stop ends',
    names: [
      'updateHandler.stopping.optimizerScheduler on xstate.after.stopSchedulerLimit.updateHandler.stopping.optimizerScheduler: updateHandler.stopping.flushWorker',
    ],
  },
];

/** The walks of `npm test` do not take these; longer ones may. */
export const SELDOM_TAKEN: readonly Untaken[] = [
  {
    why: 'needs an event in the very turn in which an effect without a wait ends',
    names: [
      'optimizationTask.swapping on Stop: no target',
      'optimizerScheduler.ensuringCapacity on xstate.done.actor.permitWaiter: no target',
      'optimizerScheduler.ensuringCapacity on xstate.error.actor.ensureCapacity if isLeaving: optimizerScheduler.draining',
      'optimizerScheduler.planning on Nop: no target',
      'optimizerScheduler.planning on Operation: no target',
      'optimizerScheduler.planning on Pause: no target',
      'optimizerScheduler.planning on Stop: no target',
      'optimizerScheduler.planning on xstate.done.actor.optimization.*: no target',
      'optimizerScheduler.planning on xstate.done.actor.permitWaiter: no target',
      'optimizerScheduler.planning on xstate.done.actor.plan if isLeaving: optimizerScheduler.draining',
      'optimizerScheduler.planning on xstate.error.actor.plan if isLeaving: optimizerScheduler.draining',
      'updateHandler.live.reconfiguring.applying on Restart: no target',
    ],
  },
  {
    why: 'needs a Stop in the very turn in which the phase ends',
    names: [
      'optimizationTask.acquiringCpu on xstate.done.actor.acquireCpu if isCancelled: optimizationTask.cancelling',
      'optimizationTask.catchingUp on xstate.done.actor.catchUp if isCancelled: optimizationTask.cancelling',
      'optimizationTask.copying on xstate.done.actor.copy if isCancelled: optimizationTask.cancelling',
      'optimizationTask.indexing on xstate.done.actor.index if isCancelled: optimizationTask.cancelling',
    ],
  },
  {
    why: 'needs a wake-up in the very turn in which the applier ends',
    names: [
      'updateWorker.applying on Operation: no target',
      'updateWorker.applying on xstate.done.actor.applier if isWoken: updateWorker.applying',
    ],
  },
  {
    why: 'a pause lasts for one turn, unless a call hangs',
    names: [
      'optimizerScheduler.paused on Pause: no target',
      'optimizerScheduler.paused on Stop: optimizerScheduler.stopped',
    ],
  },
  {
    why: 'needs a worker that has died right before',
    names: [
      'updateHandler.broken.breaking on xstate.error.actor.flushWorker: no target',
      'updateHandler.stopping on xstate.done.actor.settle.*: no target',
    ],
  },
  {
    why: 'needs a Stop while an optimization waits for a processor',
    names: [
      'optimizationTask.acquiringCpu on xstate.error.actor.acquireCpu: optimizationTask.cancelling',
    ],
  },
  {
    why: 'needs a second event while the scheduler waits for an optimization that hangs',
    names: ['optimizerScheduler.draining on Stop: no target'],
  },
  {
    why: 'needs a reading of the log that fails while the update worker drains it',
    names: ['updateHandler.stopping on xstate.error.actor.updateWorker: no target'],
  },
  {
    why: 'needs a stop at the moment at which the opening ends',
    names: ['updateHandler.opening on xstate.done.actor.open if isStopping: updateHandler.closing'],
  },
  {
    why: 'needs a call that hangs when the store breaks, and comes back after a reopening is asked for',
    names: ['updateHandler.broken.resting on always if isReopening: updateHandler.opening'],
  },
];
