// Binds the state charts to the services: every effect and action that a chart names is given here.
import type { PromiseActorLogic } from 'xstate';
import { type ChartedCore, coreOf } from './charted-core.js';
import { effectLogic } from './effect-logic.js';
import { isCancelled, SluiceError } from './errors.js';
import { flushWorkerMachine } from './machines/flush-worker.js';
import { optimizationTaskMachine, type RunInput } from './machines/optimization-task.js';
import { optimizerSchedulerMachine } from './machines/optimizer-scheduler.js';
import type { WorkerId } from './machines/signals.js';
import { updateHandlerMachine } from './machines/update-handler.js';
import { type ApplierInput, updateWorkerMachine } from './machines/update-worker.js';
import type { ApplierListener } from './services/applier.js';
import { sleep } from './services/clock.js';
import { checkContinuity } from './services/continuity.js';
import type { RunningEffect } from './services/incarnations.js';
import { unknownNotes } from './services/log-notes.js';
import type { OptimizationRun } from './services/optimization-run.js';

const WORKERS = ['updateWorker', 'flushWorker', 'optimizerScheduler'] as const;

/** How long closing waits for effects that have been aborted; below the root's `closeLimit`. */
const SETTLE_LIMIT_MS = 5000;

/** Makes effects on behalf of a worker: aborted with the worker's incarnation, and waited for. */
function effectOf(owner: WorkerId | 'root') {
  return <Output, Input>(
    work: (core: ChartedCore, input: Input, effect: RunningEffect) => Promise<Output> | Output,
  ): PromiseActorLogic<Output, Input> =>
    effectLogic<Output, Input>(({ input, system }) => {
      const core = coreOf({ system });
      return core.incarnations.run(owner, (effect) => work(core, input, effect));
    });
}

function listenerOf(owner: ApplierInput['owner']): ApplierListener {
  return {
    progress: (applied, caughtUp) => owner.send({ type: 'Applied', applied, caughtUp }),
    deliver: ({ signal, id }) =>
      owner.send(signal === 'Plunger' ? { type: 'Plunger', id } : { type: 'Nop' }),
  };
}

/** Passes an error on, which may have broken the storage. */
const failing = (core: ChartedCore) => (error: unknown) => {
  core.breakIfSticky(error);
  throw error;
};

const ofUpdateWorker = effectOf('updateWorker');
const updateWorker = updateWorkerMachine.provide({
  actors: {
    applier: ofUpdateWorker(async (core, { owner }: ApplierInput, { signal }) => {
      return { outcome: await core.applier.run(listenerOf(owner), signal).catch(failing(core)) };
    }),
    drain: ofUpdateWorker(async (core, { owner }: ApplierInput, { signal }) => {
      const drained = core.applier.drain(listenerOf(owner), signal).catch((error) => {
        if (isCancelled(error)) return 'retry' as const;
        return failing(core)(error);
      });
      return { outcome: await drained };
    }),
  },
  actions: {
    answerPlunger: (at, { id }) => coreOf(at).plungers.answer(id),
    closeAdmission: (at) => closeAdmission(coreOf(at)),
    abandonDrain: (at) =>
      coreOf(at).applier.abandonDrain(new SluiceError('SLUICE_CANCELLED', 'past the deadline')),
  },
});

function closeAdmission(core: ChartedCore): void {
  core.tail.close(core.refusal());
}

const ofFlushWorker = effectOf('flushWorker');

/** A step of a flush round. One that was asked for before the storage broke must not write to it. */
function step<Output>(work: (core: ChartedCore, effect: RunningEffect) => Promise<Output>) {
  return ofFlushWorker(async (core, _: undefined, effect) => {
    if (core.broken !== undefined) throw core.refusal();
    try {
      return await work(core, effect);
    } catch (error) {
      // The worker is gone, so that no round hears of this: nothing may be written after it.
      if (effect.aborted) core.breakIfSticky(error);
      throw error;
    }
  });
}

/** A round of a broken store is none, however it ends: whoever asked for it has been refused. */
function isRefused(core: ChartedCore): boolean {
  if (core.broken === undefined) return false;
  core.flush.abandon(core.refusal());
  return true;
}

const flushWorker = flushWorkerMachine.provide({
  actors: {
    capture: step((core) => {
      core.flushBegins();
      return core.flush.capture();
    }),
    writeBlocks: step((core, { signal }) => core.flush.writeBlocks(signal)),
    commit: step((core) => core.flush.commit()),
    acknowledge: step((core) => core.flush.acknowledge()),
  },
  actions: {
    roundDone: (at) => {
      const core = coreOf(at);
      if (isRefused(core)) return;
      core.flush.roundDone();
      const { committed, acked, counts } = core.flush;
      core.log.flushed({ committed, acked, ms: counts.lastMs });
      core.observers.tell((each) => each.onFlush(counts.lastMs));
      core.errors.recovered('flushWorker');
      core.capacity.flushed();
    },
    roundFailed: (at, { error }) => {
      const core = coreOf(at);
      if (isRefused(core)) return;
      try {
        core.log.flushFailed(error);
        core.observers.tell((each) => each.onFlush(core.flush.elapsedMs, error));
        core.flush.roundFailed(error);
      } finally {
        core.breakIfSticky(error);
      }
    },
  },
});

