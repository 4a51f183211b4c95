// The machines as they are explored here: smaller than elsewhere, as each mutant has its own graph.

import { type MachineCase, sluiceMachines } from 'sluice/testing';
import type { AnyMachineSnapshot } from 'xstate';
import { WORKERS, type Worker } from '../machines/worlds/store-life.js';

interface Event {
  type: string;
}

/** The events of a case, each only where somebody sends it. */
function eventsWhere(
  { how }: MachineCase,
  isSent: (type: string, snapshot: AnyMachineSnapshot) => boolean,
) {
  const events = how.events as readonly Event[];
  return (snapshot: AnyMachineSnapshot) => events.filter(({ type }) => isSent(type, snapshot));
}

/** A worker is gone that was there, or what it left behind has not settled. */
function isCrashed({ context, children, value }: AnyMachineSnapshot): boolean {
  const isRecovering = JSON.stringify(value).includes('recovering');
  const expected = isRecovering ? ['updateWorker'] : WORKERS;
  const isSettling = Object.keys(children).some((id) => id.startsWith('settle.'));
  return isSettling || expected.some((worker) => !context.alive[worker]);
}

/** Where the root ignores an event, others than these show it. */
const ROOT_TAKES: Record<string, readonly string[]> = {
  Operation: ['live'],
  Nop: ['live'],
  Applied: ['live'],
  Flush: ['live', 'opening'],
  Broken: ['live', 'stopping'],
  Reopen: ['broken'],
};

/** One crash at a time shows all that several do, as the workers are restarted independently. */
function mayEnd(worker: Worker, snapshot: AnyMachineSnapshot): boolean {
  if (snapshot.matches('live')) return !isCrashed(snapshot);
  if (snapshot.matches('stopping')) return snapshot.matches(`stopping.${worker}`);
  return true;
}

function smallerRoot(made: MachineCase): MachineCase {
  const workers = Object.fromEntries(
    WORKERS.map((worker) => {
      const when = (ends: readonly unknown[]) => (_: unknown, snapshot: AnyMachineSnapshot) =>
        mayEnd(worker, snapshot) ? ends : [];
      return [worker, { outputs: when([undefined]), errors: when([new Error('it failed')]) }];
    }),
  );
  const isSent = (type: string, snapshot: AnyMachineSnapshot) =>
    ROOT_TAKES[type]?.some((state) => snapshot.matches(state)) ?? true;
  const children = { ...made.how.children, ...workers };
  return { ...made, how: { ...made.how, events: eventsWhere(made, isSent), children } };
}

/** Resumed where it has paused; how a task ends is nothing to a scheduler, if it does not crash. */
function smallerScheduler(made: MachineCase): MachineCase {
  const { children, project } = made.how;
  const isSent = (type: string, snapshot: AnyMachineSnapshot) =>
    type !== 'Resume' || snapshot.matches('paused');
  const optimization = { outputs: [{ outcome: 'done', points: 1 }] };
  return {
    ...made,
    how: {
      ...made.how,
      events: eventsWhere(made, isSent),
      children: { ...children, optimization },
      // The number of failures only sets a delay.
      project: (context) => ({ ...(project?.(context) as object), attempt: undefined }),
    },
  };
}

const SMALLER: Record<string, (made: MachineCase) => MachineCase> = {
  optimizerScheduler: smallerScheduler,
  updateHandler: smallerRoot,
};

export function smallCase(name: string): MachineCase {
  const made = Object.entries(sluiceMachines).find(([id]) => id === name)?.[1];
  if (made === undefined) throw new TypeError(`no machine ${name}`);
  return SMALLER[name]?.(made) ?? made;
}
