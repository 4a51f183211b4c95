// How each of the five machines is explored: what the world may send and what its children may do.
import { type Exploration, explore, type Graph } from 'sluice/testing';
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { createActor, fromCallback } from 'xstate';
import { type FlushWorkerContext, flushWorkerMachine } from '#sluice/machines/flush-worker.js';
import { optimizationTaskMachine, type TaskContext } from '#sluice/machines/optimization-task.js';
import { optimizerSchedulerMachine } from '#sluice/machines/optimizer-scheduler.js';
import type { SchedulerContext } from '#sluice/machines/optimizer-scheduler-setup.js';
import { updateHandlerMachine } from '#sluice/machines/update-handler.js';
import type { UpdateHandlerContext } from '#sluice/machines/update-handler-setup.js';
import { type UpdateWorkerContext, updateWorkerMachine } from '#sluice/machines/update-worker.js';

/** A machine and how to explore it. */
export interface Case {
  machine: AnyStateMachine;
  how: Exploration;
}

export const graphOf = ({ machine, how }: Case): Graph => explore(machine, how);

/** Stands for the parent that a worker reports to. */
const parent = createActor(
  fromCallback(() => {}),
  { id: 'parent' },
).start();

const projection =
  <Context>(project: (context: Context) => unknown) =>
  (context: unknown) =>
    project(context as Context);

export function updateWorkerCase(): Case {
  const outputs = [{ outcome: 'caughtUp' }, { outcome: 'retry' }];
  return {
    machine: updateWorkerMachine,
    how: {
      input: { parent },
      events: [
        { type: 'Operation' },
        { type: 'Nop' },
        { type: 'Plunger', id: 1 },
        { type: 'Applied', applied: 1, caughtUp: true },
        { type: 'Stop' },
      ],
      children: { applier: { outputs }, drain: { outputs } },
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
    machine: flushWorkerMachine,
    how: {
      input: { flushIntervalMs: 1000 },
      events: [{ type: 'Flush' }, { type: 'Reconfigured', flushIntervalMs: 500 }, { type: 'Stop' }],
      children: { capture: { outputs: [{ changed: true }, { changed: false }] } },
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
    machine: optimizationTaskMachine,
    how: {
      input: { run: 1 },
      events: [{ type: 'Stop', why: 'the test says so' }],
      children: { copy: { outputs: copied }, swap: { outputs: [100] } },
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
    machine: optimizerSchedulerMachine,
    how: {
      input: { parent, slots, held },
      events: [
        { type: 'Operation' },
        { type: 'Nop' },
        { type: 'Pause' },
        { type: 'Resume', slots },
        { type: 'Stop' },
      ],
      children: { plan: { outputs: plans }, optimization: { outputs: tasks } },
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

/** What workers tell the root by themselves. */
function replies(snapshot: AnyMachineSnapshot) {
  const context: UpdateHandlerContext = snapshot.context;
  const events = [];
  if (snapshot.matches('live') && context.alive.updateWorker) {
    events.push({ type: 'Applied', applied: 1, caughtUp: true });
  }
  if (snapshot.matches('live.reconfiguring.pausing')) events.push({ type: 'Paused' });
  return events;
}

export function updateHandlerCase(): Case {
  const settings = { slots: 2, flushIntervalMs: 1000 };
  return {
    machine: updateHandlerMachine,
    how: {
      input: settings,
      events: [
        { type: 'Operation' },
        { type: 'Nop' },
        { type: 'Flush' },
        { type: 'Applied', applied: 1, caughtUp: false },
        { type: 'Reconfigure' },
        { type: 'Broken' },
        { type: 'Reopen' },
        { type: 'Stop' },
      ],
      children: {
        open: { outputs: [{ ...settings, held: true }] },
        reconfigure: { outputs: [settings] },
      },
      replies,
      // The number of crashes only sets a delay.
      project: projection((context: UpdateHandlerContext) => ({ ...context, crashes: undefined })),
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
