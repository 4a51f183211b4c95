// What a payload index saves: count with filters that 2 % of the points pass, with and without.
// Build first. Run: node bench/payload-index.mjs [POINTS]
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCollection } from 'sluice';

const POINTS = Number(process.argv[2] ?? 100_000);
const BATCH = 5000;
const ROUNDS = 20;

const CASES = [
  { key: 'word', type: 'keyword', test: { match: { value: 'w7' } } },
  { key: 'group', type: 'integer', test: { match: { value: 7 } } },
  { key: 'group', type: 'integer', test: { range: { gte: 7, lt: 8 } } },
  { key: 'share', type: 'float', test: { range: { gte: 0.5, lt: 0.52 } } },
  { key: 'tags[].name', type: 'keyword', test: { match: { value: 'w7' } } },
];

const payloadOf = (number) => ({
  word: `w${number % 50}`,
  group: number % 50,
  share: ((number * 7919) % POINTS) / POINTS,
  tags: [{ name: `w${number % 50}` }, { name: 'all' }],
});

async function milliseconds(job) {
  const begin = performance.now();
  await job();
  return performance.now() - begin;
}

/** The middle one of several runs. */
async function typical(job) {
  const times = [];
  for (let round = 0; round < ROUNDS; round += 1) times.push(await milliseconds(job));
  return times.sort((a, b) => a - b)[ROUNDS >> 1];
}

const directory = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
const collection = await openCollection(join(directory, 'db'), { dimensions: 4 });
try {
  for (let from = 0; from < POINTS; from += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, POINTS - from) }, (_, at) => from + at);
    const points = numbers.map((id) => ({ id, vector: [1, id, 2, 3], payload: payloadOf(id) }));
    await collection.upsert(points, { wait: false });
  }
  await collection.optimize();
  for (const { key, type, test } of CASES) {
    const filter = { must: [{ key, ...test }] };
    const count = () => collection.count({ filter });
    const found = await count();
    const scan = await typical(count);
    const create = await milliseconds(() => collection.createPayloadIndex(key, type));
    const first = await milliseconds(count);
    if ((await count()) !== found) throw new Error(`${key}: the index finds other points`);
    const indexed = await typical(count);
    await collection.deletePayloadIndex(key);
    process.stdout.write(
      `${key} ${type} ${JSON.stringify(test)}: ${found} of ${POINTS} points; ` +
        `scan ${scan.toFixed(2)} ms, index ${indexed.toFixed(3)} ms, ` +
        `ratio ${(scan / indexed).toFixed(0)}; create ${create.toFixed(1)} ms, ` +
        `first count, which builds it, ${first.toFixed(1)} ms\n`,
    );
  }
} finally {
  await collection.close();
  rmSync(directory, { recursive: true, force: true });
}
