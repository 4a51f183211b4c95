// Writes docs/machines/: a page for each machine, from the machine itself.
import { mkdirSync, writeFileSync } from 'node:fs';
import { draw } from '#sluice/charts/draw.js';
import { sluiceMachines } from '#sluice/testing/sluice-machines.js';

const folder = new URL('../docs/machines/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const [id, { machine }] of Object.entries(sluiceMachines)) {
  writeFileSync(new URL(`${id}.md`, folder), `${draw(machine, 'markdown')}\n`);
}
