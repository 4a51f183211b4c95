import { join } from 'node:path';
import { SluiceError, throwIfAborted } from '../../errors.js';
import { systemClock } from '../clock.js';
import { namesIn, readUnlessGone, withFileErrors } from './files.js';
import { LevelBytes, storedChecksum } from './level-bytes.js';
import { liveTables } from './live-tables.js';
import { decompress } from './snappy.js';

/** metaindex handle · index handle · zeros · magic (8 bytes) */
const FOOTER_BYTES = 48;
const MAGIC = Buffer.from('57fb808b247547db', 'hex');
/** After each block: how it is compressed (1 byte), and the checksum of block and that (4). */
const TRAILER_BYTES = 5;
const CHECKSUM_BYTES = 4;
const SNAPPY = 1;

/** Bytes that are checked before the event loop has a turn. */
const TURN_BYTES = 1024 * 1024;

/** Where a block lies in its table. */
interface Handle {
  offset: number;
  size: number;
}

/**
 * Reads every table that LevelDB knows of in a database, which must exist, and checks every byte:
 * LevelDB itself looks at the checksums of neither what it compacts nor what it reads.
 * A table that is missing is LevelDB's to tell of. Writes nothing.
 *
 * Errors: `SLUICE_DAMAGED` with the path of the table, `SLUICE_IO` for a file that can't be read,
 * `SLUICE_CANCELLED` by the signal.
 */
export function checkTables(location: string, signal?: AbortSignal): Promise<void> {
  return withFileErrors(`reading '${location}'`, async () => {
    const sizes = await liveTables(location);
    for (const name of await namesIn(location)) {
      const number = /^(\d+)\.(?:ldb|sst)$/.exec(name)?.[1];
      const size = number && sizes.get(Number(number));
      if (signal !== undefined) throwIfAborted(signal);
      if (size) await checkFile(join(location, name), size);
    }
  });
}

async function checkFile(path: string, size: number): Promise<void> {
  const table = await readUnlessGone(path);
  // Another process may be at work here until LevelDB has the lock.
  if (table === undefined) return;
  try {
    if (table.length !== size) throw damaged(`it has ${table.length} bytes, not ${size}`);
    await checkTable(table);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    const message = `the table '${path}' is damaged: ${error.message}; use a copy`;
    throw new SluiceError('SLUICE_DAMAGED', message, { cause: error });
  }
}

/**
 * Checks that blocks with good checksums lie one behind another from the first byte to the footer.
 * Errors: `SLUICE_DAMAGED`.
 */
export async function checkTable(table: Buffer): Promise<void> {
  const { metaindex, index } = footerOf(table);
  const handles = handlesIn(contentsOf(table, index));
  const end = handles.reduce((_, { offset, size }) => offset + size + TRAILER_BYTES, 0);
  // Between data and metaindex lies the block of a filter, if there is one.
  if (end < metaindex.offset) {
    handles.push({ offset: end, size: metaindex.offset - end - TRAILER_BYTES });
  }
  let [at, unchecked] = [0, TURN_BYTES];
  for (const handle of [...handles, metaindex, index]) {
    if (handle.offset !== at) throw damaged(`no block follows another at ${at}`);
    const block = blockAt(table, handle);
    at += block.length + CHECKSUM_BYTES;
    unchecked -= block.length;
    if (unchecked < 0) {
      await systemClock.yield();
      unchecked = TURN_BYTES;
    }
  }
  if (at !== table.length - FOOTER_BYTES) throw damaged(`the footer does not follow at ${at}`);
}

function footerOf(table: Buffer): { metaindex: Handle; index: Handle } {
  if (table.length < FOOTER_BYTES) throw damaged('it has no footer');
  const footer = table.subarray(-FOOTER_BYTES);
  const magicAt = FOOTER_BYTES - MAGIC.length;
  if (!footer.subarray(magicAt).equals(MAGIC)) throw damaged('its last bytes are no footer');
  const input = new LevelBytes(footer.subarray(0, magicAt));
  const [metaindex, index] = [handleFrom(input), handleFrom(input)];
  while (!input.atEnd) if (input.byte() !== 0) throw damaged('the footer is no footer');
  return { metaindex, index };
}

function handleFrom(input: LevelBytes): Handle {
  return { offset: input.varint(), size: input.varint() };
}

/** A block with its type, its checksum checked. */
function blockAt(table: Buffer, { offset, size }: Handle): Buffer {
  const end = offset + size + 1;
  const isWithin = size >= 0 && end + CHECKSUM_BYTES <= table.length;
  if (!isWithin) throw damaged(`the block at ${offset} is cut off`);
  const block = table.subarray(offset, end);
  if (storedChecksum(block) === table.readUInt32LE(end)) return block;
  throw damaged(`the block at ${offset} has a wrong checksum`);
}

function contentsOf(table: Buffer, handle: Handle): Buffer {
  const block = blockAt(table, handle);
  const contents = block.subarray(0, -1);
  return block.at(-1) === SNAPPY ? decompress(contents) : contents;
}

/** The handles in an index: entries, places of entries (4 bytes each), and how many these are. */
function handlesIn(index: Buffer): Handle[] {
  const places = index.length < 4 ? 0 : index.readUInt32LE(index.length - 4);
  const input = new LevelBytes(index.subarray(0, Math.max(0, index.length - 4 * (places + 1))));
  const handles: Handle[] = [];
  while (!input.atEnd) {
    // Of the key the bytes that it shares with the one before are left out.
    const [, keyBytes, valueBytes] = [input.varint(), input.varint(), input.varint()];
    input.bytes(keyBytes);
    handles.push(handleFrom(new LevelBytes(input.bytes(valueBytes))));
  }
  return handles;
}

function damaged(why: string): SluiceError {
  return new SluiceError('SLUICE_DAMAGED', why);
}
