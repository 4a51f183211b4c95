import { SluiceError } from '../errors.js';
import type { WalState } from './ports.js';

/**
 * The log and the segments must fit: nothing that the segments lack may be forgotten, and nothing
 * that they hold may be missing from the log's numbers, or numbers would be given twice.
 * Errors: `SLUICE_DAMAGED`.
 */
export function checkContinuity(log: WalState, applied: number): void {
  if (log.acked > applied) {
    throw new SluiceError(
      'SLUICE_DAMAGED',
      `the log has forgotten records up to ${log.acked}, but the segments hold only ${applied}`,
    );
  }
  if (log.last < applied) {
    throw new SluiceError(
      'SLUICE_DAMAGED',
      `the segments hold operations up to ${applied}, but the log ends at ${log.last}`,
    );
  }
}
