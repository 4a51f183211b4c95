// Binds the state charts to the services: every effect and action that a chart names is given here.
import { fromPromise, type PromiseActorLogic } from 'xstate';
import type { Core } from './core.js';
import { errorText, isCancelled, SluiceError } from './errors.js';
import { flushWorkerMachine } from './machines/flush-worker.js';
import { optimizationTaskMachine, type RunInput } from './machines/optimization-task.js';
import { optimizerSchedulerMachine } from './machines/optimizer-scheduler.js';
import type { WorkerId } from './machines/signals.js';
import { updateHandlerMachine } from './machines/update-handler.js';
import { type ApplierInput, updateWorkerMachine } from './machines/update-worker.js';
import type { ApplierListener } from './services/applier.js';
import { sleep } from './services/clock.js';
import { checkContinuity } from './services/continuity.js';
import { unknownNotes } from './services/log-notes.js';
import type { OptimizationRun } from './services/optimization-run.js';
import type { SegmentInfo } from './services/ports.js';

const WORKERS = ['updateWorker', 'flushWorker', 'optimizerScheduler'] as const;

/** How long closing waits for effects that have been aborted; below the root's `closeLimit`. */
const SETTLE_LIMIT_MS = 5000;

/** An effect on behalf of a worker: aborted with the worker's incarnation, and waited for. */
function effectOf<Op, Info extends SegmentInfo>(core: Core<Op, Info>, owner: WorkerId | 'root') {
  return <Output, Input>(
    work: (input: Input, signal: AbortSignal) => Promise<Output> | Output,
  ): PromiseActorLogic<Output, Input> =>
    fromPromise<Output, Input>(({ input, signal }) =>
      core.incarnations.run(owner, signal, async (both) => work(input, both)),
    );
}

function listenerOf(owner: ApplierInput['owner']): ApplierListener {
  return {
    progress: (applied, caughtUp) => owner.send({ type: 'Applied', applied, caughtUp }),
    deliver: ({ signal, id }) =>
      owner.send(signal === 'Plunger' ? { type: 'Plunger', id } : { type: 'Nop' }),
  };
}

function updateWorker<Op, Info extends SegmentInfo>(core: Core<Op, Info>) {
  const effect = effectOf(core, 'updateWorker');
  let abandon = new AbortController();
  const failing = (error: unknown): never => {
    core.breakIfSticky(error);
    throw error;
  };
  return updateWorkerMachine.provide({
    actors: {
      applier: effect(async ({ owner }: ApplierInput, signal) => {
        return { outcome: await core.applier.run(listenerOf(owner), signal).catch(failing) };
      }),
      drain: effect(async ({ owner }: ApplierInput, signal) => {
        abandon = new AbortController();
        const stop = () => abandon.abort(signal.reason);
        signal.addEventListener('abort', stop, { once: true });
        const drained = core.applier.drain(listenerOf(owner), abandon.signal).catch((error) => {
          if (isCancelled(error)) return 'retry' as const;
          return failing(error);
        });
        const outcome = await drained.finally(() => signal.removeEventListener('abort', stop));
        return { outcome };
      }),
    },
    actions: {
      answerPlunger: (_, { id }) => core.plungers.answer(id),
      closeAdmission: () => core.tail.close(core.refusal()),
      abandonDrain: () => abandon.abort(new SluiceError('SLUICE_CANCELLED', 'past the deadline')),
    },
  });
}

