import { appendFileSync } from 'node:fs';
import { numberFromEnvironment } from '../support/random.js';

/** The first seed; CRASH_SEED repeats a run. */
export const SEED = numberFromEnvironment('CRASH_SEED', 1);
/** Minutes of a run by time, for all programmes together; 0: each programme runs once. */
const MINUTES = numberFromEnvironment('CRASH_MINUTES', 0);

const TIME_LIMIT_MS = 3_600_000;

/** How long a programme may take that has this share of the time. */
export function timeLimitMs(share: number): number {
  return TIME_LIMIT_MS + 2 * share * MINUTES * 60_000;
}

/** Numbers of a programme, by name. */
export type Figures = Record<string, number>;

/**
 * Runs a programme once or, when there is a time, with one seed after the other until its share of
 * that is over; then tells its figures, added up.
 */
export async function repeat(
  name: string,
  share: number,
  programme: (seed: number) => Promise<Figures>,
): Promise<void> {
  const end = performance.now() + share * MINUTES * 60_000;
  const sums: Figures = {};
  let seed = SEED;
  do {
    const figures = await programme(seed);
    for (const [key, value] of Object.entries(figures)) sums[key] = (sums[key] ?? 0) + value;
    seed += 1;
  } while (performance.now() < end);
  const numbers = Object.entries(sums).map(([key, value]) => `${value} ${key}`);
  tell(`${name}: ${numbers.join(', ')} (seeds ${SEED} to ${seed - 1})`);
}

/** Shows a text and, when the run collects its figures in a file, puts it there. */
export function tell(text: string): void {
  process.stdout.write(`${text}\n`);
  const file = process.env.CRASH_FIGURES;
  if (file !== undefined) appendFileSync(file, `${text}\n`);
}
