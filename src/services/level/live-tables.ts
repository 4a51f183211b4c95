import { join } from 'node:path';
import { SluiceError } from '../../errors.js';
import { readUnlessGone } from './files.js';
import { LevelBytes, storedChecksum } from './level-bytes.js';

/** LevelDB's manifest has the format of its logs: records in pieces, none of them across blocks. */
const BLOCK_BYTES = 32 * 1024;
/** checksum (4 bytes) · length of what follows the type (2) · type (1) */
const HEADER_BYTES = 7;
const TYPE_OFFSET = 6;
const PIECE = { whole: 1, first: 2, middle: 3, last: 4 };

/** What a record of a manifest changes. */
const TAG = {
  comparator: 1,
  logNumber: 2,
  nextFileNumber: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedTable: 6,
  newTable: 7,
  previousLogNumber: 9,
};

/**
 * The tables of a database by their numbers, with their sizes in bytes, as LevelDB will know them
 * when it opens it. Files of other tables may be there: what a process was just writing when it
 * died, or had not deleted yet.
 *
 * A manifest that isn't there, or is damaged, is LevelDB's to tell of: it reads it wholly when it
 * opens the database. Here it counts as far as it is intact.
 */
export async function liveTables(location: string): Promise<Map<number, number>> {
  const tables = new Map<number, number>();
  const current = await readUnlessGone(join(location, 'CURRENT'));
  const name = /^(MANIFEST-\d+)\n$/.exec(current?.toString('latin1') ?? '')?.[1];
  const manifest = name && (await readUnlessGone(join(location, name)));
  if (manifest) for (const record of recordsOf(manifest)) apply(tables, record);
  return tables;
}

/** The records of a file, up to where it ends or is torn. */
function* recordsOf(file: Buffer): Generator<Buffer> {
  let pieces: Buffer[] = [];
  for (let at = 0; at + HEADER_BYTES <= file.length; ) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < HEADER_BYTES) {
      at += left;
      continue;
    }
    const end = at + HEADER_BYTES + file.readUInt16LE(at + 4);
    const checked = file.subarray(at + TYPE_OFFSET, end);
    if (end > file.length || storedChecksum(checked) !== file.readUInt32LE(at)) return;
    const type = checked[0];
    if (type === PIECE.whole || type === PIECE.first) pieces = [];
    pieces.push(checked.subarray(1));
    if (type === PIECE.whole || type === PIECE.last) yield Buffer.concat(pieces);
    at = end;
  }
}

function apply(tables: Map<number, number>, record: Buffer): void {
  for (const input = new LevelBytes(record); !input.atEnd; ) {
    const tag = input.varint();
    switch (tag) {
      case TAG.comparator:
        input.string();
        break;
      case TAG.logNumber:
      case TAG.nextFileNumber:
      case TAG.lastSequence:
      case TAG.previousLogNumber:
        input.varint();
        break;
      case TAG.compactPointer:
        input.varint();
        input.string();
        break;
      case TAG.deletedTable:
        input.varint();
        tables.delete(input.varint());
        break;
      case TAG.newTable: {
        input.varint();
        const number = input.varint();
        tables.set(number, input.varint());
        // The smallest and the largest key.
        input.string();
        input.string();
        break;
      }
      default:
        throw new SluiceError('SLUICE_DAMAGED', `the manifest has an unknown tag ${tag}`);
    }
  }
}