function flushWorker<Op, Info extends SegmentInfo>(core: Core<Op, Info>) {
  const effect = effectOf(core, 'flushWorker');
  const { flush } = core;
  // A round that was asked for before the storage broke must not write to it.
  const step = <Output>(work: (signal: AbortSignal) => Promise<Output>) =>
    effect(async (_: undefined, signal) => {
      if (core.broken !== undefined) throw core.refusal();
      try {
        return await work(signal);
      } catch (error) {
        // The worker is gone, so that no round hears of this: nothing may be written after it.
        if (signal.aborted) core.breakIfSticky(error);
        throw error;
      }
    });
  /** A round of a broken store is none, however it ends: whoever asked for it has been refused. */
  const isRefused = () => {
    if (core.broken === undefined) return false;
    flush.abandon(core.refusal());
    return true;
  };
  return flushWorkerMachine.provide({
    actors: {
      capture: step(() => {
        core.flushBegins();
        return flush.capture();
      }),
      writeBlocks: step((signal) => flush.writeBlocks(signal)),
      commit: step(() => flush.commit()),
      acknowledge: step(() => flush.acknowledge()),
    },
    actions: {
      roundDone: () => {
        if (isRefused()) return;
        flush.roundDone();
        const { committed, acked, counts } = flush;
        core.log.flushed({ committed, acked, ms: counts.lastMs });
        core.observers.tell((each) => each.onFlush(counts.lastMs));
        core.errors.recovered('flushWorker');
        core.capacity.flushed();
      },
      roundFailed: (_, { error }) => {
        if (isRefused()) return;
        core.log.flushFailed(error);
        core.observers.tell((each) => each.onFlush(flush.elapsedMs, error));
        try {
          flush.roundFailed(error);
        } finally {
          core.breakIfSticky(error);
        }
      },
    },
  });
}

function optimizationTask<Op, Info extends SegmentInfo>(core: Core<Op, Info>) {
  const effect = effectOf(core, 'optimizerScheduler');
  const phase = <Output>(work: (run: OptimizationRun) => Promise<Output> | Output) =>
    effect(async ({ run }: RunInput, signal) => {
      const current = core.runs.get(run);
      const stop = () => current.cancel(errorText(signal.reason));
      signal.addEventListener('abort', stop, { once: true });
      try {
        return await work(current);
      } finally {
        signal.removeEventListener('abort', stop);
      }
    });
  return optimizationTaskMachine.provide({
    actors: {
      copy: phase((run) => run.copy()),
      acquireCpu: phase((run) => run.acquireCpu()),
      index: phase((run) => run.index()),
      catchUp: phase((run) => run.catchUp()),
      swap: phase((run) => run.swap()),
      rollback: effect(async ({ run }: RunInput) => {
        await core.runs
          .find(run)
          ?.rollback()
          .catch((error) => core.rollbackFailed(error));
      }),
    },
    actions: { abortPhase: (_, { run, why }) => core.runs.find(run)?.cancel(why) },
  });
}

function optimizerScheduler<Op, Info extends SegmentInfo>(core: Core<Op, Info>) {
  const effect = effectOf(core, 'optimizerScheduler');
  const { runs } = core;
  const abandon = (run: number, error: unknown) => {
    runs
      .find(run)
      ?.abandon(error)
      .catch((cause) => core.rollbackFailed(cause));
  };
  return optimizerSchedulerMachine.provide({
    actors: {
      ensureCapacity: effect(({ held }: { held: boolean }) => core.beginPass(held)),
      plan: effect(({ free }: { free: number }) => {
        const result = runs.plan(free);
        core.planned();
        return result;
      }),
      permitWaiter: effect((_, signal) => runs.waitForPermit(signal)),
      optimizationTask: optimizationTask(core),
    },
    actions: {
      recordFailure: (_, { error }) => {
        // Whoever shares the budget must not wait for passes that fail.
        runs.releaseReserved();
        core.log.planningFailed(error);
        core.failIfSticky('optimizerScheduler', error);
      },
      recordTaskCrash: (_, { run, error }) => abandon(run, error),
      recordAbandoned: (_, params) => {
        const error = new SluiceError('SLUICE_THREAD', 'the task did not end within the limit');
        for (const run of params.runs) abandon(run, error);
      },
      discardLaunches: (_, { launches }) => {
        for (const { run } of launches) {
          runs.find(run)?.cancel('the scheduler is leaving');
          abandon(run, new SluiceError('SLUICE_CANCELLED', 'the scheduler is leaving'));
        }
      },
    },
  });
}

