// Writes to a key-value store until it is killed; says what it is about to do, and what is done.
import { writeSync } from 'node:fs';
import { openKvStore } from '../../../examples/kv-store/kv-store.mjs';

const [path, first] = process.argv.slice(2);
const store = await openKvStore(path, { segmentEntries: 16, flushIntervalMs: 20 });
const say = (text) => writeSync(1, `${text}\n`);

async function write(number) {
  say(`begin ${number}`);
  const key = `key ${(number * 7) % 50}`;
  const wait = number % 3 === 0;
  if (number % 5 === 0) await store.delete(key, { wait });
  else await store.put(key, `${number}`, { wait });
  say(`done ${number}`);
}

for (let number = Number(first); ; number += 4) {
  await Promise.all([0, 1, 2, 3].map((each) => write(number + each)));
}
