import { join } from 'node:path';
import { abortedByCaller, SluiceError } from '../../errors.js';
import { directoryState, NAMES } from './directory-state.js';
import { withFileErrors } from './files.js';
import { checkTables } from './table-check.js';

/** What is wrong with the tables of a database. */
export interface DamagedTable {
  database: string;
  message: string;
}

/**
 * The first damaged table of each database of a store, see `checkTables`; none where there is no
 * store. Errors: `SLUICE_IO`, `SLUICE_NOT_A_STORE`, `SLUICE_ABORTED` by the signal.
 */
export async function damagedTables(
  root: string,
  signal: AbortSignal | undefined,
): Promise<DamagedTable[]> {
  const state = await withFileErrors(`reading '${root}'`, () => directoryState(root));
  if (state !== 'finished') return [];
  const damaged: DamagedTable[] = [];
  for (const database of [NAMES.wal, NAMES.segments]) {
    try {
      await checkTables(join(root, database), signal);
    } catch (error) {
      const isDamage = error instanceof SluiceError && error.code === 'SLUICE_DAMAGED';
      if (!isDamage) throw abortedByCaller(error, signal);
      damaged.push({ database, message: error.message });
    }
  }
  return damaged;
}
