// What a killed process leaves of a snapshot is never taken for a collection.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCollection, type SluiceError, verifyStore } from 'sluice';
import { expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';

const CHILD = fileURLToPath(new URL('../support/snapshot-child.mjs', import.meta.url));
const ROUNDS = 2;

/** Kills the child some time after it has said a word; returns all it said. */
async function killed(place: string, word: string, delayMs: number): Promise<string[]> {
  const child = spawn(process.execPath, [CHILD, place], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  const closed = once(child, 'close');
  const heard = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes(word)) resolve();
    });
  });
  await Promise.race([heard, closed]);
  await new Promise((resolve) => setTimeout(resolve, delayMs));
  expect(child.exitCode).toBeNull();
  child.kill('SIGKILL');
  await closed;
  return said.split('\n').slice(0, -1);
}

it('a killed process leaves whole snapshots, and one that is none at most', async () => {
  const random = new Random(3);
  let unfinished = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    await withDirectory(async (place) => {
      // Half of them early in the writing of the first one, the others anywhere.
      const early = round % 2 === 0;
      const delayMs = early ? random.between(0, 3) : random.between(5, 250);
      const said = await killed(place, early ? 'writes' : 'begins', delayMs);
      const begun = said.filter((line) => line.startsWith('begins')).length;
      const done = said.filter((line) => line.startsWith('done')).length;
      expect(begun).toBeGreaterThan(0);
      for (let number = 0; number < done; number += 1) {
        const result = await verifyStore(join(place, `copy-${number}`));
        expect(result).toMatchObject({ ok: true, checked: { points: 3000 } });
      }
      const last = join(place, `copy-${begun - 1}`);
      if (done < begun && existsSync(last)) {
        const outcome = await openCollection(last).then(
          async (copy) => {
            const { points } = copy.info();
            await copy.close();
            return points;
          },
          (error: SluiceError) => error.code,
        );
        expect([3000, 'SLUICE_NOT_FOUND']).toContain(outcome);
        if (outcome !== 3000) unfinished += 1;
      }
      expect(await verifyStore(join(place, 'source'))).toMatchObject({ ok: true });
    });
  }
  expect(unfinished).toBeGreaterThan(0);
}, 60_000);
