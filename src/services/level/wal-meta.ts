import { SluiceError } from '../../errors.js';
import { type Database, type Entry, getValue, scanKeys } from './database.js';
import { frame, loadChecksum, unframe } from './frame.js';
import { META_KEY } from './keys.js';
import { pack, unpackFormat } from './packing.js';

const FORMAT = 1;

/** What the log knows about itself; part of every synced batch. */
export interface WalMeta {
  storeId: string;
  /** Records at or below are forgotten. */
  acked: number;
  /** Records from `acked + 1` to this number are known to survive a power cut. */
  synced: number;
}

/** The meta record as an entry to put. */
export function metaEntry(meta: WalMeta): Entry {
  return [META_KEY, frame(META_KEY, 'walMeta', pack({ format: FORMAT, ...meta }))];
}

/** Reads a stored meta record. Errors: `SLUICE_DAMAGED`, `SLUICE_FORMAT_UNKNOWN`. */
export function readMeta(value: Uint8Array): WalMeta {
  const name = "the log's meta record";
  const fields = unpackFormat(unframe(META_KEY, 'walMeta', value), FORMAT, name);
  const { storeId, acked, synced } = fields;
  const valid = typeof storeId === 'string' && isCount(acked) && isCount(synced);
  if (!valid || acked > synced) throw new SluiceError('SLUICE_DAMAGED', `${name} makes no sense`);
  return { storeId, acked, synced };
}

/** True when a log has never had a record; checks the meta record, if there is one. */
export async function isUnusedLog(db: Database): Promise<boolean> {
  for await (const keys of scanKeys(db)) if (keys.some((key) => key !== META_KEY)) return false;
  await loadChecksum();
  const meta = await getValue(db, META_KEY);
  return meta === undefined || readMeta(meta).synced === 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
