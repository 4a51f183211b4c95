// Opens a store's directory in a process of its own, says what came of it and holds it open until
// its input ends. With `append` it makes the store if need be, adds one record and ends; with
// `compact` and `read` it works on the segments, which may end it, and closes.
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

/** So that LevelDB merges what is stored with something new. */
async function compact() {
  const directory = await openDirectory(path, { create: false });
  await directory.segments.batch().put('key-0000', 'new').put('key-9999', 'new').write();
  await directory.segments.compactRange('', '\xff');
  await directory.close();
  return 'compacted';
}

async function read() {
  const directory = await openDirectory(path, { create: false });
  await directory.segments.get('key-0000');
  await directory.close();
  return 'read';
}

try {
  console.log(await { append, hold, compact, read }[action]());
} catch (error) {
  console.log(error.code ?? error);
}
