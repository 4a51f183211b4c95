import { appendFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, openUnlessGone, remove, sizeUnlessGone } from './files.js';

/** A byte for each opening since the database was last closed; not there when it is closed. */
const UNCLOSED = 'UNCLOSED';

/** There while tables are being checked. */
const CHECKING = 'CHECKING';

/** So many processes in a row that ended without closing are no accident any more. */
const UNCLOSED_MAX = 2;

/** LevelDB's diary of the latest opening, and what it notes at both ends of a compaction. */
export const DIARY = 'LOG';
const COMPACTION = { begins: 'Compacting ', ends: 'compacted to: ' };
/** More than it notes in the course of one that writes up to ten thousand tables. */
const DIARY_TAIL_BYTES = 1024 * 1024;

/**
 * How the processes ended that had a database open before. LevelDB ends its process, by `abort`,
 * when it meets a key in disorder, in a compaction mostly; what can be seen of that afterwards is
 * a process that did not close the database. So does every process that is killed, and more often.
 */
export class LastEndings {
  readonly #location: string;
  readonly #unclosed: string;
  readonly #checking: string;

  constructor(location: string) {
    this.#location = location;
    this.#unclosed = join(location, UNCLOSED);
    this.#checking = join(location, CHECKING);
  }

  /** Whether LevelDB may have ended them: the last one within a compaction, or several in a row. */
  async areSuspicious(): Promise<boolean> {
    const unclosed = await sizeUnlessGone(this.#unclosed);
    return unclosed >= UNCLOSED_MAX || (unclosed > 0 && (await this.#wasCompacting()));
  }

  /** Notes that the database is about to be opened. Not synced: a power cut is nobody's fault. */
  begin(): Promise<void> {
    return appendFile(this.#unclosed, '.');
  }

  /** Takes `begin` back, and leaves what others have noted: an opening failed, in one piece. */
  async takeBack(): Promise<void> {
    const others = (await sizeUnlessGone(this.#unclosed)) - 1;
    if (others > 0) await truncate(this.#unclosed, others);
    else await remove(this.#unclosed);
  }

  /**
   * Does a check, unless the one before was cut short: a process that is given too little time for
   * it would never get to open anything. Tells whether it has.
   */
  async check(work: () => Promise<void>): Promise<boolean> {
    if (await exists(this.#checking)) {
      await remove(this.#checking);
      return false;
    }
    await writeFile(this.#checking, '');
    try {
      await work();
      return true;
    } finally {
      await remove(this.#checking);
    }
  }

  /** Forgets all endings before this opening; only while LevelDB's lock is held. */
  forget(): Promise<void> {
    return writeFile(this.#unclosed, '.');
  }

  /** Notes that the database is closed. */
  end(): Promise<void> {
    return remove(this.#unclosed);
  }

  async #wasCompacting(): Promise<boolean> {
    const diary = await openUnlessGone(join(this.#location, DIARY));
    if (diary === undefined) return false;
    try {
      const { size } = await diary.stat();
      const tail = Buffer.alloc(Math.min(size, DIARY_TAIL_BYTES));
      await diary.read(tail, 0, tail.length, size - tail.length);
      return tail.lastIndexOf(COMPACTION.begins) > tail.lastIndexOf(COMPACTION.ends);
    } finally {
      await diary.close();
    }
  }
}
