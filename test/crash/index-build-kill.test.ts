// A process that is killed while it builds vector indexes, again and again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openCollection, type PointId, verifyStore } from 'sluice';
import { expect, it } from 'vitest';
import { contentsOf } from '../support/points.js';
import { numberFromEnvironment, Random } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';
import { SEED, tell } from './amount.js';

const WRITER = fileURLToPath(new URL('./child/indexing-writer.mjs', import.meta.url));
const ROUNDS = numberFromEnvironment('CRASH_BUILD_ROUNDS', 2);

type Line =
  | { delete: number[] }
  | { upsert: number[]; value: number }
  | { done: true; building: boolean };

/** What each point's payload should say. */
type Values = Map<PointId, number>;

function applyTo(values: Values, line: Line): Values {
  const after = new Map(values);
  if ('delete' in line) for (const id of line.delete) after.delete(id);
  if ('upsert' in line) for (const id of line.upsert) after.set(id, line.value);
  return after;
}

/** Kills the writer in the middle of a build; gives what must be there, and what may be. */
async function writeAndKill(path: string, before: Values, random: Random): Promise<Values[]> {
  const seed = String(random.between(1, 1e9));
  const child = spawn(process.execPath, [WRITER, path, seed], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  let values = before;
  let begun: Line | undefined;
  let buildingLeft = random.between(1, 15);
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Line;
    if (!('done' in line)) {
      begun = line;
      continue;
    }
    if (begun !== undefined) values = applyTo(values, begun);
    begun = undefined;
    if (line.building) buildingLeft -= 1;
    if (buildingLeft === 0) child.kill('SIGKILL');
  }
  const [, signal] = await closed;
  expect(signal).toBe('SIGKILL');
  return begun === undefined ? [values] : [values, applyTo(values, begun)];
}

async function valuesIn(path: string): Promise<Values> {
  const collection = await openCollection(path, { optimizers: { maxOptimizationThreads: 0 } });
  try {
    const indexed = collection.info().segments.filter((segment) => segment.indexed);
    const directory = join(path, 'vector-index');
    // What the dead process was building is swept: each file that is left is one in use.
    expect(existsSync(directory) ? readdirSync(directory).length : 0).toBe(indexed.length);
    expect(collection.status().errors).toEqual([]);
    const contents = await contentsOf(collection);
    return new Map([...contents].map(([id, { payload }]) => [id, Number(payload.value)]));
  } finally {
    await collection.configure({ optimizers: { maxOptimizationThreads: null } });
    await collection.close();
  }
}

it(
  'has every acknowledged operation, no other, and no file that nobody uses',
  async () => {
    await withDirectory(async (directory) => {
      const path = join(directory, 'store');
      const random = new Random(SEED);
      let values: Values = new Map();
      for (let round = 0; round < ROUNDS; round += 1) {
        const possible = await writeAndKill(path, values, random);
        expect(await verifyStore(path), `round ${round}`).toMatchObject({ problems: [] });
        values = await valuesIn(path);
        const sorted = (map: Values) => [...map].sort(([a], [b]) => Number(a) - Number(b));
        const expected = possible.map(sorted);
        expect(expected, `round ${round}, CRASH_SEED=${SEED}`).toContainEqual(sorted(values));
      }
      const collection = await openCollection(path);
      tell(`kills in index builds: ${ROUNDS}`);
      expect(await collection.optimize()).toMatchObject({ color: 'green' });
      expect(collection.info().segments.some(({ indexed }) => indexed)).toBe(true);
      await collection.close();
    });
  },
  60_000 + 5000 * ROUNDS,
);
