// Opens a store's directory in a process of its own, says what came of it and holds it open until
// its input ends. With `append` it makes the store if need be, adds one record and ends.
import { openDirectory } from '#sluice/services/level/directory.js';
import { levelWal } from '#sluice/services/level/wal.js';

const [action, path] = process.argv.slice(2);

async function append() {
  for (;;) {
    try {
      return await appendOnce();
    } catch (error) {
      if (error.code !== 'SLUICE_LOCKED') throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

async function appendOnce() {
  const directory = await openDirectory(path, { create: true });
  const { creating } = directory;
  const wal = levelWal(directory.wal, { create: creating });
  await wal.open();
  await directory.finishCreation();
  await wal.append([Uint8Array.of(1)], { sync: true });
  await directory.close();
  return creating ? 'created' : 'opened';
}

async function hold() {
  const directory = await openDirectory(path, { create: true });
  await directory.finishCreation();
  process.stdin.resume();
  process.stdin.on('end', () => directory.close());
  return 'open';
}

try {
  console.log(await (action === 'append' ? append() : hold()));
} catch (error) {
  console.log(error.code ?? error);
}
