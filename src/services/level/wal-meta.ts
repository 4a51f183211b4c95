import { SluiceError } from '../../errors.js';
import type { Entry } from './database.js';
import { frame, unframe } from './frame.js';
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

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
