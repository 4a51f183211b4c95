import { Packr } from 'msgpackr';
import { SluiceError } from '../../errors.js';

// Plain maps instead of msgpackr's shared record shapes: each value can be read by itself.
const packr = new Packr({ useRecords: false, moreTypes: true });

/** Plain data (JSON values, `undefined`, typed arrays) as MessagePack. */
export function pack(value: unknown): Uint8Array {
  return packr.pack(value);
}

/**
 * Decodes an object that `pack` made and checks its `format` number; `name` is for messages.
 * Errors: `SLUICE_DAMAGED`, and `SLUICE_FORMAT_UNKNOWN` for a format other than `format`.
 */
export function unpackFormat(
  data: Uint8Array,
  format: number,
  name: string,
): Record<string, unknown> {
  let value: unknown;
  try {
    value = packr.unpack(data);
  } catch (cause) {
    throw new SluiceError('SLUICE_DAMAGED', `${name} can't be decoded`, { cause });
  }
  if (typeof value !== 'object' || value === null || !('format' in value)) {
    throw new SluiceError('SLUICE_DAMAGED', `${name} has no format number`);
  }
  if (value.format !== format) {
    throw new SluiceError('SLUICE_FORMAT_UNKNOWN', `${name} has the format ${value.format}`);
  }
  return value as Record<string, unknown>;
}
