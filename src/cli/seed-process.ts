// The process of a campaign: runs the seeds that it is told, one after the other.
import type { SeedOptions } from '../testing/simulation/seed-run.js';
import { processorMs } from './processor-ms.js';
import type { SeedAnswer } from './seed-processes.js';

// These may be sent to the command and its processes alike: it lets the seeds come to their end.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
// The command is there no more.
process.on('disconnect', () => process.exit());

const options = JSON.parse(process.argv[2] as string) as SeedOptions;
// Loaded only now, because that takes a while in which signals would end the process.
const { runSeed } = await import('../testing/simulation/seed-run.js');

process.on('message', async (seed: number) => {
  const report = await runSeed(seed, options);
  process.send?.({ report, processorMs: processorMs() } satisfies SeedAnswer);
});
