import { errorText, isCancelled, SluiceError } from '../../errors.js';
import type { Dice } from '../dice.js';
import type { Ledger } from './ledger.js';
import { ABORT_LIMIT_MS, begin, CALL_LIMIT_MS, outcomeOf } from './patience.js';

/** Gives space back, to the end or until the signal fires, while something else goes on beside it. */
export async function reclaimBeside<Clause extends string>(
  { ledger, clause, random }: { ledger: Ledger<Clause>; clause: Clause; random: Dice },
  reclaim: (signal: AbortSignal) => Promise<void>,
  beside: () => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const call = begin(() => reclaim(controller.signal));
  call.catch(() => {});
  await beside();
  const aborts = random(2) === 0;
  if (aborts) controller.abort(new SluiceError('SLUICE_CANCELLED', 'cancelled by a test'));
  const outcome = await outcomeOf(call, aborts ? ABORT_LIMIT_MS : CALL_LIMIT_MS);
  ledger.check(clause, outcome.ended !== 'not', () => {
    return `reclaim() ${aborts ? 'goes on after its signal' : 'does not come to an end'}`;
  });
  if (outcome.ended !== 'badly') return;
  ledger.check(clause, aborts && isCancelled(outcome.error), () => {
    return `reclaim() rejects with: ${errorText(outcome.error)}`;
  });
}

/** Numbers of bytes; those that are not known are left out. */
export function checkBytes<Clause extends string>(
  ledger: Ledger<Clause>,
  clause: Clause,
  told: Readonly<Record<string, number | undefined>>,
): void {
  for (const [name, bytes] of Object.entries(told)) {
    const isRight = bytes === undefined || (Number.isFinite(bytes) && bytes >= 0);
    ledger.check(clause, isRight, () => `${name} is ${bytes}`);
  }
}
