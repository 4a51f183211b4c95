import { type Contents, findPrefix, type Model } from './model.js';
import type { Step, StepOptions } from './steps.js';
import type { Target } from './target.js';

/** What a store must show after a crash. */
export interface Expectation {
  /** The points before the steps. */
  start: Model;
  /** Every step that was begun. */
  steps: readonly Step[];
  /** The first so many steps were promised to be there. */
  promised: number;
}

/** What a store did show. */
export interface Finding {
  /** What is wrong with it; undefined when all is well. */
  problem: string | undefined;
  /** How many of the steps are there. */
  length: number;
}

/**
 * Opens a store that a crash left behind and checks it: sound by its own check, every promised
 * step there, and the rest a prefix of the steps, so that nothing is missing from the middle.
 */
export function checkStore(
  target: Target,
  path: string,
  options: StepOptions,
  expected: Expectation,
): Promise<Finding> {
  return checkStoreOfAny(target, path, options, [expected]);
}

/** The same for a store that must meet one of several expectations, at least one. */
export async function checkStoreOfAny(
  target: Target,
  path: string,
  options: StepOptions,
  possible: readonly Expectation[],
): Promise<Finding> {
  const problem = (text: string) => ({ problem: text, length: 0 });
  try {
    const session = await target.open(path, options);
    const { count, ...contents } = await session.read().finally(() => session.close());
    const { points } = contents;
    if (count !== points.length) return problem(`counts ${count} but returns ${points.length}`);
    const findings = possible.map((expected) => compare(expected, contents));
    const found = findings.find((finding) => finding.problem === undefined) ?? findings.at(-1);
    if (found === undefined) throw new TypeError('nothing is expected of the store');
    if (found.problem !== undefined) return found;
    const problems = await target.verify(path);
    if (problems.length > 0) return problem(`verification: ${problems.join('; ')}`);
    return found;
  } catch (error) {
    return problem(`cannot be opened and read: ${describe(error)}`);
  }
}

function compare(expected: Expectation, contents: Contents): Finding {
  const { length, difference } = findPrefix(expected.start, expected.steps, contents);
  if (length === undefined) {
    return { problem: `no prefix of the steps gives this: ${difference}`, length: 0 };
  }
  const lost = length < expected.promised;
  const problem = `${length} steps are there, but ${expected.promised} were promised`;
  return { problem: lost ? problem : undefined, length };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? `${error.code}: ` : '';
  const cause = error.cause === undefined ? '' : ` (${describe(error.cause)})`;
  return `${code}${error.message}${cause}`;
}
