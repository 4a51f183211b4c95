// Durable writes of one point each, by one caller or many.
import { pointOf, pointsOf } from '../data/dataset.mjs';
import { quantile, timed, withGap } from '../measure.mjs';
import { keyOf, openLevel } from '../rivals/level.mjs';
import { SUBJECTS } from '../subjects.mjs';
import { Group } from './support/group.mjs';

export async function run({ subject, directory, data, settings }) {
  const { operations, callers } = settings;
  const target =
    subject === 'level'
      ? await levelTarget(directory, data, callers)
      : await storeTarget(subject, directory, data, settings);
  const latencies = [];
  let next = 0;
  const writer = (end) => async () => {
    while (next < end) {
      const number = next++;
      const { seconds } = await timed(() => target.write(number));
      latencies.push(seconds * 1000);
    }
  };
  const write = (end) => Promise.all(Array.from({ length: callers }, writer(end)));
  // As many again before, which make the code warm, aren't counted.
  await write(operations);
  latencies.length = 0;
  const { gapMs, result } = await withGap(() => timed(() => write(2 * operations)));
  await target.close();
  return { rate: operations / result.seconds, p99Ms: quantile(latencies, 0.99), gapMs };
}

async function storeTarget(subject, directory, data, settings) {
  const store = await SUBJECTS[subject].open(directory, settings);
  return {
    write: (number) => store.insert(pointsOf(data, number, 1)),
    close: () => store.close(),
  };
}

async function levelTarget(directory, data, callers) {
  const level = await openLevel(directory);
  const put = (number) => [keyOf(number), recordOf(data, number)];
  const grouped = new Group((records) => {
    const batch = records.map(([key, value]) => ({ type: 'put', key, value }));
    return level.batch(batch, { sync: true });
  });
  return {
    write: (number) =>
      callers === 1 ? level.put(...put(number), { sync: true }) : grouped.add(put(number)),
    close: () => level.close(),
  };
}

function recordOf(data, number) {
  const { vector, payload } = pointOf(data, number);
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
  return Buffer.concat([bytes, Buffer.from(JSON.stringify(payload))]);
}
