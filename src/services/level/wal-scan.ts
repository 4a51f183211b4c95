import { SluiceError } from '../../errors.js';
import type { Entry } from './database.js';
import { unframe } from './frame.js';
import { META_KEY, recordNumber } from './keys.js';
import type { LevelHandle } from './level-handle.js';
import { readMeta, type WalMeta } from './wal-meta.js';

/** What a stored log holds. */
export interface WalScan {
  meta: WalMeta;
  /** The newest record of the unbroken run above `acked`, or `acked`. */
  last: number;
  /** Stored bytes of that run. */
  bytes: number;
  /** Records of that run which weren't known to be durable. */
  unsynced: Entry[];
  /** Keys of records behind a gap: a power cut has taken what was before them. */
  beyondGap: string[];
  /** True when records at or below `acked` are still stored. */
  leftovers: boolean;
}

/**
 * Reads the whole log and checks each record above `acked`. Writes nothing.
 * Returns undefined when the database is wholly empty.
 *
 * LevelDB doesn't sync an old log file when it begins a new one, so that a power cut can take
 * unsynced records and leave later unsynced ones. A gap above `synced` is therefore no damage: what
 * lies behind it was never promised. A gap at or below `synced` is.
 *
 * Errors: `SLUICE_DAMAGED`, `SLUICE_FORMAT_UNKNOWN`, `SLUICE_NOT_A_STORE` when the database has
 * keys that a log never has.
 */
export async function scanWal(handle: LevelHandle): Promise<WalScan | undefined> {
  let scan: WalScan | undefined;
  for await (const entries of handle.entries()) {
    for (const entry of entries) {
      const opNum = recordNumber(entry[0]);
      if (opNum !== undefined) addRecord(scan, opNum, entry);
      // Keys are in order: the meta record comes before all others.
      else if (entry[0] === META_KEY) scan = begin(readMeta(entry[1]));
      else throw new SluiceError('SLUICE_NOT_A_STORE', `not a log: it has a key '${entry[0]}'`);
    }
  }
  if (scan !== undefined && scan.last < scan.meta.synced) throw missing(scan.last + 1);
  return scan;
}

function begin(meta: WalMeta): WalScan {
  return { meta, last: meta.acked, bytes: 0, unsynced: [], beyondGap: [], leftovers: false };
}

function addRecord(scan: WalScan | undefined, opNum: number, entry: Entry): void {
  if (scan === undefined) {
    throw new SluiceError('SLUICE_DAMAGED', "the log's meta record is missing");
  }
  if (opNum <= scan.meta.acked) {
    scan.leftovers = true;
    return;
  }
  unframe(entry[0], 'record', entry[1]);
  if (opNum !== scan.last + 1) {
    if (scan.last < scan.meta.synced) throw missing(scan.last + 1);
    scan.beyondGap.push(entry[0]);
    return;
  }
  scan.last = opNum;
  scan.bytes += entry[1].byteLength;
  if (opNum > scan.meta.synced) scan.unsynced.push(entry);
}

function missing(opNum: number): SluiceError {
  return new SluiceError('SLUICE_DAMAGED', `record ${opNum} of the log is missing`);
}
