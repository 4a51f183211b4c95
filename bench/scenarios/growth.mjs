// What a point costs when there are many already: durable batches into a growing collection, its
// optimizers at work, the time of the first tenth against that of the last.
import { pointsOf } from '../data/dataset.mjs';
import { timed } from '../measure.mjs';
import { SUBJECTS } from '../subjects.mjs';

const BATCH = 100;

export async function run({ subject, directory, data, settings }) {
  const { points } = settings;
  const tenth = Math.floor(points / 10);
  const store = await SUBJECTS[subject].open(directory, settings);
  const rates = [];
  for (let part = 0; part < 10; part += 1) {
    const { seconds } = await timed(async () => {
      for (let from = part * tenth; from < (part + 1) * tenth; from += BATCH) {
        await store.insert(pointsOf(data, from, BATCH));
      }
    });
    rates.push(tenth / seconds);
  }
  await store.close();
  return { firstRate: rates[0], lastRate: rates[9], costRatio: rates[0] / rates[9] };
}
