// What is measured of a stretch of work.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

/** Seconds that a job takes, and its result. */
export async function timed(job) {
  const begin = performance.now();
  const result = await job();
  return { seconds: (performance.now() - begin) / 1000, result };
}

/** Also the longest time, ms, between two turns of the event loop, looked at once a millisecond. */
export async function withGap(job) {
  let last = performance.now();
  let longest = 0;
  const look = () => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  };
  const timer = setInterval(look, 1);
  try {
    const result = await job();
    look();
    return { result, gapMs: longest };
  } finally {
    clearInterval(timer);
  }
}

/** The value below which this share of the values lies. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** Of an even number of values, what lies between the two in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** MiB of memory that this process has had at most. */
export const peakMemoryMib = () => process.resourceUsage().maxRSS / 1024;

/** Bytes of all files below a directory. */
export function bytesBelow(directory) {
  let bytes = 0;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    bytes += entry.isDirectory() ? bytesBelow(path) : statSync(path).size;
  }
  return bytes;
}

/** How many of the ids that should have been found were, as a share. */
export function recallOf(found, truth) {
  const wanted = new Set(truth);
  return found.filter((id) => wanted.has(id)).length / truth.length;
}
