// Judges one mutant after the other, as the main process names them.
import { Court } from './judge.js';

/** What the main process asks for. */
export interface Task {
  machine: string;
  mutant: string;
}

const courts = new Map<string, Court>();

function courtOf(machine: string): Court {
  const court = courts.get(machine) ?? new Court(machine);
  courts.set(machine, court);
  return court;
}

process.on('message', async ({ machine, mutant }: Task) => {
  process.send?.(await courtOf(machine).judge(mutant));
});
