// A store in a process that may do little: with few file descriptors, and without writing.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { filesBelow } from '../support/contents.js';
import { Random } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';
import { SEED, tell } from './amount.js';
import { makeStores } from './damage-programme.js';
import { DamageReader } from './damage-reader.js';

const TIME_LIMIT_MS = 600_000;
/** From fewer than an idle process has open to where all is well. */
const DESCRIPTORS = Array.from({ length: 30 }, (_, index) => 16 + index);
const NOBODY = 65_534;

const skipped =
  spawnSync('prlimit', ['--version']).status === 0
    ? undefined
    : 'there is no prlimit (on Debian: util-linux)';
if (skipped !== undefined) console.warn(`limits of a process are skipped: ${skipped}`);

it.skipIf(skipped !== undefined)(
  'with few file descriptors a store is opened wholly, or a coded error tells; nothing is lost',
  () =>
    withDirectory(async (directory) => {
      const { left } = await makeStores(directory, new Random(SEED));
      const outcomes: Record<string, number> = {};
      const wrong: string[] = [];
      const free = new DamageReader();
      const limited = new DamageReader();
      // Node loads its modules with many descriptors at once: that must be over.
      await limited.read(left[0]?.path ?? '', false);
      // The one that was killed has a log to recover, and so most to lose.
      for (const store of left.filter(({ how }) => how === 'killed')) {
        for (const count of DESCRIPTORS) {
          const path = join(directory, 'copy');
          cpSync(store.path, path, { recursive: true });
          limited.limitDescriptors(count);
          const answer = await limited.read(path, false);
          const first = typeof answer === 'string' ? { code: answer } : answer.first;
          const outcome = first.text === store.text ? 'equal' : (first.code ?? 'wrong');
          outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
          if (!/^(equal|SLUICE_\w+)$/.test(outcome)) wrong.push(`${count}: ${outcome}`);
          const after = await free.read(path, false);
          const isThere = typeof after !== 'string' && after.first.text === store.text;
          if (!isThere) wrong.push(`${count}, then without a limit: ${JSON.stringify(after)}`);
          rmSync(path, { recursive: true });
        }
      }
      for (const reader of [free, limited]) reader.end();
      tell(`few file descriptors: ${JSON.stringify(outcomes)}`);
      expect(wrong).toEqual([]);
      expect(outcomes.equal).toBeGreaterThan(0);
    }),
  TIME_LIMIT_MS,
);

it(
  'a store that may only be read gives a coded error, and stays as it is',
  () =>
    withDirectory(async (directory) => {
      const { left } = await makeStores(directory, new Random(SEED));
      chmodSync(directory, 0o755);
      // Root may write anything: another user must try.
      const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
      const isRoot = process.getuid?.() === 0;
      for (const store of left) {
        changeModes(store.path, 0o444, 0o555);
        const before = filesBelow(store.path);
        const reader = new DamageReader(
          isRoot ? ['setpriv', ...user, process.execPath] : [process.execPath],
        );
        const answer = await reader.read(store.path, false);
        reader.end();
        expect(answer).toMatchObject({
          first: { code: 'SLUICE_IO' },
          second: { code: 'SLUICE_IO' },
        });
        expect(filesBelow(store.path)).toEqual(before);
        changeModes(store.path, 0o644, 0o755);
        const free = new DamageReader();
        expect(await free.read(store.path, true)).toMatchObject({ first: { text: store.text } });
        free.end();
      }
    }),
  TIME_LIMIT_MS,
);

function changeModes(path: string, fileMode: number, directoryMode: number): void {
  chmodSync(path, 0o755);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const place = join(path, entry.name);
    if (entry.isDirectory()) changeModes(place, fileMode, directoryMode);
    else chmodSync(place, fileMode);
  }
  chmodSync(path, directoryMode);
}
