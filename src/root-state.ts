import type { ActorRefFrom, AnyMachineSnapshot } from 'xstate';
import type { optimizationTaskMachine } from './machines/optimization-task.js';

/** The root's state by one name, whatever it is doing inside: `live` has its parts' names. */
export function rootState(snapshot: { value: unknown }): string {
  const { value } = snapshot;
  if (typeof value === 'string') return value;
  const [[outer, inner] = ['', '']] = Object.entries(value as Record<string, unknown>);
  if (outer !== 'live') return outer;
  return typeof inner === 'string' ? inner : (Object.keys(inner as object)[0] ?? outer);
}

type Task = ActorRefFrom<typeof optimizationTaskMachine>;

/** The task that carries out this run; undefined when it has ended. */
export function taskOf(root: AnyMachineSnapshot, run: number): Task | undefined {
  const scheduler: AnyMachineSnapshot | undefined = root.children.optimizerScheduler?.getSnapshot();
  const children = Object.entries(scheduler?.children ?? {});
  return children
    .flatMap(([id, child]) => (id.startsWith('optimization.') ? [child as Task] : []))
    .find((task) => {
      const { status, context } = task.getSnapshot();
      return status === 'active' && context.run === run;
    });
}
