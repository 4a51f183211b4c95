import crc32c from 'crc-32/crc32c.js';
import { SluiceError } from '../../errors.js';

/** Reads from front to back what LevelDB has encoded. Errors: `SLUICE_DAMAGED` past the end. */
export class LevelBytes {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.bytes(1)[0] ?? 0;
  }

  bytes(count: number): Buffer {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw new SluiceError('SLUICE_DAMAGED', 'something is cut off');
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  /** A number of any length: seven bits a byte, the lowest first. Exact up to 2^53. */
  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) {
        if (byte > 0 || factor === 1) return value;
        throw new SluiceError('SLUICE_DAMAGED', 'a number is longer than need be');
      }
    }
  }

  /** A number of bytes, and then these. */
  string(): Buffer {
    return this.bytes(this.varint());
  }
}

/** The CRC-32C of bytes as LevelDB stores it: changed, because a CRC over a CRC would say little. */
export function storedChecksum(bytes: Buffer): number {
  const crc = crc32c.buf(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
