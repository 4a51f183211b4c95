// Writes what the documentation says of the machines, from the machines themselves: a page for each
// in docs/machines/, and the parts of other pages that stand between marks.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { draw } from '#sluice/charts/draw.js';
import { sluiceMachines } from '#sluice/testing/sluice-machines.js';
import { actorPicture } from './actor-picture.mjs';
import { actorTable } from './actor-table.mjs';

const root = new URL('../', import.meta.url);
const folder = new URL('docs/machines/', root);
mkdirSync(folder, { recursive: true });
for (const [id, { machine }] of Object.entries(sluiceMachines)) {
  writeFileSync(new URL(`${id}.md`, folder), `${draw(machine, 'markdown')}\n`);
}

/** Puts a text between the marks of this name. */
function fill(path, name, text) {
  const page = readFileSync(new URL(path, root), 'utf8');
  const marked = new RegExp(`(<!-- made: ${name} -->\n)[\\s\\S]*?(<!-- /made -->)`);
  if (!marked.test(page)) throw new Error(`${path} has no marks of ${name}`);
  writeFileSync(
    new URL(path, root),
    page.replace(marked, (_, begin, end) => `${begin}\n${text}\n\n${end}`),
  );
}

const picture = ['```mermaid', await actorPicture(), '```'].join('\n');
fill('README.md', 'actors', picture);
fill('docs/architecture.md', 'actors', picture);
fill('docs/architecture.md', 'states', actorTable());
