import { expectContents } from './checkers/contents.js';
import type { Lifecycle } from './lifecycle.js';
import type { Session } from './session.js';
import type { World } from './world.js';

/** Within so much virtual time everything must have come right. */
const LIMIT_MS = 60_000;
/** Between two looks. */
const LOOK_MS = 500;

/**
 * Faults are over: the store opens, applies what is in the log, optimizes until there is nothing to
 * do, and forgets the log. Closed and opened again, it shows the same.
 */
export async function settleDown(
  world: World,
  session: Session,
  lifecycle: Lifecycle,
): Promise<void> {
  const { chance, trace, time, violated, oracle } = world;
  trace.note('faults are over');
  chance.stop();
  let collection = world.process?.collection;
  if (collection?.handler.state === 'broken') await lifecycle.reopen(collection);
  if (world.process?.collection === undefined) {
    session.end();
    await lifecycle.up();
  }
  collection = world.process?.collection;
  if (collection === undefined) return;
  while (session.readers > 0) session.stopReading();
  while (session.keptFrom !== Number.POSITIVE_INFINITY) session.release();
  // What keeps failing or was configured away must not be waited for.
  session.watch(
    'configure',
    collection.configure({ optimizers: { maxOptimizationThreads: null } }),
  );
  collection.trigger();
  const until = time.now + LIMIT_MS;
  const isQuiet = () => oracle.pending.length === 0 && problems().length === 0;
  const problems = (): string[] => {
    if (collection === undefined) return [];
    const { state } = collection.handler;
    if (state !== 'running') return [`the state is ${state}`];
    const { queue, log, optimizations } = collection.telemetry();
    const { color, reasons } = collection.status();
    return [
      ...(queue.entries + queue.waiting > 0 ? [`${queue.entries} operations are queued`] : []),
      ...(log.acked < log.last ? [`the log keeps ${log.acked + 1} to ${log.last}`] : []),
      ...(optimizations.running > 0 ? [`${optimizations.running} optimizations run`] : []),
      ...(color === 'green' ? [] : [`the status is ${color}: ${JSON.stringify(reasons)}`]),
    ];
  };
  while (!isQuiet() && time.now < until && world.violation === undefined) {
    await world.sleep(LOOK_MS);
  }
  if (!isQuiet()) {
    const waiting = oracle.pending.map(({ operation, wait }) => `${operation.kind} (${wait})`);
    violated('without faults everything comes right', [...problems(), ...waiting].join('; '));
    return;
  }
  session.settled('everything is at rest');
  await expectContents(world, collection);
  await lifecycle.down();
  if (world.violation !== undefined) return;
  session.end();
  await lifecycle.up();
  await lifecycle.down();
}
