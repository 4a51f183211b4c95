import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { createActor, fromCallback } from 'xstate';
import { type FlushWorkerContext, flushWorkerMachine } from '../machines/flush-worker.js';
import { optimizationTaskMachine, type TaskContext } from '../machines/optimization-task.js';
import { optimizerSchedulerMachine } from '../machines/optimizer-scheduler.js';
import type { SchedulerContext } from '../machines/optimizer-scheduler-setup.js';
import { updateHandlerMachine } from '../machines/update-handler.js';
import type { UpdateHandlerContext } from '../machines/update-handler-setup.js';
import { type UpdateWorkerContext, updateWorkerMachine } from '../machines/update-worker.js';
import type { Properties } from './check.js';
import type { Exploration } from './exploration.js';

/** A machine, how to explore it, and what holds for its graph. */
export interface MachineCase {
  machine: AnyStateMachine;
  how: Exploration;
  properties: Properties;
}

export type MachineId =
  | 'updateHandler'
  | 'updateWorker'
  | 'optimizerScheduler'
  | 'optimizationTask'
  | 'flushWorker';

/** Stands for the parent that a worker reports to. */
const parent = createActor(
  fromCallback(() => {}),
  { id: 'parent' },
).start();

const properties: Properties = { stop: 'Stop', heedsChildren: true };

const projection =
  <Context>(project: (context: Context) => unknown) =>
  (context: unknown) =>
    project(context as Context);

function updateWorkerCase(): MachineCase {
  const outputs = [{ outcome: 'caughtUp' }, { outcome: 'retry' }];
  return {
    machine: updateWorkerMachine,
    // It dies of these on purpose: its parent restarts it.
    properties: { ...properties, mayCrash: ['applier failed', 'drain failed'] },
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

function flushWorkerCase(): MachineCase {
  const captures = [
    { changed: true, forgets: false },
    { changed: false, forgets: true },
    { changed: false, forgets: false },
  ];
  return {
    machine: flushWorkerMachine,
    properties,
    how: {
      input: { flushIntervalMs: 1000 },
      events: [{ type: 'Flush' }, { type: 'Reconfigured', flushIntervalMs: 500 }, { type: 'Stop' }],
      children: { capture: { outputs: captures } },
      project: projection((context: FlushWorkerContext) => context),
    },
  };
}

function taskCase(): MachineCase {
  const copied = [
    { started: false, indexing: false },
    { started: true, indexing: false },
    { started: true, indexing: true },
  ];
  return {
    machine: optimizationTaskMachine,
    properties,
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

/** With as many slots for tasks; held: no optimization before a trigger. */
export function schedulerCase(slots: number, held = false): MachineCase {
  const tasks = [
    { outcome: 'done', points: 1 },
    { outcome: 'failed', error: 'it failed' },
  ];
  return {
    machine: optimizerSchedulerMachine,
    properties,
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

function updateHandlerCase(): MachineCase {
  const settings = { slots: 2, flushIntervalMs: 1000 };
  return {
    machine: updateHandlerMachine,
    properties,
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

/** The five machines of Sluice by their ids, with as many slots as it takes to see everything. */
export const sluiceMachines: Readonly<Record<MachineId, MachineCase>> = {
  updateHandler: updateHandlerCase(),
  updateWorker: updateWorkerCase(),
  // Held at first: what it does when released is part of the same graph.
  optimizerScheduler: schedulerCase(1, true),
  optimizationTask: taskCase(),
  flushWorker: flushWorkerCase(),
};
