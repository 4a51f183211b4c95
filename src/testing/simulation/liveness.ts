import type { Collection } from '../../collection.js';
import { expectContents } from './checkers/contents.js';
import type { Lifecycle } from './lifecycle.js';
import type { Session } from './session.js';
import type { World } from './world.js';

/** Within so much virtual time everything must have come right. */
const LIMIT_MS = 60_000;
/** Between two looks. */
const LOOK_MS = 500;
/** Faults of a script may come even now: it is begun again so often. */
const ATTEMPTS_MAX = 20;

/**
 * Faults are over: the store opens, applies what is in the log, optimizes until there is nothing to
 * do, and forgets the log. Closed and opened again, it shows the same.
 */
export async function settleDown(
  world: World,
  session: Session,
  lifecycle: Lifecycle,
): Promise<void> {
  world.trace.note('faults are over');
  world.chance.stop();
  await world.sleep(world.chance.hangsMs);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const collection = await bringUp(world, session, lifecycle);
    if (collection === undefined || world.violation !== undefined) return;
    const { process } = world;
    const faults = process?.faultCount;
    const problems = await comeToRest(world, session, collection);
    if (process?.isAlive !== true || process.faultCount !== faults) continue;
    if (problems.length > 0) {
      world.violated('without faults everything comes right', problems.join('; '));
      return;
    }
    session.settled('everything is at rest');
    await expectContents(world, collection);
    await lifecycle.down();
    await bringUp(world, session, lifecycle);
    await lifecycle.down();
    return;
  }
  world.violated('without faults everything comes right', 'faults never end');
}

async function bringUp(
  world: World,
  session: Session,
  lifecycle: Lifecycle,
): Promise<Collection | undefined> {
  const collection = world.process?.collection;
  if (collection?.handler.state === 'broken') await lifecycle.reopen(collection);
  if (world.violation !== undefined) return undefined;
  if (world.process?.collection?.handler.state !== 'running') {
    if (world.process?.collection !== undefined) await lifecycle.down();
    session.end();
    await lifecycle.up();
  }
  return world.process?.collection;
}

/** Waits until nothing is left to do; what is left when it takes too long. */
async function comeToRest(
  world: World,
  session: Session,
  collection: Collection,
): Promise<string[]> {
  const { time, process } = world;
  while (session.readers > 0) session.stopReading();
  while (session.keptFrom !== Number.POSITIVE_INFINITY) session.release();
  // What was configured away must not be waited for.
  const optimizers = { maxOptimizationThreads: null };
  session.watch('configure', collection.configure({ optimizers }));
  collection.trigger();
  const until = time.now + LIMIT_MS;
  for (;;) {
    // A call that was slow before may keep someone waiting for a while yet.
    const waiting = session.unanswered.map((name) => `${name} waits`);
    const problems = [...waiting, ...unfinished(collection)];
    const isGone = process?.isAlive !== true || collection.handler.state === 'broken';
    const isOver = problems.length === 0 || time.now > until || world.violation !== undefined;
    if (isGone || isOver) return problems;
    await world.sleep(LOOK_MS);
  }
}

function unfinished(collection: Collection): string[] {
  const { state } = collection.handler;
  if (state !== 'running') return [`the state is ${state}`];
  const { queue, log, optimizations, budgets } = collection.telemetry();
  const out = Object.entries(budgets).filter(([, { used }]) => used > 0);
  const { color, reasons } = collection.status();
  return [
    ...(queue.entries + queue.waiting > 0 ? [`${queue.entries} operations are queued`] : []),
    ...(log.acked < log.last ? [`the log keeps ${log.acked + 1} to ${log.last}`] : []),
    ...(optimizations.running > 0 ? [`${optimizations.running} optimizations run`] : []),
    ...out.map(([name, { used }]) => `${used} permits of ${name} are out`),
    ...(color === 'green' ? [] : [`the status is ${color}: ${JSON.stringify(reasons)}`]),
  ];
}
