import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Random } from '../support/random.js';

/** One way to damage a store. */
export interface Damage {
  /** Row of the table: what is damaged, `wal/*.log` for a file. */
  kind: string;
  /** Column of the table: how. */
  how: string;
  /** What exactly, to repeat it. */
  detail: string;
  apply(store: string): void;
}

export const COLUMNS = ['flipped', 'cut', 'zeroed', 'deleted', 'older'] as const;

const FLIPS = 20;
/** Besides, in the keys of a table, over which LevelDB may end the process. */
const KEY_FLIPS = 5;
const KEY = /r[0-9a-f]{8,}|b\/[0-9a-f]{8,}/g;
const TAIL_BYTES = 4096;

/** What a file is called in the table: numbers and random names don't matter. */
function kindOf(path: string): string {
  return path.replace(/[0-9a-f]{32}/, '*').replace(/\d{6}/, '*');
}

function filesOf(store: string): string[] {
  const names = readdirSync(store, { recursive: true, encoding: 'utf8' }).sort();
  return names.filter((name) => statSync(join(store, name)).isFile());
}

/** None, every damage to every file of a store, and older copies of its parts from `older`. */
export function damagesOf(store: string, older: string, random: Random): Damage[] {
  const files = filesOf(store).flatMap((path) => fileDamages(store, older, path, random));
  const parts = ['wal', 'segments', 'vector-index'].flatMap((name): Damage[] => {
    const replace = (target: string) => {
      rmSync(join(target, name), { recursive: true });
      cpSync(join(older, name), join(target, name), { recursive: true });
    };
    const remove = (target: string) => rmSync(join(target, name), { recursive: true });
    return [
      { kind: `${name}/`, how: 'older', detail: 'the whole directory', apply: replace },
      { kind: `${name}/`, how: 'deleted', detail: 'the whole directory', apply: remove },
    ];
  });
  const marks: Damage = {
    kind: 'CREATING',
    how: 'older',
    detail: 'CREATING instead of FORMAT',
    apply: (target) => {
      rmSync(join(target, 'FORMAT'));
      writeFileSync(join(target, 'CREATING'), '');
    },
  };
  const both: Damage = {
    kind: 'wal/ and segments/',
    how: 'older',
    detail: 'everything',
    apply: (target) => {
      rmSync(target, { recursive: true });
      cpSync(older, target, { recursive: true });
    },
  };
  const nothing = { kind: 'nothing', how: 'older', detail: 'nothing at all', apply: () => {} };
  return [nothing, ...files, ...parts, marks, both];
}

function fileDamages(store: string, older: string, path: string, random: Random): Damage[] {
  const kind = kindOf(path);
  const { size } = statSync(join(store, path));
  const damages: Damage[] = [];
  const add = (how: (typeof COLUMNS)[number], what: string, apply: (file: string) => void) =>
    damages.push({
      kind,
      how,
      detail: `${path} ${what}`,
      apply: (target) => apply(join(target, path)),
    });
  const addFlip = (offset: number) => {
    const mask = random.between(1, 255);
    add('flipped', `byte ${offset} of ${size} by ${mask}`, (file) => flip(file, offset, mask));
  };
  for (let count = 0; count < FLIPS && size > 0; count += 1) addFlip(random.between(0, size - 1));
  const keys = path.endsWith('.ldb') ? keysIn(join(store, path)) : [];
  for (let count = 0; count < KEY_FLIPS && keys.length > 0; count += 1) {
    const { at, length } = random.pick(keys);
    addFlip(at + random.between(0, length - 1));
  }
  for (const left of new Set([0, Math.floor(size / 2), size - 1])) {
    if (left < size && left >= 0) {
      add('cut', `to ${left} of ${size}`, (file) => truncateSync(file, left));
    }
  }
  for (const zeros of new Set([size, Math.min(size, TAIL_BYTES)])) {
    if (zeros === 0) continue;
    add('zeroed', `the last ${zeros} of ${size}`, (file) => {
      truncateSync(file, size - zeros);
      appendFileSync(file, Buffer.alloc(zeros));
    });
  }
  add('deleted', '', (file) => rmSync(file));
  const copy = olderFile(store, older, path);
  if (copy !== undefined) add('older', `by ${copy}`, (file) => cpSync(copy, file));
  return damages;
}

/** Places of keys that are written out in a file. */
function keysIn(file: string): { at: number; length: number }[] {
  const matches = readFileSync(file, 'latin1').matchAll(KEY);
  return [...matches].map(({ index, 0: key }) => ({ at: index, length: key.length }));
}

/** An earlier file of the same name or, because names get new numbers, of the same kind. */
function olderFile(store: string, older: string, path: string): string | undefined {
  const isOther = (file: string) =>
    existsSync(file) && !readFileSync(file).equals(readFileSync(join(store, path)));
  const same = join(older, path);
  if (isOther(same)) return same;
  const place = join(older, dirname(path));
  if (!existsSync(place)) return undefined;
  const names = readdirSync(place).filter((name) => kindOf(name) === kindOf(basename(path)));
  return names
    .map((name) => join(place, name))
    .find((file) => statSync(file).isFile() && isOther(file));
}

function flip(file: string, offset: number, mask: number): void {
  const data = readFileSync(file);
  data[offset] = (data[offset] ?? 0) ^ mask;
  writeFileSync(file, data);
}