/**
 * Opens log and segments and compares them. When the first opening fails, both are closed again;
 * when a reopening fails, the segments keep what readers saw before.
 */
async function openStore<Op, Info extends SegmentInfo>(core: Core<Op, Info>, signal: AbortSignal) {
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

async function closeBoth<Op, Info extends SegmentInfo>({ options }: Core<Op, Info>): Promise<void> {
  try {
    await options.segments.close();
  } finally {
    await options.wal.close();
  }
}

export async function closeStore<Op, Info extends SegmentInfo>(
  core: Core<Op, Info>,
): Promise<void> {
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
async function settleLeftovers<Op, Info extends SegmentInfo>(
  core: Core<Op, Info>,
  worker: WorkerId,
) {
  await core.incarnations.settled(worker);
  const crash = new SluiceError('SLUICE_CRASHED', `${worker} has crashed`);
  if (worker === 'optimizerScheduler') {
    await core.runs.abandonAll(crash).catch((error) => core.rollbackFailed(error));
  }
  if (worker === 'flushWorker') core.flush.roundFailed(crash);
  return { worker };
}

/** The root chart with everything that it and its workers do. */
export function provideActors<Op, Info extends SegmentInfo>(core: Core<Op, Info>) {
  const effect = effectOf(core, 'root');
  const { errors, incarnations, log } = core;
  const { settings } = core.options;
  return updateHandlerMachine.provide({
    actors: {
      open: effect((_, signal) => openStore(core, signal)),
      reconfigure: effect(() => {
        core.reconfiguration.apply();
        errors.recovered('reconfigure');
        core.runs.forgetBackOff();
        log.reconfigured(settings());
        return { slots: core.slots, flushIntervalMs: settings().flushIntervalMs };
      }),
      settle: effect(({ worker }: { worker: WorkerId }) => settleLeftovers(core, worker)),
      breakDown: effect(async () => {
        await incarnations.settled(...WORKERS);
        await core.runs.abandonAll(core.refusal());
      }),
      close: effect(() => closeStore(core)),
      updateWorker: updateWorker(core),
      optimizerScheduler: optimizerScheduler(core),
      flushWorker: flushWorker(core),
    },
    actions: {
      recordCrash: (_, { actorId, error }) => {
        const cause = error ?? new SluiceError('SLUICE_CRASHED', `${actorId} ended unasked`);
        errors.report(actorId, cause);
        log.workerCrashed(actorId, cause);
        incarnations.abort(actorId, `${actorId} has crashed`);
      },
      admit: () => core.admit(),
      recordOpenFailure: (_, { error }) => {
        core.openFailure = error;
        errors.report('open', error);
        log.openingFailed(error);
      },
      recordReconfigureFailure: (_, { error }) => {
        errors.report('reconfigure', error);
        log.reconfiguringFailed(error);
        core.reconfiguration.fail(error);
      },
      recordCloseFailure: (_, { error }) => {
        core.closeFailure = error;
        errors.report('close', error);
        log.closingFailed(error);
      },
      recordOverdue: (_, { stage }) => {
        const overdue = new SluiceError('SLUICE_CRASHED', `${stage} did not end in time`);
        if (stage === 'closing') {
          core.closeFailure = overdue;
          core.tail.refuseInFlight(core.refusal());
        }
        errors.report(stage, overdue);
        log.overdue(stage, overdue);
      },
      answerReconfigure: () => core.reconfiguration.answer(),
      refuseReconfigure: () => core.reconfiguration.refuse(core.refusal()),
      closeAdmission: () => core.tail.close(core.refusal()),
      abortOpening: () => incarnations.abort('root', 'stopped while opening'),
      abortRunning: () => {
        for (const worker of WORKERS) {
          incarnations.abort(worker, core.refusal().message);
        }
        core.refuseEveryone();
      },
    },
  });
}
