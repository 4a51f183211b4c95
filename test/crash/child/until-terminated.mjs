// A program as docs/operations.md tells it to end: it works until SIGTERM, then closes.
// Prints what it begins and what is done, one line each. Arguments: path, number of the first step.
import { writeSync } from 'node:fs';
import { openCollection } from 'sluice';

const DIMENSIONS = 16;
const IDS = 400;
const [path = '', first = '0'] = process.argv.slice(2);
const print = (line) => writeSync(1, `${JSON.stringify(line)}\n`);

const leaving = new AbortController();
process.once('SIGTERM', () => leaving.abort());
const { signal } = leaving;
print({ at: 'ready' });

async function work(collection) {
  for (let step = Number(first); !signal.aborted; step += 1) {
    print({ begun: step });
    await collection.upsert([
      {
        id: step % IDS,
        vector: Array.from({ length: DIMENSIONS }, (_, at) => Math.sin(step * at)),
        payload: { step },
      },
    ]);
    print({ done: step });
  }
}

try {
  const collection = await openCollection(path, {
    dimensions: DIMENSIONS,
    flushIntervalMs: 20,
    optimizers: { indexingThresholdKb: 2, maxSegmentSizeKb: 8, vacuumMinVectorNumber: 20 },
    hnsw: { efConstruct: 1000 },
    signal,
  });
  print({ at: 'opened' });
  await work(collection);
  print({ at: 'closing' });
  await collection.close();
} catch (error) {
  if (!signal.aborted) throw error;
  print({ code: error.code });
}
print({ at: 'end' });
