// Writes snapshots of a collection, one after the other, while it is written to, until it is killed.
import { join } from 'node:path';
import { openCollection } from 'sluice';

const DIMENSIONS = 32;
const [path] = process.argv.slice(2);
const options = { dimensions: DIMENSIONS, flushIntervalMs: 20 };
const collection = await openCollection(join(path, 'source'), options);

function batch(first) {
  return Array.from({ length: 500 }, (_, index) => ({
    id: (first + index) % 3000,
    vector: Array.from({ length: DIMENSIONS }, (__, at) => first + index + at),
  }));
}

async function write() {
  for (let first = 0; ; first += 500) await collection.upsert(batch(first), { wait: false });
}

for (let first = 0; first < 3000; first += 500) await collection.upsert(batch(first));
write();
for (let number = 0; ; number += 1) {
  console.log(`begins ${number}`);
  const onProgress = () => console.log('writes');
  await collection.snapshot(join(path, `copy-${number}`), { onProgress });
  console.log(`done ${number}`);
}
