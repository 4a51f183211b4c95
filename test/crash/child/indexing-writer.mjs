// Writes to a collection whose index builds are slow. Before each operation it prints what it will
// do, afterwards that it was done, and whether an index was being built.
import { openCollection } from 'sluice';

const [path, seed] = process.argv.slice(2);
const DIMENSIONS = 32;
let state = Number(seed);
const random = (below) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const collection = await openCollection(path, {
  dimensions: DIMENSIONS,
  flushIntervalMs: 20,
  optimizers: { indexingThresholdKb: 40, defaultSegmentNumber: 3, vacuumMinVectorNumber: 100 },
  hnsw: { m: 32, efConstruct: 3000 },
});
// A process that was killed several times while it optimized begins only when it is told to.
collection.trigger();
for (;;) {
  const ids = Array.from(new Set(Array.from({ length: 40 }, () => random(3000))));
  const value = random(1e6);
  const operation = random(4) === 0 ? { delete: ids } : { upsert: ids, value };
  print(operation);
  if (operation.delete !== undefined) {
    await collection.delete(ids);
  } else {
    const points = ids.map((id) => ({
      id,
      vector: Array.from({ length: DIMENSIONS }, (_, at) => Math.sin(value + id + at)),
      payload: { value },
    }));
    await collection.upsert(points);
  }
  const { running } = collection.optimizations();
  const building = running.some(({ progress }) => progress.indexed > 0);
  print({ done: true, building });
}
