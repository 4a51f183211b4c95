import { type FileHandle, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Level } from 'level';
import { SluiceError } from '../../errors.js';
import { getValue } from './database.js';
import {
  exists,
  namesIn,
  openUnlessGone,
  readUnlessGone,
  withFileErrors,
  writeDurably,
} from './files.js';
import { loadChecksum } from './frame.js';
import { META_KEY } from './keys.js';
import { DIARY, LastEndings } from './last-endings.js';
import { provenMeta } from './proven-meta.js';
import { checkTables } from './table-check.js';
import { readMeta, type WalMeta } from './wal-meta.js';

declare module 'level' {
  interface Level<KDefault, VDefault> {
    /** What abstract-level calls to open a database; its types name only what users call. */
    _open(options: CarefulOpening): Promise<void>;
    /** What it calls to close it. */
    _close(): Promise<void>;
  }
}

/** Options of one opening of a `CarefulLevel`. */
export interface CarefulOpening {
  createIfMissing?: boolean;
  /** Ends the check of tables with `SLUICE_CANCELLED`. */
  signal?: AbortSignal | undefined;
}

/** What LevelDB reads when it opens a database. Tables come later, and their errors are told. */
const READ_AT_OPENING = /^(?:CURRENT|MANIFEST-\d+|\d+\.log)$/;

const LOOKS = 3;

/** What LevelDB writes into its diary when it goes on without a log. */
const IGNORED = /ignoring error\W.*IO error.*/i;

/** Left in a database of which LevelDB has lost something, for every later opening. */
const LOST = 'LOST';

/**
 * LevelDB for a database that must not lose its log. LevelDB itself goes on without a log file that
 * it can't open or read (it has too few file descriptors, a sector is bad) and without those parts
 * of one that are damaged, and then deletes it. So what it will read is read once before, which also
 * brings it into memory, and nothing is touched when that fails. What LevelDB leaves out although it
 * was synced is damage from then on.
 *
 * Nor must it end the process again and again: it compacts tables without a look at their checksums,
 * and aborts when a damaged key brings them into disorder. When it may have done that, the tables
 * are checked before it sees them.
 */
export class CarefulLevel extends Level {
  readonly #holdsData: () => Promise<boolean>;
  readonly #lastEndings: LastEndings;
  #countsAnew = false;
  #proven: WalMeta | undefined;

  /** `holdsData`: whether there is anything to lose, asked while LevelDB's lock is held. */
  constructor(
    location: string,
    options: { writeBufferSize: number; createIfMissing: boolean },
    holdsData: () => Promise<boolean>,
  ) {
    super(location, options);
    this.#holdsData = holdsData;
    this.#lastEndings = new LastEndings(location);
    this.hooks.postopen.add(() => this.#checkOpened());
  }

  override async _open(options: CarefulOpening): Promise<void> {
    await loadChecksum();
    this.#proven = provenMeta(await readLogs(this.location));
    await withFileErrors(`opening '${this.location}'`, () => this.#checkLast(options));
    try {
      await super._open(options);
    } catch (error) {
      // The opening's error is the one to tell. What stays noted costs a check of the tables at most.
      await this.#lastEndings.takeBack().catch(() => {});
      throw error;
    }
  }

  override async _close(): Promise<void> {
    await super._close();
    // It is closed, whatever can't be noted: that costs a check of the tables at most.
    await this.#lastEndings.end().catch(() => {});
  }

  /** Checks the tables if need be. Errors: `SLUICE_DAMAGED`, as long as a table is. */
  async #checkLast(options: CarefulOpening): Promise<void> {
    const isNew = !(await exists(join(this.location, 'CURRENT')));
    const isSuspicious = !isNew && (await this.#lastEndings.areSuspicious());
    const check = () => checkTables(this.location, options.signal);
    const isChecked = isSuspicious && (await this.#lastEndings.check(check));
    if (!isNew) await this.#lastEndings.begin();
    this.#countsAnew = isNew || isChecked;
  }

  /** Errors: `SLUICE_DAMAGED`, for good, when LevelDB has left something out. */
  async #checkOpened(): Promise<void> {
    if (this.#countsAnew) await this.#lastEndings.forget();
    const lost = (await ignoredIn(this.location)) ?? (await this.#lacking());
    if (lost !== undefined && (await this.#holdsData())) await tellForGood(this.location, lost);
  }

  async #lacking(): Promise<string | undefined> {
    const proven = this.#proven;
    if (proven === undefined || proven.synced === 0) return undefined;
    const value = await getValue(this, META_KEY);
    const stored = value && readMeta(value);
    const [synced, storeId] = [stored?.synced ?? 0, stored?.storeId ?? proven.storeId];
    if (storeId !== proven.storeId || synced >= proven.synced) return undefined;
    return `records up to ${proven.synced} were synced, and it knows of ${synced}`;
  }
}

/**
 * Reads all that LevelDB will, and gives its log files in their order.
 * Errors: `SLUICE_IO` for a file that can't be read, `SLUICE_DAMAGED`.
 */
function readLogs(location: string): Promise<Buffer[]> {
  return withFileErrors(`reading '${location}'`, async () => {
    const names = await wholeNames(location);
    const files: FileHandle[] = [];
    const logs: Buffer[] = [];
    try {
      // All of them at once, because LevelDB needs about as many descriptors.
      for (const name of names) {
        // Another process may be at work here until LevelDB has the lock.
        const file = await openUnlessGone(join(location, name));
        if (file !== undefined) files.push(file);
      }
      // Digits come before letters: the logs are first. Others are small and hold no meta record.
      for (const file of files) logs.push(await file.readFile());
      return logs;
    } finally {
      for (const file of files) await file.close();
    }
  });
}

/** What LevelDB will read, sorted; of a database that exists, a log is part of it. */
async function wholeNames(location: string): Promise<string[]> {
  if (await exists(join(location, LOST))) {
    const lost = await readFile(join(location, LOST), 'utf8');
    throw new SluiceError('SLUICE_DAMAGED', lost.trim());
  }
  for (let look = 1; ; look += 1) {
    const names = (await namesIn(location)).filter((name) => READ_AT_OPENING.test(name)).sort();
    // LevelDB begins a log before it names it, and deletes the old one after that.
    if (!names.includes('CURRENT') || names.some((name) => name.endsWith('.log'))) return names;
    // One look can miss both, when another process has the database open and changes its log.
    if (look === LOOKS) {
      throw new SluiceError('SLUICE_DAMAGED', `the log file in '${location}' is missing`);
    }
  }
}

/** What LevelDB could not read and went on without, by its diary. */
function ignoredIn(location: string): Promise<string | undefined> {
  return withFileErrors(`reading '${location}'`, async () => {
    const diary = await readUnlessGone(join(location, DIARY));
    return IGNORED.exec(diary?.toString() ?? '')?.[0];
  });
}

async function tellForGood(location: string, lost: string): Promise<never> {
  const message =
    `LevelDB has lost a part of '${location}' when it opened it: ${lost}; ` +
    `use a copy, or delete the file '${LOST}' there to go on with what is left`;
  await withFileErrors(`writing '${location}'`, () =>
    writeDurably(join(location, LOST), `${message}\n`),
  );
  throw new SluiceError('SLUICE_DAMAGED', message);
}
