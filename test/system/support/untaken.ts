import { NEVER_TAKEN, type Untaken } from '#sluice/testing/system/never-taken.js';

export { NEVER_TAKEN, type Untaken };

/** The walks of `npm test` do not take these; longer ones may. */
export const SELDOM_TAKEN: readonly Untaken[] = [
  {
    why: 'needs an event in the very turn in which an effect without a wait ends',
    names: [
      'optimizationTask.swapping on Stop: no target',
      'optimizerScheduler.ensuringCapacity on Stop: no target',
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
      'optimizerScheduler.paused on Nop: no target',
      'optimizerScheduler.paused on Stop: optimizerScheduler.stopped',
    ],
  },
  {
    why: 'needs the storage to be broken by one worker while another one hangs, being stopped',
    names: [
      'updateHandler.broken.breaking on xstate.done.actor.flushWorker: no target',
      'updateHandler.broken.breaking on xstate.done.actor.updateWorker: no target',
    ],
  },
  {
    why: 'needs a worker that has died right before',
    names: ['updateHandler.stopping on xstate.done.actor.settle.*: no target'],
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
