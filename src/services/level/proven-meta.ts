import { SluiceError } from '../../errors.js';
import { META_KEY } from './keys.js';
import { readMeta, type WalMeta } from './wal-meta.js';

/** How LevelDB begins a value in its log: that it is one, and the key with its length. */
const BEGIN = Buffer.from(`\x01${String.fromCharCode(META_KEY.length)}${META_KEY}`, 'latin1');

/**
 * What the log said of itself in the newest meta record that was surely synced: a later one follows,
 * which is written when the sync before it has ended. LevelDB's own reading ends, or leaves out a
 * part, where its log files are damaged, and doesn't tell; this finds what lies behind that.
 *
 * Takes LevelDB's log files in their order, after `loadChecksum`. A meta record across two blocks
 * of LevelDB is not found: then what an earlier one proves must do.
 */
export function provenMeta(files: readonly Buffer[]): WalMeta | undefined {
  let last: WalMeta | undefined;
  let proven: WalMeta | undefined;
  for (const file of files) {
    for (let at = file.indexOf(BEGIN); at >= 0; at = file.indexOf(BEGIN, at + 1)) {
      const meta = metaAt(file, at + BEGIN.length);
      if (meta === undefined) continue;
      if (last?.storeId === meta.storeId) proven = last;
      last = meta;
    }
  }
  return proven;
}

/** The meta record at a place; undefined when what is there isn't one, wholly. */
function metaAt(file: Buffer, place: number): WalMeta | undefined {
  // Its length takes one byte: a log knows little about itself.
  const length = file[place] ?? 0;
  try {
    return readMeta(file.subarray(place + 1, place + 1 + length));
  } catch (error) {
    if (error instanceof SluiceError) return undefined;
    throw error;
  }
}
