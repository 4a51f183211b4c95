// Writes to a collection, takes snapshots of it and reports, synchronously, what is done. The
// process is there to be traced. Arguments: directory, marks file.
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openCollection } from 'sluice';

const [, , path = '', marksFile = ''] = process.argv;
const marks = openSync(marksFile, 'a');
const mark = (fact) => writeSync(marks, `${JSON.stringify(fact)}\n`);
const DIMENSIONS = 16;
const BATCH = 50;

const collection = await openCollection(join(path, 'source'), {
  dimensions: DIMENSIONS,
  flushIntervalMs: 20,
  optimizers: { maxSegmentSizeKb: 4, indexingThresholdKb: 2 },
  storage: { walWriteBufferBytes: 65_536, segmentsWriteBufferBytes: 65_536 },
});
let written = 0;
const write = async () => {
  const points = Array.from({ length: BATCH }, (_, index) => ({
    id: written + index,
    vector: Array.from({ length: DIMENSIONS }, (__, at) => Math.sin(written + index + at)),
    payload: { filler: 'x'.repeat(300) },
  }));
  await collection.upsert(points);
  written += BATCH;
  mark({ written });
};

for (let number = 0; number < 2; number += 1) {
  for (let count = 0; count < 3; count += 1) await write();
  mark({ began: number, holds: written });
  await Promise.all([collection.snapshot(join(path, `copy-${number}`)), write()]);
  mark({ done: number });
}
await collection.close();
