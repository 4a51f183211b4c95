// 1,000 callers that don't wait: the queue keeps its limits and nobody is refused.
import { pointsOf } from '../data/dataset.mjs';
import { peakMemoryMib, timed } from '../measure.mjs';
import { open } from '../sluice.mjs';

const CALLERS = 1000;
const BATCH = 10;

export async function run({ directory, data, settings }) {
  const { points } = settings;
  const store = await open(directory, settings);
  const rounds = Math.floor(points / (CALLERS * BATCH));
  let rejected = 0;
  let entriesPeak = 0;
  let bytesPeak = 0;
  const look = () => {
    const { queue } = store.collection.telemetry();
    entriesPeak = Math.max(entriesPeak, queue.entries);
    bytesPeak = Math.max(bytesPeak, queue.bytes);
  };
  const { seconds } = await timed(async () => {
    const caller = async (number) => {
      for (let round = 0; round < rounds; round += 1) {
        const from = (round * CALLERS + number) * BATCH;
        await store.insertLoose(pointsOf(data, from, BATCH)).catch(() => {
          rejected += 1;
        });
      }
    };
    const watch = setInterval(look, 1);
    await Promise.all(Array.from({ length: CALLERS }, (_, number) => caller(number)));
    await store.settle();
    clearInterval(watch);
  });
  const written = rounds * CALLERS * BATCH;
  const found = await store.collection.count();
  await store.close();
  if (found !== written) throw new Error(`${found} of ${written} points are there`);
  return {
    rate: written / seconds,
    rejected,
    entriesPeak,
    queueMib: bytesPeak / 2 ** 20,
    peakMib: peakMemoryMib(),
  };
}
