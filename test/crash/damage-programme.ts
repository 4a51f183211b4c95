import { cpSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Collection, openCollection } from 'sluice';
import { Random } from '../support/random.js';
import { withDirectory } from '../support/temporary.js';
import { COLUMNS, type Damage, damagesOf } from './damage.js';
import { type Answer, DamageReader, type Reading } from './damage-reader.js';

const DIMENSIONS = 8;
/** Updates of a store between two flushes. */
const UPDATES = 40;
/** Updates at the end of a log of which nothing later proves that they were synced, generously. */
const NEWEST = 8;

/** Openings in a row that LevelDB may end with their process before one tells why. */
const ABORTS_MAX = 2;

export type Outcome = 'equal' | 'coded' | 'undetectable' | 'wrong';

/** A store as it was left, what is in it, and what was in it before each later update. */
export interface Left {
  how: 'closed' | 'killed';
  path: string;
  text: string;
  /** What an intact log would show without its newest records that no flush has seen. */
  sinceFlush: string[];
}

const OPTIONS = {
  dimensions: DIMENSIONS,
  distance: 'euclid',
  flushIntervalMs: 3_600_000,
  optimizers: { indexingThresholdKb: 1, maxSegmentSizeKb: 8, defaultSegmentNumber: 2 },
  storage: { walWriteBufferBytes: 65_536, segmentsWriteBufferBytes: 65_536 },
} as const;

/** An operation or two; `onDone` is awaited after each. */
async function update(
  collection: Collection,
  random: Random,
  number: number,
  onDone?: () => Promise<void>,
): Promise<void> {
  const filler = 'x'.repeat(random.between(200, 3000));
  const ids = Array.from({ length: random.between(1, 8) }, () => random.between(0, 120));
  if (number % 7 === 6) {
    await collection.delete(ids.slice(0, 2), { wait: number % 2 === 0 });
    await onDone?.();
  }
  const points = ids.map((id) => ({
    id,
    vector: Array.from({ length: DIMENSIONS }, () => random.between(-1000, 1000)),
    payload: { number, filler: filler + random.between(0, 1e9) },
  }));
  await collection.upsert(points, { wait: number % 2 === 0 });
  await onDone?.();
}

async function textOf(collection: Collection): Promise<string> {
  const { points } = await collection.scroll({ limit: 1000, withVector: true });
  const rows = points.map(({ id, vector, payload }) => [id, [...(vector ?? [])], payload]);
  return JSON.stringify([rows, collection.info().payloadIndexes]);
}

/** Makes a store with files of every kind; gives it closed and killed, and an older copy. */
export async function makeStores(
  directory: string,
  random: Random,
  updates = UPDATES,
): Promise<{ older: string; left: Left[] }> {
  const [live, older] = [join(directory, 'live'), join(directory, 'older')];
  let number = 0;
  const work = async (collection: Collection, onDone?: () => Promise<void>) => {
    for (let index = 0; index < updates; index += 1) {
      await update(collection, random, number, onDone);
      number += 1;
    }
  };
  const first = await openCollection(live, OPTIONS);
  await first.createPayloadIndex('number', 'integer');
  await work(first);
  await first.optimize();
  await first.close();
  cpSync(live, older, { recursive: true });
  const second = await openCollection(live, OPTIONS);
  await work(second);
  await second.optimize();
  await second.flush();
  const sinceFlush = [await textOf(second)];
  await work(second, async () => {
    // What isn't waited for may not be visible yet.
    await second.plunge();
    sinceFlush.push(await textOf(second));
  });
  const killed = join(directory, 'killed');
  copyAtRest(live, killed);
  const text = await textOf(second);
  await second.close();
  return {
    older,
    left: [
      { how: 'closed', path: live, text, sinceFlush: [] },
      { how: 'killed', path: killed, text, sinceFlush },
    ],
  };
}

/** Copies a store that is open: again when LevelDB, in its own thread, has changed files meanwhile. */
function copyAtRest(from: string, to: string): void {
  for (;;) {
    const before = namesAndSizes(from);
    try {
      cpSync(from, to, { recursive: true });
    } catch (error) {
      // A file that went between its listing and its copying: the sizes will differ.
      if ((error as { code?: unknown }).code !== 'ENOENT') throw error;
    }
    if (namesAndSizes(from) === before && namesAndSizes(to) === before) return;
    rmSync(to, { recursive: true, force: true });
  }
}

function namesAndSizes(directory: string): string {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort();
  const sizeOf = (name: string) => {
    const entry = statSync(join(directory, name), { throwIfNoEntry: false });
    return entry?.isFile() ? entry.size : undefined;
  };
  return JSON.stringify(names.map((name) => [name, sizeOf(name)]));
}

