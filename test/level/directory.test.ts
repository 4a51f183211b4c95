import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Directory, openDirectory } from '#sluice/services/level/directory.js';
import { SegmentStore } from '#sluice/services/level/segment-store.js';
import { levelWal } from '#sluice/services/level/wal.js';
import { temporaryDirectory } from '../support/temporary.js';

const code = (text: string) => expect.objectContaining({ code: text });
const storePath = async () => join(await temporaryDirectory(), 'store');

async function open(path: string, create = true): Promise<Directory> {
  const directory = await openDirectory(path, { create });
  onTestFinished(() => directory.close());
  return directory;
}

/** A finished store with one record, closed. */
async function finished(): Promise<string> {
  const path = await storePath();
  const directory = await open(path);
  const wal = levelWal(directory.wal);
  const { storeId } = await wal.open();
  await new SegmentStore(directory.segments).open({ storeId });
  await directory.finishCreation();
  await wal.append([Uint8Array.of(1)], { sync: true });
  await directory.close();
  return path;
}

const lastOf = async (path: string) => {
  const directory = await open(path, false);
  const wal = levelWal(directory.wal, { create: false });
  const { last } = await wal.open();
  await directory.close();
  return last;
};

const child = (action: string, path: string, uid?: number) =>
  spawn(
    process.execPath,
    [join(import.meta.dirname, '../support/directory-child.mjs'), action, path],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      ...(uid === undefined ? {} : { uid }),
    },
  );

/** The first line that a child prints. */
async function answer(process: ReturnType<typeof child>): Promise<string> {
  const [output] = (await once(process.stdout, 'data')) as [Buffer];
  return output.toString().trim();
}

describe('creating a store', () => {
  test('leaves two databases and a format file, which open again', async () => {
    const path = await storePath();
    const directory = await open(join(path, 'deeper'));
    expect(directory.creating).toBe(true);
    expect((await readdir(directory.path)).sort()).toEqual(['CREATING', 'segments', 'wal']);
    await directory.finishCreation();
    await directory.finishCreation();
    expect(directory.creating).toBe(false);
    expect((await readdir(directory.path)).sort()).toEqual(['FORMAT', 'segments', 'wal']);
    expect(JSON.parse(await readFile(join(directory.path, 'FORMAT'), 'utf8'))).toEqual({
      format: 1,
    });
    await directory.close();
    expect((await open(directory.path, false)).creating).toBe(false);
  });

  test('leaves a place for vector indexes, which come later', async () => {
    const path = await finished();
    await mkdir(join(path, 'vector-index'));
    await writeFile(join(path, 'vector-index', 'x.hnsw'), 'index');
    const directory = await open(path, false);
    expect(directory.vectorIndexPath).toBe(join(directory.path, 'vector-index'));
    expect(await readdir(directory.vectorIndexPath)).toEqual(['x.hnsw']);
  });

  test('works in an empty directory', async () => {
    const path = await temporaryDirectory();
    await (await open(path)).finishCreation();
    expect((await readdir(path)).sort()).toEqual(['FORMAT', 'segments', 'wal']);
  });

  test('is not done without being asked for, and nothing is written', async () => {
    const path = await storePath();
    await expect(open(path, false)).rejects.toThrow(code('SLUICE_NOT_FOUND'));
    await expect(readdir(path)).rejects.toThrow();
    await mkdir(path);
    await expect(open(path, false)).rejects.toThrow(code('SLUICE_NOT_FOUND'));
    expect(await readdir(path)).toEqual([]);
  });

  test('is not done in a directory with other content, and nothing is written', async () => {
    const path = await temporaryDirectory();
    await writeFile(join(path, 'holiday.jpg'), '');
    await expect(open(path)).rejects.toThrow(code('SLUICE_NOT_A_STORE'));
    await expect(open(join(path, 'holiday.jpg'))).rejects.toThrow(code('SLUICE_NOT_A_STORE'));
    await expect(open(join(path, 'holiday.jpg', 'x'))).rejects.toThrow(code('SLUICE_NOT_A_STORE'));
    expect(await readdir(path)).toEqual(['holiday.jpg']);
  });

  test('never touches a LevelDB database that is not a store', async () => {
    const path = await storePath();
    const db = new Level(join(path, 'wal'));
    await db.put('precious', 'value');
    await db.close();
    await expect(open(path)).rejects.toThrow(code('SLUICE_NOT_A_STORE'));
    await db.open();
    expect(await db.get('precious')).toBe('value');
    await db.close();
  });
});

