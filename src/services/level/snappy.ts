import { SluiceError } from '../../errors.js';
import { LevelBytes } from './level-bytes.js';

/** Lengths of literals above this one stand in bytes of their own. */
const SHORT_LITERAL_MAX = 60;
/** A copy of so many bytes takes three: nothing gets smaller than that. */
const COPY_BYTES_MAX = 64;

/** Decompresses a block of Snappy's raw format. Errors: `SLUICE_DAMAGED`. */
export function decompress(block: Buffer): Buffer {
  const input = new LevelBytes(block);
  const size = input.varint();
  if (size > block.length * COPY_BYTES_MAX) throw malformed();
  const output = Buffer.alloc(size);
  let at = 0;
  while (!input.atEnd) {
    const tag = input.byte();
    const number = tag >> 2;
    if ((tag & 3) === 0) {
      const literal = input.bytes(literalLength(input, number));
      literal.copy(output, at);
      at += literal.length;
      continue;
    }
    // The two lowest bits tell how the distance is written, and with one byte what else is in the tag.
    const isNear = (tag & 3) === 1;
    const length = isNear ? (number & 7) + 4 : number + 1;
    const distance = isNear
      ? (tag >> 5) * 256 + input.byte()
      : littleEndian(input.bytes((tag & 3) === 2 ? 2 : 4));
    if (distance === 0 || distance > at) throw malformed();
    // Byte by byte: what is copied may reach into what it makes.
    for (const end = at + length; at < end; at += 1) output[at] = output[at - distance] ?? 0;
  }
  if (at !== size) throw malformed();
  return output;
}

function literalLength(input: LevelBytes, number: number): number {
  if (number < SHORT_LITERAL_MAX) return number + 1;
  return littleEndian(input.bytes(number - SHORT_LITERAL_MAX + 1)) + 1;
}

function littleEndian(bytes: Buffer): number {
  return bytes.readUIntLE(0, bytes.length);
}

function malformed(): SluiceError {
  return new SluiceError('SLUICE_DAMAGED', 'what was compressed makes no sense');
}
