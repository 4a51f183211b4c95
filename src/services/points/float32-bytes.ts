/** True on nearly every machine; elsewhere the bytes of each number are turned round. */
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** The numbers as little-endian float32 bytes; shares their memory where it can. */
export function float32ToBytes(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return littleEndian(bytes);
}

/**
 * The inverse of `float32ToBytes`, in memory of its own: a Float32Array has to begin at a multiple
 * of four, which bytes inside a record don't. The length is a multiple of four.
 */
export function bytesToFloat32(bytes: Uint8Array): Float32Array {
  const values = new Float32Array(bytes.byteLength / Float32Array.BYTES_PER_ELEMENT);
  new Uint8Array(values.buffer).set(littleEndian(bytes));
  return values;
}

/** Bytes of little-endian numbers in the order of this machine, or the other way round. */
export function littleEndian(bytes: Uint8Array): Uint8Array {
  return LITTLE_ENDIAN ? bytes : swapFours(bytes);
}

/** A copy in which each group of four bytes is reversed. */
export function swapFours(bytes: Uint8Array): Uint8Array {
  return bytes.map((_byte, i) => bytes[i ^ 3] ?? 0);
}
