// What LevelDB itself can do: records of the same bytes, written as a log is.
import { join } from 'node:path';

export const title = 'LevelDB';
export const syncs = true;

/** Its package; rejects when it isn't installed or doesn't run here. */
export const load = async () => (await import('classic-level')).ClassicLevel;

/** A database in a folder of the directory. */
export async function openLevel(directory, options = {}, folder = 'level') {
  const ClassicLevel = await load();
  const level = new ClassicLevel(join(directory, folder), {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    compression: false,
    writeBufferSize: 64 * 1024 * 1024,
    ...options,
  });
  await level.open();
  return level;
}

/** Keys in the order of their numbers. */
export function keyOf(number) {
  const key = Buffer.allocUnsafe(8);
  key.writeBigUInt64BE(BigInt(number));
  return key;
}