const ofScheduler = effectOf('optimizerScheduler');

/** A phase of an optimization, which is cancelled when its effect is aborted. */
function phase<Output>(work: (run: OptimizationRun) => Promise<Output> | Output) {
  return ofScheduler(async (core, { run }: RunInput, effect) => {
    const current = core.runs.get(run);
    effect.whenAborted(({ message }) => current.cancel(message));
    return await work(current);
  });
}

const optimizationTask = optimizationTaskMachine.provide({
  actors: {
    copy: phase((run) => run.copy()),
    acquireCpu: phase((run) => run.acquireCpu()),
    index: phase((run) => run.index()),
    catchUp: phase((run) => run.catchUp()),
    swap: phase((run) => run.swap()),
    rollback: ofScheduler(async (core, { run }: RunInput) => {
      await core.runs
        .find(run)
        ?.rollback()
        .catch((error) => core.rollbackFailed(error));
    }),
  },
  actions: { abortPhase: (at, { run, why }) => coreOf(at).runs.find(run)?.cancel(why) },
});

function abandon(core: ChartedCore, run: number, error: unknown): void {
  core.runs
    .find(run)
    ?.abandon(error)
    .catch((cause) => core.rollbackFailed(cause));
}

const optimizerScheduler = optimizerSchedulerMachine.provide({
  actors: {
    ensureCapacity: ofScheduler((core, { held }: { held: boolean }) => core.beginPass(held)),
    plan: ofScheduler((core, { free }: { free: number }) => {
      const result = core.runs.plan(free);
      core.planned();
      return result;
    }),
    permitWaiter: ofScheduler((core, _: undefined, { signal }) => core.runs.waitForPermit(signal)),
    optimizationTask,
  },
  actions: {
    recordFailure: (at, { error }) => {
      const core = coreOf(at);
      // Whoever shares the budget must not wait for passes that fail.
      core.runs.releaseReserved();
      core.log.planningFailed(error);
      core.failIfSticky('optimizerScheduler', error);
    },
    recordTaskCrash: (at, { run, error }) => abandon(coreOf(at), run, error),
    recordAbandoned: (at, params) => {
      const error = new SluiceError('SLUICE_THREAD', 'the task did not end within the limit');
      for (const run of params.runs) abandon(coreOf(at), run, error);
    },
    discardLaunches: (at, { launches }) => {
      const core = coreOf(at);
      for (const { run } of launches) {
        core.runs.find(run)?.cancel('the scheduler is leaving');
        abandon(core, run, new SluiceError('SLUICE_CANCELLED', 'the scheduler is leaving'));
      }
    },
  },
});

/**
 * Opens log and segments and compares them. When the first opening fails, both are closed again;
 * when a reopening fails, the segments keep what readers saw before.
 */
async function openStore(core: ChartedCore, signal: AbortSignal) {
  const { wal, segments, clock, onOpened, settings } = core.options;
  const beganAt = clock.now();
  core.unwatch();
  try {
    const log = await wal.open();
    const { applied, notes = unknownNotes(log.acked) } = await segments.open({
      storeId: log.storeId,
      signal,
      onProgress: (loaded, toLoad) => core.recovery.loading(loaded, toLoad),
      check: (loaded) => checkContinuity(log, loaded),
      onProblem: (what, error) => core.problem(what, error),
    });
    checkContinuity(log, applied);
    core.notes.open(notes, log.acked);
    core.flush.open({ committed: applied, acked: log.acked });
    await core.start.open();
    await onOpened();
    await core.capacity.open();
    core.openedWith = { applied, log };
    const { heldBecause } = core.start;
    const held = heldBecause !== undefined;
    const { last, acked } = log;
    const count = segments.segments().length;
    core.log.opened({ applied, acked, last, segments: count, ms: clock.now() - beganAt });
    if (held) core.log.optimizersHeld(heldBecause);
    return { slots: core.slots, flushIntervalMs: settings().flushIntervalMs, held };
  } catch (error) {
    // The failure to open is what the caller must hear of.
    const closing = core.wasOpen ? Promise.resolve() : closeBoth(core);
    await closing.catch((cause) => core.log.closingFailed(cause));
    throw error;
  }
}

