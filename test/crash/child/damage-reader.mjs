// Opens stores and says what is there: for each line of input, `{ path, goOn }`, one line of output.
// A process of its own, because what LevelDB does with damaged files may end it.
import { createInterface } from 'node:readline';
import { openCollection } from 'sluice';

const PAGE = 1000;
// Nothing but what is stored; damage is looked at before an optimizer writes anything anew.
const OPTIONS = { optimizersStart: 'onTrigger' };

async function contents(collection) {
  const points = [];
  let offset;
  do {
    const page = await collection.scroll({ limit: PAGE, offset, withVector: true });
    for (const { id, vector, payload } of page.points) points.push([id, [...vector], payload]);
    offset = page.nextOffset;
  } while (offset !== undefined);
  return JSON.stringify([points, collection.info().payloadIndexes]);
}

/** What the store holds; it must also count and find as many points. */
async function read(path) {
  const collection = await openCollection(path, OPTIONS);
  try {
    const text = await contents(collection);
    const count = await collection.count();
    const [points] = JSON.parse(text);
    const vector = points[0]?.[1];
    const hits = vector && (await collection.search(vector, { limit: 3 }));
    const agrees = count === points.length && (hits === undefined || hits.length === 3);
    return agrees ? { text } : { error: `counts ${count}, has ${points.length}` };
  } finally {
    await collection.close();
  }
}

/** Goes on with the store: what was there must still be there, and what is new. */
async function workOn(path) {
  const collection = await openCollection(path, OPTIONS);
  const { dimensions } = collection.info();
  const before = await contents(collection);
  try {
    await collection.upsert([{ id: 'new', vector: Array.from({ length: dimensions }, () => 1) }]);
    await collection.optimize();
    await collection.flush();
  } finally {
    await collection.close();
  }
  const again = await openCollection(path, OPTIONS);
  try {
    await again.delete(['new']);
    const isEqual = (await contents(again)) === before;
    return isEqual ? {} : { error: 'going on has changed it' };
  } finally {
    await again.close();
  }
}

async function outcome(action) {
  try {
    return await action();
  } catch (error) {
    return { code: error?.code ?? error?.name, message: String(error?.message) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { path, goOn } = JSON.parse(line);
  // Twice: an error must not be gone, and a change not come, the second time.
  const first = await outcome(() => read(path));
  const second = await outcome(() => read(path));
  const third = goOn && second.text !== undefined ? await outcome(() => workOn(path)) : {};
  process.stdout.write(`${JSON.stringify({ first, second, third })}\n`);
}