/** What LevelDB says when it ends the process: it stops at keys in disorder, of tables alone. */
function isAbort(damage: Damage, answer: Answer | string): boolean {
  const isItsCheck = typeof answer === 'string' && /leveldb.*Assertion/.test(answer);
  return isItsCheck && damage.kind.endsWith('.ldb');
}

function judge(
  left: Left,
  damage: Damage,
  aborts: number,
  answer: Answer | string,
): [Outcome, string] {
  if (typeof answer === 'string') return ['wrong', answer];
  const { first, second, third } = answer;
  if (damage.kind === 'nothing' && first.text !== left.text) return ['wrong', 'is no store'];
  const show = JSON.stringify({ first, second, third }, (key, value) =>
    key === 'text' ? (value === left.text ? 'equal' : 'different') : value,
  );
  const isCoded = ({ code }: Reading) => code?.startsWith('SLUICE_') === true;
  const isFine = third.error === undefined && (third.code === undefined || isCoded(third));
  if (!isFine) return ['wrong', show];
  if (aborts > 0 && !isCoded(first)) return ['wrong', `after ${aborts} aborts: ${show}`];
  if (first.text === left.text && second.text === left.text) return ['equal', show];
  if (isCoded(first) && (isCoded(second) || second.text === left.text)) return ['coded', show];
  const place = left.sinceFlush.indexOf(first.text ?? '');
  // Inside of the log what was surely synced is missed; at its end it looks like a power cut.
  const lost = left.sinceFlush.length - 1 - place;
  const isPrefix = place >= 0 && (damage.how !== 'flipped' || lost <= NEWEST);
  const ofTheLog = damage.kind.startsWith('wal/') && second.text === first.text;
  const isEverything = damage.kind === 'wal/ and segments/';
  return [isEverything || (ofTheLog && isPrefix) ? 'undetectable' : 'wrong', show];
}

function table(counts: ReadonlyMap<string, Record<Outcome, number>>, kinds: Iterable<string>) {
  const cell = (kind: string, how: string) => {
    const count = counts.get(`${kind} ${how}`);
    if (count === undefined) return '–';
    const parts = Object.entries(count).filter(([, times]) => times > 0);
    return parts.map(([outcome, times]) => `${times} ${outcome}`).join(', ');
  };
  const rows = [...kinds].map((kind) => [kind, ...COLUMNS.map((how) => cell(kind, how))]);
  return [['', ...COLUMNS], ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

/** What came of damages. */
export interface DamageResult {
  /** Each outcome that must not be, with how to repeat it. */
  wrong: string[];
  sums: Record<Outcome, number>;
  /** Of those with a code: LevelDB had ended the process before. */
  aborted: number;
  /** How many outcomes there were for each kind of file and each kind of damage. */
  table: string;
}

/** Damages stores in so many ways, drawn by the seed, or, for 0, in every way, and opens them. */
export function damageStores(seed: number, count: number, updates?: number): Promise<DamageResult> {
  return withDirectory(async (directory) => {
    const random = new Random(seed);
    const { older, left } = await makeStores(directory, random, updates);
    const all = left.flatMap((store) =>
      damagesOf(store.path, older, random).map((damage) => ({ store, damage })),
    );
    const drawn = count === 0 ? all : Array.from({ length: count }, () => random.pick(all));
    const counts = new Map<string, Record<Outcome, number>>();
    const sums = noOutcomes();
    const kinds = new Set<string>();
    const wrong: string[] = [];
    let aborted = 0;
    const reader = new DamageReader();
    for (const { store, damage } of drawn) {
      const path = join(directory, 'damaged');
      cpSync(store.path, path, { recursive: true });
      damage.apply(path);
      const kind = `${damage.kind} (${store.how})`;
      const cell = `${kind} ${damage.how}`;
      const goOn = !counts.has(cell);
      let answer = await reader.read(path, goOn);
      let aborts = 0;
      for (; isAbort(damage, answer) && aborts < ABORTS_MAX; aborts += 1) {
        answer = await reader.read(path, goOn);
      }
      rmSync(path, { recursive: true });
      if (aborts > 0) aborted += 1;
      const [outcome, show] = judge(store, damage, aborts, answer);
      const numbers = counts.get(cell) ?? noOutcomes();
      numbers[outcome] += 1;
      sums[outcome] += 1;
      counts.set(cell, numbers);
      kinds.add(kind);
      if (outcome === 'wrong') wrong.push(`${cell}: ${damage.detail}: ${show}`);
    }
    reader.end();
    return { wrong, sums, aborted, table: table(counts, [...kinds].sort()) };
  });
}

function noOutcomes(): Record<Outcome, number> {
  return { equal: 0, coded: 0, undetectable: 0, wrong: 0 };
}