async function closeBoth({ options }: ChartedCore): Promise<void> {
  try {
    await options.segments.close();
  } finally {
    await options.wal.close();
  }
}

export async function closeStore(core: ChartedCore): Promise<void> {
  const beganAt = core.options.clock.now();
  // An effect that doesn't listen to its signal must not keep the store locked.
  const overdue = new AbortController();
  const effects = core.incarnations.settled(...WORKERS);
  const settled = Promise.all([effects, core.tail.settled()]).finally(() => overdue.abort());
  await Promise.race([settled, sleep(core.options.clock, SETTLE_LIMIT_MS, overdue.signal)]);
  core.unwatch();
  await core.capacity.close();
  try {
    await core.runs.abandonAll(core.refusal());
    await core.start.close();
  } finally {
    try {
      await closeBoth(core);
    } finally {
      // A log that has closed has answered; one that hangs must not keep anybody waiting for ever.
      core.tail.refuseInFlight(core.refusal());
      await core.options.onClosed();
    }
  }
  if (!core.wasOpen) return;
  const ms = core.options.clock.now() - beganAt;
  core.log.closed({ applied: core.tail.applied, committed: core.flush.committed, ms });
}

/** What a crashed worker had begun is aborted; its successor may start when this resolves. */
async function settleLeftovers(core: ChartedCore, worker: WorkerId) {
  await core.incarnations.settled(worker);
  const crash = new SluiceError('SLUICE_CRASHED', `${worker} has crashed`);
  if (worker === 'optimizerScheduler') {
    await core.runs.abandonAll(crash).catch((error) => core.rollbackFailed(error));
  }
  if (worker === 'flushWorker') core.flushCrashed(crash);
  return { worker };
}

const ofRoot = effectOf('root');

/**
 * The root chart with everything that it and its workers do, for all stores: they find the core of
 * their own by its system, see `bindCore`.
 */
export const storeMachine = updateHandlerMachine.provide({
  actors: {
    open: ofRoot((core, _: undefined, { signal }) => openStore(core, signal)),
    reconfigure: ofRoot((core) => {
      const { settings } = core.options;
      core.reconfiguration.apply();
      core.errors.recovered('reconfigure');
      core.runs.forgetBackOff();
      core.log.reconfigured(settings());
      return { slots: core.slots, flushIntervalMs: settings().flushIntervalMs };
    }),
    settle: ofRoot((core, { worker }: { worker: WorkerId }) => settleLeftovers(core, worker)),
    breakDown: ofRoot(async (core) => {
      await core.incarnations.settled(...WORKERS);
      await core.runs.abandonAll(core.refusal());
    }),
    close: ofRoot((core) => closeStore(core)),
    updateWorker,
    optimizerScheduler,
    flushWorker,
  },
  actions: {
    recordCrash: (at, { actorId, error }) => {
      const { errors, incarnations, log } = coreOf(at);
      const cause = error ?? new SluiceError('SLUICE_CRASHED', `${actorId} ended unasked`);
      errors.report(actorId, cause);
      log.workerCrashed(actorId, cause);
      incarnations.abort(actorId, `${actorId} has crashed`);
    },
    admit: (at) => coreOf(at).admit(),
    recordOpenFailure: (at, { error }) => {
      const core = coreOf(at);
      core.openFailure = error;
      core.errors.report('open', error);
      core.log.openingFailed(error);
    },
    recordReconfigureFailure: (at, { error }) => {
      const { errors, log, reconfiguration } = coreOf(at);
      errors.report('reconfigure', error);
      log.reconfiguringFailed(error);
      reconfiguration.fail(error);
    },
    recordCloseFailure: (at, { error }) => {
      const core = coreOf(at);
      core.closeFailure = error;
      core.errors.report('close', error);
      core.log.closingFailed(error);
    },
    recordOverdue: (at, { stage }) => {
      const core = coreOf(at);
      const overdue = new SluiceError('SLUICE_CRASHED', `${stage} did not end in time`);
      if (stage === 'closing') {
        core.closeFailure = overdue;
        core.tail.refuseInFlight(core.refusal());
      }
      core.errors.report(stage, overdue);
      core.log.overdue(stage, overdue);
    },
    answerReconfigure: (at) => coreOf(at).reconfiguration.answer(),
    refuseReconfigure: (at) => {
      const core = coreOf(at);
      core.reconfiguration.refuse(core.refusal());
    },
    closeAdmission: (at) => closeAdmission(coreOf(at)),
    abortOpening: (at) => coreOf(at).incarnations.abort('root', 'stopped while opening'),
    abortRunning: (at) => {
      const core = coreOf(at);
      for (const worker of WORKERS) {
        core.incarnations.abort(worker, core.refusal().message);
      }
      core.refuseEveryone();
    },
  },
});
