/** Transitions that the walks of `npm test` do not take, each with the reason; by a part of their names. */
export const UNTAKEN: readonly (readonly [name: RegExp, reason: string])[] = [
  [
    /^optimizerScheduler\.planning on (?!xstate\.(done|error)\.actor\.plan: )/,
    'planning is synchronous: nothing comes in between',
  ],
  [
    /^optimizerScheduler\.ensuringCapacity on (xstate\.|Nop|Operation|Pause|Stop)/,
    'making room is synchronous: what comes in between comes in the same turn, or not at all',
  ],
  [/on xstate\.error\.actor\.optimization\.\*/, 'a task handles every error of its effects'],
  [/on xstate\.error\.actor\.permitWaiter/, 'a waiter fails only when it has been stopped'],
  [/on xstate\.error\.actor\.optimizerScheduler/, 'a scheduler handles every error'],
  [/live on xstate\.done\.actor\./, 'no worker ends without a Stop'],
  [/on xstate\.error\.actor\.settle/, 'settling never fails'],
  [/^optimizationTask\.cancelling on xstate\.error/, 'a rollback that fails is logged, and done'],
  [/breaking on xstate\.error\.actor\.breakDown/, 'breaking down never fails'],
  [/on xstate\.error\.actor\.reconfigure/, 'no change of settings fails that was accepted'],
  [
    /(broken|closing|stopping) on Reconfigure/,
    'the façade refuses a configuration before the chart hears of it',
  ],
  [/reconfiguring\.applying on Restart/, 'putting a configuration in force is synchronous'],
  [/^optimizationTask\.swapping on Stop/, 'a swap is synchronous'],
  [
    /^optimizationTask\.(acquiringCpu|copying) on xstate\.done\.\w+\.\w+ if isCancelled/,
    'needs a Stop in the very turn in which the phase ends',
  ],
  [/reconfiguring\.pausing on always if schedulerGone/, 'a scheduler that is gone has died'],
  [/^optimizationTask\.copying on .* if isVoid/, 'the store freezes whatever is planned'],
  [/^optimizerScheduler\.paused on (Pause|Stop)/, 'a pause lasts for one turn'],
  [/^updateWorker\.applying on .* if isWoken/, 'a wake-up in the very turn of the end'],
  [
    /^updateHandler\.(stopping|broken\.breaking) on xstate\.\w+\.actor\.(settle|flushWorker|updateWorker)/,
    'needs a worker that has died right before',
  ],
  [
    /^optimizationTask\.(acquiringCpu on xstate\.error|(indexing|catchingUp) on \S+done\S+ if isCancelled)/,
    'needs a Stop while one phase of many waits; longer walks take it',
  ],
  [/^updateHandler\.opening on xstate\.done\.actor\.open if isStopping/, 'longer walks take it'],
  [
    /^optimizerScheduler\.(draining on (Nop|Stop)|planning on .*plan: optimizerScheduler\.launching)/,
    'longer walks take it',
  ],
  [/^updateWorker\.applying on Operation/, 'needs a wake-up in the very turn of the end'],
  [/^updateHandler\.broken\.breaking on Stop/, 'breaking down takes one turn, or hangs'],
  [
    /after\.(stopSchedulerLimit|stopUpdateLimit|breakLimit|drainLimit)/,
    'needs a call that hangs long',
  ],
];
