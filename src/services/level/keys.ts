import type { KeySpan } from './database.js';
import type { Kind } from './frame.js';

/** The one record of the log that is not an operation. */
export const META_KEY = 'meta';

/** Names the blocks of the segments. */
export const MANIFEST_KEY = 'manifest';

/** How many processes in a row have died while they were optimizing; absent when none has. */
export const DEATHS_KEY = 'deaths';

/** 14 hex digits hold every safe integer, and sort as the numbers do. */
const RECORD = /^r[0-9a-f]{14}$/;
const BLOCK = /^b\/[0-9a-f]{16}\/[0-9a-f]{8}$/;

/** The key of a log record. */
export function recordKey(opNum: number): string {
  return `r${opNum.toString(16).padStart(14, '0')}`;
}

/** Every key that `recordKey` can make. */
export const RECORD_KEYS: KeySpan = {
  from: recordKey(0),
  to: recordKey(Number.MAX_SAFE_INTEGER),
};

/** The number of a log record, or undefined when the key is not of that form. */
export function recordNumber(key: string): number | undefined {
  if (!RECORD.test(key)) return undefined;
  const opNum = Number.parseInt(key.slice(1), 16);
  return Number.isSafeInteger(opNum) ? opNum : undefined;
}

/** The key of a block: `epoch` is 16 hex digits, random for each open; `counter` counts in it. */
export function blockKey(epoch: string, counter: number): string {
  return `b/${epoch}/${counter.toString(16).padStart(8, '0')}`;
}

/** Every key that `blockKey` can make. */
export const BLOCK_KEYS: KeySpan = {
  from: blockKey('0'.repeat(16), 0),
  to: blockKey('f'.repeat(16), 2 ** 32 - 1),
};

/** Behind every key there is: a compaction of it writes the write buffer, and nothing else. */
export const NO_KEYS: KeySpan = { from: '~', to: '~' };

/** True for a key that `blockKey` can have made. */
export function isBlockKey(key: string): boolean {
  return BLOCK.test(key);
}

/** What is stored under a key; undefined for a key that Sluice never writes. */
export function kindOfKey(key: string): Kind | undefined {
  if (key === META_KEY) return 'walMeta';
  if (key === MANIFEST_KEY) return 'manifest';
  if (key === DEATHS_KEY) return 'deaths';
  if (isBlockKey(key)) return 'block';
  return recordNumber(key) === undefined ? undefined : 'record';
}
