// How each of the five machines is explored: what the world may send and what its children may do.
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { createActor, fromCallback } from 'xstate';
import { type FlushWorkerContext, flushWorkerMachine } from '#sluice/machines/flush-worker.js';
import { optimizationTaskMachine, type TaskContext } from '#sluice/machines/optimization-task.js';
import { optimizerSchedulerMachine } from '#sluice/machines/optimizer-scheduler.js';
import type { SchedulerContext } from '#sluice/machines/optimizer-scheduler-setup.js';
import { updateHandlerMachine } from '#sluice/machines/update-handler.js';
import type { UpdateHandlerContext } from '#sluice/machines/update-handler-setup.js';
import { type UpdateWorkerContext, updateWorkerMachine } from '#sluice/machines/update-worker.js';
import type { Exploration } from './explore.js';
import { Gates } from './gates.js';

/** A machine and how to explore it. */
export interface Case {
  machine: AnyStateMachine;
  how: Exploration;
  /** Events that the machine sends itself after a delay. @default none */
  raised?: readonly string[];
}

/** Stands for the parent that a worker reports to. */
const parent = createActor(fromCallback(() => {})).start();

/** Children are stubs, so that a graph holds one machine only. */
export const stubbed = (machine: AnyStateMachine): AnyStateMachine => new Gates().guard(machine);

const projection =
  <Context>(project: (context: Context) => unknown): Exploration['project'] =>
  (context) =>
    project(context as Context);

export function updateWorkerCase(): Case {
  const outcomes = () => [{ outcome: 'caughtUp' }, { outcome: 'retry' }];
  return {
    machine: stubbed(updateWorkerMachine),
    how: {
      input: { parent },
      external: [
        { type: 'Operation' },
        { type: 'Nop' },
        { type: 'Plunger', id: 1 },
        { type: 'Applied', applied: 1, caughtUp: true },
        { type: 'Stop' },
      ],
      outputs: { applier: outcomes, drain: outcomes },
      project: projection(({ woken, stopping, attempt }: UpdateWorkerContext) => ({
        woken,
        stopping,
        // Two steps of the back-off show all that more of them could.
        attempt: Math.min(attempt, 2),
      })),
    },
  };
}

export function flushWorkerCase(): Case {
  return {
    machine: stubbed(flushWorkerMachine),
    how: {
      input: { flushIntervalMs: 1000 },
      external: [
        { type: 'Flush' },
        { type: 'Reconfigured', flushIntervalMs: 500 },
        { type: 'Stop' },
      ],
      outputs: { capture: () => [{ changed: true }, { changed: false }] },
      project: projection((context: FlushWorkerContext) => context),
    },
  };
}

export function taskCase(): Case {
  const copied = [
    { started: false, indexing: false },
    { started: true, indexing: false },
    { started: true, indexing: true },
  ];
  return {
    machine: stubbed(optimizationTaskMachine),
    how: {
      input: { run: 1 },
      external: [{ type: 'Stop', why: 'the test says so' }],
      outputs: { copy: () => copied, swap: () => [100] },
      project: projection(({ cancelled, error, points }: TaskContext) => ({
        cancelled,
        error,
        points,
      })),
    },
  };
}

/** What a planning can come to with the slots that are free. */
function plans({ slots }: SchedulerContext) {
  const free = slots.filter((slot) => slot === null).length;
  const launches = [{ run: 1 }];
  const idle = { launches: [], short: false, backOffMs: 0 };
  const plain = [idle, { ...idle, backOffMs: 100 }];
  if (free === 0) return plain;
  return [
    ...plain,
    { ...idle, short: true },
    { ...idle, launches },
    { ...idle, launches, short: true },
  ];
}

export function schedulerCase(slots: number, held = false): Case {
  const tasks = [
    { outcome: 'done', points: 1 },
    { outcome: 'failed', error: 'it failed' },
  ];
  return {
    machine: stubbed(optimizerSchedulerMachine),
    how: {
      input: { parent, slots, held },
      external: [
        { type: 'Operation' },
        { type: 'Nop' },
        { type: 'Pause' },
        { type: 'Resume', slots },
        { type: 'Stop' },
      ],
      outputs: { plan: (context) => plans(context as never), optimization: () => tasks },
      project: projection((context: SchedulerContext) => ({
        ...context,
        parent: undefined,
        slots: context.slots.map((slot) => slot !== null),
        attempt: Math.min(context.attempt, 1),
        backOffMs: Math.min(context.backOffMs, 1),
      })),
    },
  };
}

const WORKERS = ['updateWorker', 'optimizerScheduler', 'flushWorker'] as const;

/** Replies of workers, and restarts, which no snapshot of the root shows as a child or a timer. */
function promised(snapshot: AnyMachineSnapshot) {
  const context: UpdateHandlerContext = snapshot.context;
  const events = [];
  if (snapshot.matches('live')) {
    for (const worker of WORKERS) {
      const settling = `settle.${worker}` in snapshot.children;
      if (context.crashes[worker] === 0 || context.alive[worker] || settling) continue;
      events.push({ type: 'Restart', worker });
    }
    if (context.alive.updateWorker) events.push({ type: 'Applied', applied: 1, caughtUp: true });
  }
  if (snapshot.matches('live.reconfiguring.pausing')) events.push({ type: 'Paused' });
  return events;
}

export function updateHandlerCase(): Case {
  const settings = { slots: 2, flushIntervalMs: 1000 };
  return {
    raised: ['Restart'],
    machine: stubbed(updateHandlerMachine),
    how: {
      input: settings,
      external: [
        { type: 'Operation' },
        { type: 'Nop' },
        { type: 'Flush' },
        { type: 'Applied', applied: 1, caughtUp: false },
        { type: 'Reconfigure' },
        { type: 'Broken' },
        { type: 'Reopen' },
        { type: 'Stop' },
      ],
      outputs: {
        open: () => [{ ...settings, held: true }],
        reconfigure: () => [settings],
      },
      promised,
      // The number of crashes only sets a delay; that a worker has crashed tells of a restart.
      project: projection((context: UpdateHandlerContext) => ({
        ...context,
        crashes: WORKERS.map((worker) => !context.alive[worker] && context.crashes[worker] > 0),
      })),
    },
  };
}

/** The five, with as many slots for tasks as it takes to see everything. */
export const CASES: Record<string, () => Case> = {
  updateWorker: updateWorkerCase,
  flushWorker: flushWorkerCase,
  optimizationTask: taskCase,
  // Held at first: what it does when released is part of the same graph.
  optimizerScheduler: () => schedulerCase(1, true),
  updateHandler: updateHandlerCase,
};
