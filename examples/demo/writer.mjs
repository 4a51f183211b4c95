// Writes films and tells after each batch which ids were acknowledged, until it is killed.
import { writeSync } from 'node:fs';
import { openCollection } from 'sluice';
import { batchesOf, readFilms } from './films.mjs';

const [path, idOffset] = process.argv.slice(2);
const films = readFilms().map((film) => ({ ...film, id: film.id + Number(idOffset) }));
const collection = await openCollection(path);

for (const batch of batchesOf(films, 20)) {
  await collection.upsert(batch, { wait: false });
  // Written at once: what is said here has been acknowledged before the process can die.
  writeSync(1, `${JSON.stringify(batch.map(({ id }) => id))}\n`);
}
// Killed before it gets here; otherwise it waits, for an end of the process is what is wanted.
setInterval(() => undefined, 1000);
