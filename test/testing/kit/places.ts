import { levelWal, memoryWal } from 'sluice';
import type { LogAdapters, Place } from 'sluice/testing';
import { FaultLevel } from '../../support/fault-level.js';

/** A log in memory: another one is another storage, so it is opened again itself. */
export function memoryLog(): Place<LogAdapters> {
  const wal = memoryWal();
  return { adapters: () => ({ wal }) };
}

/** A database in memory that can do what LevelDB can: survive, lose what was not synced, fail. */
export class FaultPlace<Adapters> implements Place<Adapters> {
  readonly #connect: (db: FaultLevel) => Adapters;
  db = new FaultLevel();

  constructor(connect: (db: FaultLevel) => Adapters) {
    this.#connect = connect;
  }

  adapters(): Adapters {
    return this.#connect(this.db);
  }

  async crash(how: 'kill' | 'powerCut'): Promise<void> {
    // After a power cut every other write that was not synced is gone, whatever came behind it.
    this.db = await this.db.afterCrash((_, at) => how === 'kill' || at % 2 === 0);
  }

  failWrite(options: { stored: boolean }): void {
    this.db.failWrite(options);
  }
}

/** A log in LevelDB's stand-in. */
export const levelLog = () => new FaultPlace((db) => ({ wal: levelWal(db) }));
