import { InvalidArgumentError } from 'commander';
import type { PointId } from '../types.js';

/** The rule of `parseId`, for the help texts. */
export const ID_RULE =
  'An ID of digits only is a number; one in double quotes is the string within (\'"42"\');\n' +
  'anything else is a string as it stands (a UUID, a slug).';

/** Reads a point's id from the command line. */
export function parseId(text: string): PointId {
  if (/^\d+$/.test(text)) {
    const id = Number(text);
    if (Number.isSafeInteger(id)) return id;
    throw new InvalidArgumentError(
      `It is too large for a number; a string is written '"${text}"'.`,
    );
  }
  if (!text.startsWith('"')) return text;
  try {
    const id: unknown = JSON.parse(text);
    if (typeof id === 'string') return id;
  } catch {
    // Falls through to the one message for everything that begins like a quoted id and isn't one.
  }
  throw new InvalidArgumentError('It begins with a double quote but is no JSON string.');
}
