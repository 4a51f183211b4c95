import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../support/random.js';
import { type ContentChange, type Contents, Durability, type NameChange } from './durability.js';
import type { TraceEvent } from './trace-events.js';

/**
 * How the machine or the process ended:
 *
 * - `kill`: the process is gone, the operating system lives on, every write that returned is there.
 * - `drop`: the power is gone. Of each file, what no sync covered is gone. Names are kept.
 * - `torn`: as `drop`, but of each file a random part of the unsynced bytes made it, from the front.
 * - `late`: as `drop` or `torn`, and the newest creations, renames and removals are undone as well,
 *   back to the last sync at most; each sync commits one journal shared by all files.
 * - `lateAlone`: as `late`, but the sync of a file commits only the file's own name.
 *
 * The model is that of a journaling file system. Names change in one journal, so what survives of
 * them is a prefix of their order. Contents are written from front to back and the size follows
 * the data, so a file is never longer than what was written and never has holes. Closing a file
 * syncs nothing. `late` is ext4 with its defaults, and XFS; `lateAlone` is harsher, on the way to
 * btrfs. File systems that may keep a later name and lose an earlier one are not modelled.
 */
export type CrashMode = 'kill' | 'drop' | 'torn' | 'late' | 'lateAlone';

/** The modes that stand for a loss of power. */
export const POWER_CUTS: readonly CrashMode[] = ['drop', 'torn', 'late', 'lateAlone'];

/** A directory's contents; paths are relative to it. */
export interface Image {
  directories: Set<string>;
  files: Map<string, Uint8Array>;
}

/** The directory as it may look when everything ends just before event number `point`. */
export function imageAt(
  events: readonly TraceEvent[],
  point: number,
  mode: CrashMode,
  random: Random,
): Image {
  const durability = new Durability(mode === 'lateAlone' ? 'own' : 'shared');
  durability.replay(events, point);
  const { names, settled } = durability;
  const late = mode === 'late' || mode === 'lateAlone';
  const undoneAll = late && random.chance(0.5);
  const kept = random.between(late ? settled : names.length, undoneAll ? settled : names.length);
  const torn = mode === 'torn' || (late && random.chance(0.5));
  const image: Image = { directories: new Set(), files: new Map() };
  for (const [path, { node, directory }] of pathsAfter(names.slice(0, kept))) {
    if (directory) {
      image.directories.add(path);
      continue;
    }
    const contents = durability.contents(node);
    const data = mode === 'kill' ? play(contents.changes) : survivors(contents, torn, random);
    image.files.set(path, data);
  }
  return image;
}

/** Writes an image into a directory, which is created. */
export function writeImage(image: Image, directory: string): void {
  mkdirSync(directory, { recursive: true });
  for (const path of image.directories) mkdirSync(join(directory, path), { recursive: true });
  for (const [path, data] of image.files) writeFileSync(join(directory, path), data);
}

function pathsAfter(names: readonly NameChange[]) {
  const paths = new Map<string, { node: number; directory: boolean }>();
  for (const change of names) {
    if (change.type === 'create') {
      paths.set(change.path, { node: change.node, directory: change.directory });
    } else if (change.type === 'remove') {
      paths.delete(change.path);
    } else {
      for (const [path, entry] of [...paths]) {
        if (path !== change.from && !path.startsWith(`${change.from}/`)) continue;
        paths.delete(path);
        paths.set(change.to + path.slice(change.from.length), entry);
      }
    }
  }
  return paths;
}

/** What a loss of power leaves of one file. */
function survivors({ changes, synced }: Contents, torn: boolean, random: Random): Uint8Array {
  const durable = changes.slice(0, synced);
  if (!torn) return play(durable);
  const durableBytes = bytesOf(durable);
  const budget = random.between(durableBytes, bytesOf(changes));
  return budget === durableBytes ? play(durable) : play(changes, budget);
}

function bytesOf(changes: readonly ContentChange[]): number {
  return changes.reduce(
    (sum, change) => sum + (change.type === 'write' ? change.data.length : 0),
    0,
  );
}

/** Plays changes in order until `budget` bytes are written; the last write may be cut. */
function play(changes: readonly ContentChange[], budget = Number.POSITIVE_INFINITY): Uint8Array {
  let data = Buffer.alloc(4096);
  let size = 0;
  let left = budget;
  const grow = (end: number) => {
    if (end > data.length) data = Buffer.concat([data], Math.max(end, data.length * 2));
  };
  for (const change of changes) {
    if (change.type === 'truncate') {
      grow(change.size);
      data.fill(0, Math.min(size, change.size));
      size = change.size;
      continue;
    }
    const part = change.data.subarray(0, Math.min(left, change.data.length));
    grow(change.offset + part.length);
    data.set(part, change.offset);
    size = Math.max(size, change.offset + part.length);
    left -= part.length;
    if (left <= 0) break;
  }
  return data.subarray(0, size);
}
