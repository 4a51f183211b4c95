import { ERROR_CODES, SluiceError } from 'sluice';
import { numberFromEnvironment } from '../../support/random.js';

/** How many times as many inputs as `npm test` takes: FUZZ_FACTOR. */
const FACTOR = numberFromEnvironment('FUZZ_FACTOR', 1);
/** FUZZ_SEED repeats a run; a failure prints the seed that led to it. */
const SEED = numberFromEnvironment('FUZZ_SEED', 0);

/** What JavaScript says of code that trusted its input. */
const ACCIDENT =
  /^Cannot |is not (a function|iterable|a constructor|extensible)|(undefined|null) is not|^Invalid (array|typed array|string) length|^Reduce of|Converting circular|BigInt|^Invalid time|Symbol value|class constructor/i;

/** Parameters of a property: so many inputs, of the seed that was asked for. */
export function inputs(count: number): { numRuns: number; seed?: number } {
  return { numRuns: count * FACTOR, ...(SEED === 0 ? {} : { seed: SEED }) };
}

/** Throws unless this is an error as the documentation has them: with a code, or for wrong use. */
export function expectPlanned(error: unknown): void {
  if (error instanceof SluiceError && ERROR_CODES.includes(error.code) && error.message !== '')
    return;
  if (error instanceof TypeError && !ACCIDENT.test(error.message)) return;
  throw new Error('an error that nobody planned', { cause: error });
}

/** Runs it; whatever it throws must be planned. The error, or undefined when it succeeded. */
export async function attempt(action: () => unknown): Promise<unknown> {
  try {
    await action();
    return undefined;
  } catch (error) {
    expectPlanned(error);
    return error;
  }
}