describe('a creation that never finished', () => {
  test('is not a store for those who do not create', async () => {
    const path = await storePath();
    await (await open(path)).close();
    await expect(open(path, false)).rejects.toThrow(code('SLUICE_NOT_FOUND'));
  });

  test('is begun anew, without what it had written', async () => {
    const path = await storePath();
    const first = await open(path);
    await levelWal(first.wal).open();
    const segments = new SegmentStore<string>(first.segments);
    await segments.open({ storeId: 'first' });
    await segments.commit('first', []);
    await mkdir(first.vectorIndexPath);
    await first.close();

    const second = await open(path);
    expect(second.creating).toBe(true);
    const { storeId } = await levelWal(second.wal).open();
    expect(await new SegmentStore(second.segments).open({ storeId })).toBeUndefined();
    await second.finishCreation();
    expect((await readdir(path)).sort()).toEqual(['FORMAT', 'segments', 'wal']);
  });

  const interruptions: [string, (path: string) => Promise<void>][] = [
    ['after its first mark', () => Promise.resolve()],
    ['while making the log', (path) => mkdir(join(path, 'unfinished-1234'))],
    ['with an empty log directory', (path) => mkdir(join(path, 'wal'))],
    ['with an empty segments directory', (path) => mkdir(join(path, 'segments'))],
    ['while writing the format file', (path) => writeFile(join(path, 'FORMAT.new'), '{')],
  ];
  test.each(interruptions)('goes on when it stopped %s', async (_, interrupt) => {
    const path = await temporaryDirectory();
    await writeFile(join(path, 'CREATING'), '');
    await interrupt(path);
    const directory = await open(path);
    await levelWal(directory.wal).open();
    await directory.finishCreation();
    await directory.close();
    expect((await readdir(path)).sort()).toEqual(['FORMAT', 'segments', 'wal']);
    expect(await lastOf(path)).toBe(0);
  });

  async function spoiled(part: string): Promise<string> {
    const path = await storePath();
    await (await open(path)).close();
    const names = await readdir(join(path, part));
    const manifest = names.find((name) => name.startsWith('MANIFEST'));
    await truncate(join(path, part, manifest ?? 'no manifest'), 0);
    return path;
  }

  test('goes on when a power cut spoiled the segments', async () => {
    const path = await spoiled('segments');
    const directory = await open(path);
    await levelWal(directory.wal).open();
    await directory.finishCreation();
    await directory.close();
    expect((await readdir(path)).sort()).toEqual(['FORMAT', 'segments', 'wal']);
    expect(await lastOf(path)).toBe(0);
  });

  test('is refused when its log is spoiled, which no power cut can do', async () => {
    const path = await spoiled('wal');
    const before = (await readdir(path)).sort();
    await expect(open(path)).rejects.toThrow(/delete it/);
    await expect(open(path)).rejects.toThrow(code('SLUICE_DAMAGED'));
    expect((await readdir(path)).sort()).toEqual(before);
  });

  test('whose last mark was not removed is a store', async () => {
    const path = await finished();
    await writeFile(join(path, 'CREATING'), '');
    await mkdir(join(path, 'unfinished-1234'));
    expect(await lastOf(path)).toBe(1);
    expect((await readdir(path)).sort()).toEqual(['FORMAT', 'segments', 'wal']);
  });
});

