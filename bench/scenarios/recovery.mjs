// Opening after a kill: the replay of points that no flush has written, against reading their
// records out of LevelDB.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openCollection } from 'sluice';
import { timed } from '../measure.mjs';
import { openLevel } from '../rivals/level.mjs';

const writer = new URL('./support/write-and-die.mjs', import.meta.url);

export async function run({ subject, directory, settings }) {
  const path = join(directory, 'db');
  const child = fork(writer, [JSON.stringify({ ...settings, path })]);
  const [, signal] = await once(child, 'exit');
  if (signal !== 'SIGKILL') throw new Error('the writing process did not come to its end');
  if (subject === 'level') return readLog(join(path, 'wal'), settings.points);
  const { seconds, result } = await timed(() => openCollection(path));
  const found = await result.count();
  await result.close();
  if (found !== settings.points) throw new Error(`${found} points after recovery`);
  return { rate: settings.points / seconds };
}

/** Reads every record: what is measured begins when the database is open, as its opening is replayed. */
async function readLog(path, points) {
  const { seconds, result } = await timed(async () => {
    const level = await openLevel(path, {}, '');
    let bytes = 0;
    for await (const [, value] of level.iterator()) bytes += value.byteLength;
    return { level, bytes };
  });
  await result.level.close();
  if (result.bytes < points * 512) throw new Error('records are missing');
  return { rate: points / seconds };
}
