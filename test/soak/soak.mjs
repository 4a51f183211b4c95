// npm run test:soak [-- --minutes N --seed N]: mixed work on one collection, reopened each minute,
// with a small heap. Ends with 1 when something grows, slows down, or is lost.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openCollection } from 'sluice';
import { judge } from './judge.mjs';
import { bytesIn, sample } from './sample.mjs';
import { Workload } from './workload.mjs';

const DIMENSIONS = 128;
const IDS = 40_000;
const MINUTE_MS = 60_000;
const SAMPLES_A_ROUND = 6;
const OPTIONS = {
  dimensions: DIMENSIONS,
  flushIntervalMs: 1000,
  updateQueueLengthMax: 256,
  walBytesMax: 64 * 2 ** 20,
  // LevelDB keeps what was deleted until a buffer is full: small ones show what really stays.
  storage: { walWriteBufferBytes: 4 * 2 ** 20, segmentsWriteBufferBytes: 4 * 2 ** 20 },
  optimizers: { indexingThresholdKb: 500, defaultSegmentNumber: 4 },
};

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
  },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new TypeError(`--minutes must be positive, not ${values.minutes}`);
if (globalThis.gc === undefined) throw new Error('run it with --expose-gc: npm run test:soak');
const roundMs = Math.min(MINUTE_MS, (minutes * MINUTE_MS) / 4);
const mega = (bytes) => (bytes / 2 ** 20).toFixed(1).padStart(6);
const quantile = (sorted, share) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;

const directory = await mkdtemp(join(tmpdir(), 'sluice-soak-'));
const path = join(directory, 'db');
const workload = new Workload({ seed: Number(values.seed), ids: IDS, dimensions: DIMENSIONS });
// One signal for the whole run: what listens to it and is not taken off shows.
const { signal } = new AbortController();
const samples = [];
const disk = [];
/** Bytes of the heap at the end of each round, when nothing is left to be optimized. */
const restingHeaps = [];
const begin = performance.now();
let collection = await openCollection(path, { ...OPTIONS, signal });

function report(name, values) {
  const seconds = ((performance.now() - begin) / 1000).toFixed(0).padStart(5);
  process.stdout.write(`${seconds} s  ${name.padEnd(8)} ${values.join('  ')}\n`);
}

function take() {
  const now = sample(collection, signal);
  const latencies = workload.takeLatencies();
  const p99 = (kind) =>
    quantile(
      latencies[kind].sort((a, b) => a - b),
      0.99,
    );
  samples.push({ ...now, updateMs: p99('update'), searchMs: p99('search') });
  const { heapUsed, rss, files, timers, actors, listeners, walRecords } = samples.at(-1);
  report('', [
    `heap ${mega(heapUsed)} MiB`,
    `resident ${mega(rss)} MiB`,
    `files ${files ?? '?'}  timers ${timers}  actors ${actors}  listeners ${listeners}`,
    `log ${walRecords} records`,
    `p99 update ${p99('update').toFixed(1)} ms, search ${p99('search').toFixed(1)} ms`,
  ]);
}

async function reopen() {
  await workload.check(collection);
  const { color, errors } = await collection.optimize();
  if (color !== 'green') throw new Error(`the collection is ${color}: ${errors[0]?.message}`);
  const { heapUsed } = sample(collection, signal);
  restingHeaps.push(heapUsed);
  await collection.close();
  const bytes = await bytesIn(path);
  disk.push({ bytes, liveBytes: workload.liveBytes });
  const parts = ['wal', 'segments', 'vector-index'];
  const sizes = await Promise.all(parts.map((part) => bytesIn(join(path, part))));
  report('closed', [
    `heap ${mega(heapUsed)} MiB`,
    `disk ${mega(bytes)} MiB for ${mega(workload.liveBytes)} MiB of live data`,
    parts.map((part, at) => `${part} ${mega(sizes[at])}`).join('  '),
  ]);
  collection = await openCollection(path, { ...OPTIONS, signal });
  await workload.check(collection);
}

try {
  await workload.fill(collection);
  const end = performance.now() + minutes * MINUTE_MS;
  while (performance.now() < end) {
    const roundEnd = performance.now() + roundMs;
    while (performance.now() < roundEnd) {
      const sliceEnd = performance.now() + roundMs / SAMPLES_A_ROUND;
      await workload.run(collection, () => performance.now() > sliceEnd);
      take();
    }
    await reopen();
  }
} finally {
  await collection.close();
  await rm(directory, { recursive: true });
}

const verdicts = judge({ samples, restingHeaps, disk, minutes, walBytesMax: OPTIONS.walBytesMax });
process.stdout.write(`${workload.operations} calls, seed ${values.seed}\n`);
for (const { name, text, isGood } of verdicts) {
  const mark = isGood === undefined ? 'skipped' : isGood ? 'good' : 'TOO MUCH';
  process.stdout.write(`  ${mark.padEnd(8)}  ${name.padEnd(16)} ${text}\n`);
}
process.exitCode = verdicts.some(({ isGood }) => isGood === false) ? 1 : 0;
