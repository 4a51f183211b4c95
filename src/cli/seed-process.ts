// The process of a campaign: runs the seeds that it is told, one after the other.
import { runSeed, type SeedOptions } from '../testing/simulation/seed-run.js';
import { processorMs } from './processor-ms.js';
import type { SeedAnswer } from './seed-processes.js';

const options = JSON.parse(process.argv[2] as string) as SeedOptions;

process.on('message', async (seed: number) => {
  const report = await runSeed(seed, options);
  process.send?.({ report, processorMs: processorMs() } satisfies SeedAnswer);
});
// Ctrl-C reaches all processes of a terminal: the command lets the seeds come to their end.
process.on('SIGINT', () => {});
// The command is there no more.
process.on('disconnect', () => process.exit());
