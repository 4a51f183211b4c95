// Writes batches of 100 into an empty store: durable or not, by one caller or several.
import { pointsOf } from '../data/dataset.mjs';
import { quantile, timed, withGap } from '../measure.mjs';
import { keyOf, openLevel } from '../rivals/level.mjs';
import { SUBJECTS } from '../subjects.mjs';

const BATCH = 100;

export async function run({ subject, directory, data, settings }) {
  const { points, callers = 1, durable = true } = settings;
  const batches = Math.floor(points / BATCH);
  const target =
    subject === 'level' ? await levelTarget(directory, data, durable) : await storeTarget();

  async function storeTarget() {
    const store = await SUBJECTS[subject].open(directory, settings);
    const write = durable ? store.insert : store.insertLoose;
    return {
      write: (number) => write(pointsOf(data, number * BATCH, BATCH)),
      settle: () => store.settle?.(),
      close: () => store.close(),
    };
  }

  const latencies = [];
  let next = 0;
  const caller = async () => {
    while (next < batches) {
      const number = next++;
      const { seconds } = await timed(() => target.write(number));
      latencies.push(seconds * 1000);
      // Rivals write synchronously: without a turn nothing else would ever run.
      if (number % 10 === 9) await new Promise(setImmediate);
    }
  };
  const { gapMs, result } = await withGap(() =>
    timed(async () => {
      await Promise.all(Array.from({ length: callers }, caller));
      await target.settle?.();
    }),
  );
  await target.close();
  return {
    rate: (batches * BATCH) / result.seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    gapMs,
  };
}

/** The same bytes as one record a batch, made beforehand: nothing but LevelDB is measured. */
async function levelTarget(directory, data, sync) {
  const level = await openLevel(directory);
  const records = Array.from({ length: 32 }, (_, number) => recordOf(data, number));
  return {
    write: (number) => level.put(keyOf(number), records[number % records.length], { sync }),
    close: () => level.close(),
  };
}

function recordOf(data, number) {
  const points = pointsOf(data, number * BATCH, BATCH);
  const payloads = JSON.stringify({ payloads: points.map(({ payload }) => payload) });
  const vectors = points.map(({ vector }) =>
    Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength),
  );
  const ids = Buffer.from(JSON.stringify(points.map(({ id }) => id)));
  return Buffer.concat([...vectors, ids, Buffer.from(payloads)]);
}
