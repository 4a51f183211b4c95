import type { Collection } from '../../../collection.js';
import type { SimulatedProcess } from '../process.js';
import type { World } from '../world.js';

/** After a close nothing is left: no timer, no call of a store, no actor, no open view. */
export async function expectStopped(
  world: World,
  process: SimulatedProcess,
  collection: Collection,
): Promise<void> {
  const { violated } = world;
  const rule = 'nothing is left after closing';
  // Those who were told of the close go first, readers in the middle of a step, and what hangs.
  await world.sleep(1 + world.chance.hangsMs);
  const { pending } = process.clock;
  if (pending > 0) violated(rule, `${pending} timers`);
  for (const [name, database] of Object.entries({ wal: process.wal, segments: process.segments })) {
    if (database.busy > 0) violated(rule, `${database.busy} calls or scans of ${name}`);
    if (database.isOpen) violated(rule, `${name} is open`);
  }
  const { actor } = collection.handler;
  const { status, children } = actor.getSnapshot();
  if (status !== 'done') violated(rule, `the root is ${status}`);
  const alive = Object.entries(children).filter(
    ([, child]) => child?.getSnapshot().status === 'active',
  );
  if (alive.length > 0) violated(rule, `actors ${alive.map(([id]) => id).join(', ')}`);
}