describe('a finished store', () => {
  test.each([
    ['garbled', 'SLUICE_DAMAGED', 'garbage'],
    ['empty', 'SLUICE_DAMAGED', ''],
    ['without a number', 'SLUICE_DAMAGED', '{}'],
    ['of a newer version', 'SLUICE_FORMAT_UNKNOWN', '{"format":2}'],
  ])('with a format file that is %s is not opened', async (_, expected, text) => {
    const path = await finished();
    await writeFile(join(path, 'FORMAT'), text);
    await expect(open(path)).rejects.toThrow(code(expected));
    await writeFile(join(path, 'FORMAT'), '{"format":1}');
    expect(await lastOf(path)).toBe(1);
  });

  test.each(['wal', 'segments', 'wal/CURRENT', 'segments/CURRENT'])(
    'without %s is damaged, and nothing is made in its place',
    async (name) => {
      const path = await finished();
      await rm(join(path, name), { recursive: true });
      await expect(open(path)).rejects.toThrow(code('SLUICE_DAMAGED'));
      await expect(open(path)).rejects.toThrow(code('SLUICE_DAMAGED'));
    },
  );

  test('without its format file is not taken for an empty directory', async () => {
    const path = await finished();
    await rm(join(path, 'FORMAT'));
    await expect(open(path)).rejects.toThrow(code('SLUICE_NOT_A_STORE'));
    await writeFile(join(path, 'FORMAT'), '{"format":1}');
    expect(await lastOf(path)).toBe(1);
  });

  test.each([0, 1])('without its format file is never created anew (acked: %i)', async (acked) => {
    const path = await finished();
    const directory = await open(path);
    const wal = levelWal(directory.wal);
    await wal.open();
    await wal.acknowledge(acked);
    await directory.close();
    // An attempt to create it while it was open elsewhere can have left this mark.
    await writeFile(join(path, 'CREATING'), '');
    await rm(join(path, 'FORMAT'));
    await expect(open(path)).rejects.toThrow(code('SLUICE_DAMAGED'));
    await writeFile(join(path, 'FORMAT'), '{"format":1}');
    expect(await lastOf(path)).toBe(1);
  });

  test('can be closed and opened again through its services', async () => {
    const directory = await open(await finished());
    const wal = levelWal(directory.wal, { create: false });
    await wal.open();
    await wal.close();
    expect(await wal.open()).toMatchObject({ last: 1 });
    await directory.close();
    await directory.close();
    // A database that is gone is not made again by the object that had it open.
    await rm(join(directory.path, 'wal'), { recursive: true });
    await expect(wal.open()).rejects.toThrow(code('SLUICE_DAMAGED'));
  });

  test('tells the free space of its file system', async () => {
    expect(await (await open(await finished())).freeBytes()).toBeGreaterThan(0);
  });

  test('tells the size of its log; that it cannot breaks nothing', async () => {
    const directory = await open(await finished());
    expect(await directory.walBytes()).toBeGreaterThan(0);
    await directory.close();
    await rm(join(directory.path, 'wal'), { recursive: true });
    await expect(directory.walBytes()).rejects.toMatchObject({
      ...{ code: 'SLUICE_IO', kind: 'transient' },
      message: expect.stringContaining(directory.path),
    });
  });
});

describe('two who open the same directory', () => {
  test('within one process: the second is refused, whatever the spelling', async () => {
    const path = await finished();
    const directory = await open(path);
    const link = `${path}-link`;
    await symlink(path, link);
    for (const spelling of [path, `${path}/`, join(path, '..', 'store'), link]) {
      await expect(open(spelling)).rejects.toThrow(code('SLUICE_LOCKED'));
    }
    await directory.close();
    await (await open(link)).close();
  });

  test('within one process, both creating: one wins', async () => {
    const path = await storePath();
    const outcomes = await Promise.allSettled([open(path), open(path), open(path)]);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused.map((outcome) => outcome.reason)).toEqual([
      code('SLUICE_LOCKED'),
      code('SLUICE_LOCKED'),
    ]);
  });

  test('a refused attempt within the process does not let another process at the log', async () => {
    const path = await finished();
    const directory = await open(path);
    const wal = levelWal(directory.wal);
    await wal.open();
    await expect(open(path)).rejects.toThrow(code('SLUICE_LOCKED'));
    expect(await answer(child('hold', path))).toBe('SLUICE_LOCKED');
    await wal.append([Uint8Array.of(2)], { sync: true });
    await directory.close();
    expect(await lastOf(path)).toBe(2);
  });

  test('in two processes: the second is refused until the first has ended', async () => {
    const path = await storePath();
    const holder = child('hold', path);
    expect(await answer(holder)).toBe('open');
    await expect(open(path)).rejects.toThrow(code('SLUICE_LOCKED'));
    holder.stdin.end();
    await once(holder, 'exit');
    expect((await open(path)).creating).toBe(false);
  });

  test('in many processes that create: one creates, and no record is lost', async () => {
    for (let round = 0; round < 3; round += 1) {
      const path = await storePath();
      if (round > 0) await mkdir(path);
      // In the last round, an earlier creation has stopped half-way.
      if (round === 2) {
        await mkdir(join(path, 'wal'));
        await writeFile(join(path, 'CREATING'), '');
      }
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => answer(child('append', path))),
      );
      expect(answers.sort()).toEqual(['created', ...Array(5).fill('opened')]);
      expect(await lastOf(path)).toBe(6);
    }
  });
});

test('a directory that may not be written to gives a coded error', async () => {
  const path = await temporaryDirectory();
  await chmod(path, 0o755);
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) await chmod(path, 0o555);
  const attempt = child('hold', join(path, 'store'), isRoot ? 65534 : undefined);
  expect(await answer(attempt)).toBe('SLUICE_IO');
});
