import type { Collection } from '../../../collection.js';
import { errorText } from '../../../errors.js';
import { difference, PointModel } from '../point-model.js';
import type { World } from '../world.js';

/** More than there are points. */
const ALL = 1000;

/** What a reader sees is the effect of operations 1…applied: each point once, nothing else. */
export async function expectContents(world: World, collection: Collection): Promise<void> {
  const { oracle, violated } = world;
  const { wal, points, payloadIndexes } = collection.info();
  oracle.advance(wal.applied);
  const model = new PointModel(oracle.model);
  if (points !== model.points.size) {
    const text = `${points} points, should be ${model.points.size}, at ${wal.applied}`;
    violated('the collection holds what was applied', text);
  }
  const indexes = JSON.stringify(Object.entries(payloadIndexes).sort());
  if (indexes !== JSON.stringify([...model.indexes].sort())) {
    violated('payload indexes are those that were created', `${indexes} at ${wal.applied}`);
  }
  const ending = await world.ending(collection.scroll({ limit: ALL, withVector: true }));
  if (ending.status === 'failed') violated('reads succeed', errorText(ending.error));
  if (ending.status !== 'done') return;
  world.traffic.count('read');
  const different = difference(model, ending.value.points);
  if (different === undefined) return;
  violated('the collection holds what was applied', `${different}, at ${wal.applied}`);
}
