import { Packr } from 'msgpackr';
import { SluiceError } from '../errors.js';
import type { OperationCodec } from './ports.js';

/**
 * A codec for operations that are plain data: what MessagePack carries, typed arrays and dates
 * included. It validates nothing: whoever uses it does that before `submit`.
 * Errors: `SLUICE_DAMAGED` from `decode` for bytes that it did not write.
 */
export function plainCodec<Op>(): OperationCodec<Op> {
  const packr = new Packr({ structuredClone: true });
  return {
    // A copy: the packer's own buffer is larger and used again.
    encode: (operation) => Uint8Array.from(packr.pack(operation)),
    decode: (data) => {
      try {
        return packr.unpack(data) as Op;
      } catch (error) {
        throw new SluiceError('SLUICE_DAMAGED', 'a record of the log cannot be decoded', {
          cause: error,
        });
      }
    },
  };
}
