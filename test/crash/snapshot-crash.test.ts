// A power cut while a snapshot is taken: the collection has what was promised, the snapshot all or
// nothing.
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCollection, SluiceError, verifyStore } from 'sluice';
import { expect, it } from 'vitest';
import { numberFromEnvironment, Random } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';
import { repeat, timeLimitMs } from './amount.js';
import { imageAt, POWER_CUTS, writeImage } from './images.js';
import { drawCuts } from './power.js';
import { traceRun, traceUnavailable } from './trace.js';
import type { Trace } from './trace-events.js';

// Settings: CRASH_SEED, CRASH_IMAGES.

const WRITER = fileURLToPath(new URL('./child/snapshot-writer.mjs', import.meta.url));
const IMAGES = numberFromEnvironment('CRASH_IMAGES', 25);
const SHARE = 0.05;
const unavailable = traceUnavailable();
if (unavailable !== undefined) console.warn(`snapshot images are skipped: ${unavailable}`);

/** What a snapshot may be before it is done: what `openCollection` makes of one that isn't whole. */
const NONE = ['SLUICE_NOT_FOUND', 'SLUICE_DAMAGED'];

interface Facts {
  written: number;
  /** Points in each snapshot that has begun, at least. */
  holds: number[];
  done: number;
}

function factsAt({ events }: Trace, point: number): Facts {
  const facts: Facts = { written: 0, holds: [], done: 0 };
  for (const event of events.slice(0, point)) {
    if (event.type !== 'mark') continue;
    const mark = JSON.parse(event.text) as Record<string, number>;
    facts.written = mark.written ?? facts.written;
    if (mark.holds !== undefined) facts.holds.push(mark.holds);
    if (mark.done !== undefined) facts.done += 1;
  }
  return facts;
}

/** How many points a collection has, or the code with which it can't be opened. */
async function pointsOf(path: string): Promise<number | string> {
  try {
    const collection = await openCollection(path);
    const { points } = collection.info();
    await collection.close();
    const { ok, problems } = await verifyStore(path);
    return ok ? points : JSON.stringify(problems);
  } catch (error) {
    if (error instanceof SluiceError) return error.code;
    throw error;
  }
}

async function problemsOf(path: string, facts: Facts): Promise<string[]> {
  const problems: string[] = [];
  const source = join(path, 'source');
  if (facts.written > 0) {
    const points = await pointsOf(source);
    const isThere = typeof points === 'number' && points >= facts.written;
    if (!isThere) problems.push(`${facts.written} were written, found ${points}`);
  }
  for (const [number, holds] of facts.holds.entries()) {
    const copy = join(path, `copy-${number}`);
    const isDone = number < facts.done;
    if (!existsSync(copy) && !isDone) continue;
    const points = await pointsOf(copy);
    // What was written beside it may be in it or not.
    const isWhole = points === holds || points === holds + 50;
    if (!isWhole && (isDone || !NONE.includes(String(points)))) {
      problems.push(`snapshot ${number} (${isDone ? 'done' : 'begun'}) has ${points} of ${holds}`);
    }
  }
  return problems;
}

it.skipIf(unavailable !== undefined)(
  'a power cut leaves whole snapshots, and of one under way all or nothing',
  () =>
    repeat('power cuts while taking snapshots', SHARE, (seed) =>
      withDirectory(async (directory) => {
        const random = new Random(seed);
        const place = join(directory, 'place');
        const marksFile = join(directory, 'marks');
        mkdirSync(place);
        const files = { directory: place, marksFile, traceFile: join(directory, 'trace') };
        const trace = await traceRun({ command: [WRITER, place, marksFile], ...files });
        const draw = { count: IMAGES, modes: POWER_CUTS, random, openedOnly: true };
        const problems: string[] = [];
        let begun = 0;
        for (const { point, mode } of drawCuts(trace, draw)) {
          const path = join(directory, 'image');
          writeImage(imageAt(trace.events, point, mode, random), path);
          const facts = factsAt(trace, point);
          if (facts.holds.length > facts.done) begun += 1;
          const found = await problemsOf(path, facts);
          problems.push(...found.map((text) => `${mode} before event ${point}: ${text}`));
          rmSync(path, { recursive: true });
        }
        expect(problems, `CRASH_SEED=${seed}`).toEqual([]);
        expect(begun).toBeGreaterThan(0);
        return { images: IMAGES, 'in the middle of one': begun };
      }),
    ),
  timeLimitMs(SHARE),
);
