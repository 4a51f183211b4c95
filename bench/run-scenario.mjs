// One measurement in a process of its own: node run-scenario.mjs '{"scenario", "subject", "settings"}'.
// The last line of what it prints is the result as JSON.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dataset } from './data/dataset.mjs';

const { scenario, subject, settings } = JSON.parse(process.argv[2]);
const { run } = await import(`./scenarios/${scenario}.mjs`);
const data = dataset(settings.data);
const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
try {
  const result = await run({
    subject,
    directory,
    data,
    settings: { dimensions: data.dimensions, ...settings },
  });
  process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
  await rm(directory, { recursive: true, force: true });
}
