import { errorText, isSticky, SluiceError } from '../../errors.js';
import { systemClock } from '../../services/clock.js';
import type { Wal, WalRecord } from '../../services/ports.js';
import type { Dice } from '../dice.js';
import type { Ledger } from './ledger.js';
import type { LogCall } from './log-chart.js';
import type { LogClause } from './log-clauses.js';
import { type LogEnd, LogModel, sameBytes } from './log-model.js';
import { ABORT_LIMIT_MS, begin, outcomeOf } from './patience.js';
import type { LogAdapters, Place, Supports } from './place.js';
import { promised } from './promised.js';
import type { Player } from './protocol.js';
import { checkBytes, reclaimBeside } from './space.js';

const SIZES = [1, 20, 300, 5000];
const RECORDS_MAX = 3;
const METHODS = ['open', 'append', 'sync', 'read', 'acknowledge', 'close'] as const;

interface Appending {
  data: readonly Uint8Array[];
  sync: boolean;
  call: Promise<readonly number[]>;
}

interface Keeping {
  what: 'sync' | 'acknowledge';
  upTo: number;
  call: Promise<void>;
}

interface Reading {
  records: AsyncIterator<WalRecord>;
  /** What it has to give, those that are forgotten meanwhile excepted. */
  expected: readonly WalRecord[];
  given: WalRecord[];
  /** It has ended, because its next record was forgotten. */
  isCut: boolean;
}

/** Makes the calls of a path on a log, and compares with a list of records. */
export class LogPlayer implements Player {
  readonly #place: Place<LogAdapters>;
  readonly #supports: Supports;
  readonly #ledger: Ledger<LogClause>;
  readonly #random: Dice;
  readonly #model: LogModel;
  #wal: Wal;
  #end: LogEnd = 'kept';
  #isStale = false;
  #isSticky = false;
  #written = 0;
  #appending: Appending | undefined;
  #keeping: Keeping | undefined;
  #reading: Reading | undefined;

  private constructor(
    place: Place<LogAdapters>,
    wal: Wal,
    how: { supports: Supports; ledger: Ledger<LogClause>; random: Dice },
  ) {
    this.#place = place;
    this.#wal = wal;
    this.#supports = how.supports;
    this.#ledger = how.ledger;
    this.#random = how.random;
    this.#model = new LogModel(how.ledger);
  }

  static async start(
    place: Place<LogAdapters>,
    how: { supports: Supports; ledger: Ledger<LogClause>; random: Dice },
  ): Promise<LogPlayer> {
    const { wal } = await place.adapters();
    const { logReclaim, logBytesOnDisk, otherWriters } = how.supports;
    const missing = [
      ...METHODS,
      ...(logReclaim ? (['reclaim'] as const) : []),
      ...(logBytesOnDisk ? (['bytesOnDisk'] as const) : []),
      ...(otherWriters ? (['watch'] as const) : []),
    ].filter((name) => typeof wal?.[name] !== 'function');
    how.ledger.check('shape', missing.length === 0, `missing: ${missing.join(', ')}`);
    how.ledger.check('shape', typeof wal.dense === 'boolean', '`dense` is not a boolean');
    return new LogPlayer(place, wal, how);
  }

  async take(call: string): Promise<void> {
    await this.#calls[call as LogCall]();
  }

  /** What is in the log at last, seen by one more opening. */
  async finish(): Promise<void> {
    if (this.#isOpen) await this.#close();
    await this.#open();
    await this.#close();
  }

  async destroy(): Promise<void> {
    // A path that ended early has left things open; what was wrong is known already.
    if (this.#appending !== undefined) await outcomeOf(this.#appending.call);
    if (this.#keeping !== undefined) await outcomeOf(this.#keeping.call);
    if (this.#isOpen) await outcomeOf(begin(() => this.#wal.close()));
    await this.#place.destroy?.();
  }

  #isOpen = false;

  readonly #calls: Record<LogCall, () => Promise<void>> = {
    Open: () => this.#open(),
    Close: () => this.#close(),
    CloseAgain: async () => {
      await this.#ledger.sure('closing', 'close() of a closed log', () => this.#wal.close());
    },
    Kill: () => this.#crash('kill'),
    CutPower: () => this.#crash('powerCut'),
    AppendSynced: async () => this.#append(true),
    AppendUnsynced: async () => this.#append(false),
    AppendEnds: () => this.#appendEnds(),
    Sync: async () => {
      const call = begin(() => this.#wal.sync());
      this.#keeping = { what: 'sync', upTo: this.#model.last, call };
    },
    SyncEnds: () => this.#keeperEnds(),
    Acknowledge: async () => this.#acknowledge(),
    AcknowledgeEnds: () => this.#keeperEnds(),
    Read: () => this.#read(),
    ReadAFew: () => this.#readAFew(),
    BeginReading: () => this.#beginReading(),
    ReadOn: () => this.#readOn(),
    StopReading: () => this.#stopReading(),
    OthersWrite: () => this.#othersWrite(),
    FailAppend: () => this.#failAppend(false),
    FailAppendStored: () => this.#failAppend(true),
    OpenAgain: async () => {
      // Only after a sticky failure may it be opened without being closed.
      if (!this.#isSticky) await this.#close('failed');
      await this.#open();
    },
  };

  async #open(): Promise<void> {
    const mayRenew = this.#supports.permanence !== false;
    if (this.#isStale || (mayRenew && !this.#isOpen && this.#random(2) === 0)) {
      this.#wal = (await this.#place.adapters()).wal;
      this.#isStale = false;
    }
    const state = await this.#ledger.sure('allowed', 'open()', () => this.#wal.open());
    this.#isOpen = true;
    const found: WalRecord[] = [];
    await this.#ledger.sure(this.#end, 'reading all that is in the log', async () => {
      if (state.last <= state.acked) return;
      for await (const record of this.#wal.read(state.acked + 1, state.last)) found.push(record);
    });
    this.#model.opened(this.#wal.dense, state, found, this.#end);
    this.#end = 'kept';
  }

  async #close(end: LogEnd = this.#end): Promise<void> {
    await this.#ledger.sure('closing', 'close()', () => this.#wal.close());
    this.#isOpen = false;
    await this.#leave('the log was closed');
    this.#end = end;
  }

  async #crash(how: 'kill' | 'powerCut'): Promise<void> {
    await promised(this.#place, 'crash')(how);
    this.#isOpen = false;
    this.#isStale = true;
    this.#end = how === 'kill' ? 'killed' : 'synced';
    await this.#leave(undefined);
  }

  /** What is under way is given up; after a close it must have ended, after a crash it can't be known. */
  async #leave(ended: string | undefined): Promise<void> {
    const [appending, keeping, reading] = [this.#appending, this.#keeping, this.#reading];
    this.#appending = this.#keeping = this.#reading = undefined;
    void reading?.records.return?.().catch(() => {});
    void appending?.call.catch(() => {});
    void keeping?.call.catch(() => {});
    if (appending !== undefined) this.#model.maybe = appending.data;
    if (keeping?.what === 'acknowledge') this.#model.ackedMaybe = keeping.upTo;
    if (ended === undefined) return;
    if (appending !== undefined) {
      const outcome = await outcomeOf(appending.call);
      this.#ledger.check('closing', outcome.ended !== 'not', `${ended}, and an append goes on`);
      if (outcome.ended === 'well') {
        this.#model.maybe = [];
        this.#model.appended(appending.data, outcome.value, appending.sync);
      }
    }
    if (keeping !== undefined) {
      const outcome = await outcomeOf(keeping.call);
      this.#ledger.check('closing', outcome.ended !== 'not', `${ended}, and a write goes on`);
    }
  }

  #append(sync: boolean): void {
    const data = this.#data();
    this.#appending = { data, sync, call: begin(() => this.#wal.append(data, { sync })) };
  }

  async #appendEnds(): Promise<void> {
    const { data, sync, call } = this.#appending as Appending;
    this.#appending = undefined;
    const opNums = await this.#ledger.sure('allowed', 'append()', () => call);
    this.#model.appended(data, opNums, sync);
  }

  #acknowledge(): void {
    const { acked, last } = this.#model;
    const upTo = acked + this.#random(last - acked + 1);
    const call = begin(() => this.#wal.acknowledge(upTo));
    this.#keeping = { what: 'acknowledge', upTo, call };
  }

  async #keeperEnds(): Promise<void> {
    const { what, upTo, call } = this.#keeping as Keeping;
    this.#keeping = undefined;
    await this.#ledger.sure('allowed', `${what}()`, () => call);
    if (what === 'sync') this.#model.synced(upTo);
    else this.#model.acknowledged(upTo);
  }

  async #read(): Promise<void> {
    const [ledger, random, wal] = [this.#ledger, this.#random, this.#wal];
    const { acked, last } = this.#model;
    await this.#readRange(acked + 1, last);
    const readSome = async (clause: LogClause) => {
      if (last > acked) await this.#readRange(acked + 1 + random(last - acked), last, clause);
    };
    if (this.#supports.logReclaim) {
      const reclaim = async (signal: AbortSignal) => wal.reclaim?.(signal);
      await reclaimBeside({ ledger, clause: 'reclaim', random }, reclaim, () =>
        readSome('reclaim'),
      );
      await this.#readRange(acked + 1, last, 'reclaim');
    } else await readSome('range');
    if (!this.#supports.logBytesOnDisk) return;
    const bytes = await ledger.sure('bytesOnDisk', 'bytesOnDisk()', () => wal.bytesOnDisk?.());
    checkBytes(ledger, 'bytesOnDisk', { bytes });
  }

  /** Records of others: before somebody watches, while somebody does, and after it. */
  async #othersWrite(): Promise<void> {
    let told = 0;
    await this.#writeElsewhere();
    const end = this.#wal.watch?.((last) => {
      told = Math.max(told, last);
    });
    await this.#isTold(() => told);
    await this.#writeElsewhere();
    await this.#isTold(() => told);
    end?.();
    const before = told;
    await this.#writeElsewhere();
    await systemClock.yield();
    this.#ledger.same('watched', 'told after the end of the watching', before, told);
  }

  async #writeElsewhere(): Promise<void> {
    const data = this.#data();
    const opNums = await promised(this.#place, 'writeElsewhere')(data);
    this.#model.appended(data, opNums, false);
  }

  async #isTold(told: () => number): Promise<void> {
    const { last } = this.#model;
    const limit = systemClock.now() + ABORT_LIMIT_MS;
    while (told() < last && systemClock.now() < limit) await systemClock.yield();
    this.#ledger.check('watched', told() >= last, `record ${last} is not told of, ${told()} is`);
  }

  async #readRange(from: number, to: number, clause: LogClause = 'range'): Promise<void> {
    if (from > to) return;
    const given: WalRecord[] = [];
    const forgetting = this.#forgotten();
    await this.#ledger.sure(clause, `read(${from}, ${to})`, async () => {
      try {
        for await (const record of this.#wal.read(from, to)) given.push(record);
      } catch (error) {
        if (!isTruncated(error) || this.#forgotten() < from) throw error;
      }
    });
    if (forgetting < from) this.#compare(clause, this.#model.between(from, to), given);
  }

  async #readAFew(): Promise<void> {
    const { acked, last } = this.#model;
    const [expected] = this.#model.between(acked + 1, last);
    if (expected === undefined || this.#forgotten() >= expected.opNum) return;
    await this.#ledger.sure('range', 'a read that ends early', async () => {
      for await (const record of this.#wal.read(acked + 1, last)) {
        this.#compare('range', [expected], [record]);
        break;
      }
    });
  }

  async #beginReading(): Promise<void> {
    const { acked, last } = this.#model;
    const expected = this.#model.between(acked + 1, last);
    const records = this.#wal.read(acked + 1, last)[Symbol.asyncIterator]();
    this.#reading = { records, expected, given: [], isCut: false };
    if (expected.length > 0) await this.#readNext(this.#reading);
  }

  async #readOn(): Promise<void> {
    const reading = this.#reading as Reading;
    this.#reading = undefined;
    if (reading.isCut || reading.expected.length === 0) {
      await reading.records.return?.();
      return;
    }
    while (await this.#readNext(reading));
  }

  /** Takes one record; false when the read has ended. */
  async #readNext(reading: Reading): Promise<boolean> {
    const { records, expected, given } = reading;
    const next = await this.#ledger.sure('beside', 'the next record of a read', async () => {
      try {
        return await records.next();
      } catch (error) {
        const asked = expected[given.length]?.opNum ?? Number.POSITIVE_INFINITY;
        if (!isTruncated(error) || this.#forgotten() < asked) throw error;
        reading.isCut = true;
        return undefined;
      }
    });
    if (next === undefined) return false;
    if (next.done !== true) {
      given.push(next.value);
      return true;
    }
    const numbers = new Set(given.map(({ opNum }) => opNum));
    const left = expected.filter(({ opNum }) => opNum > this.#forgotten() || numbers.has(opNum));
    this.#compare('beside', left, given);
    return false;
  }

  async #stopReading(): Promise<void> {
    const { records } = this.#reading as Reading;
    this.#reading = undefined;
    await this.#ledger.sure('range', 'the early end of a read', async () => records.return?.());
  }

  async #failAppend(stored: boolean): Promise<void> {
    if (this.#appending !== undefined) await this.#appendEnds();
    if (this.#keeping !== undefined) await this.#keeperEnds();
    if (this.#reading !== undefined) await this.#stopReading();
    await promised(this.#place, 'failWrite')({ stored });
    const data = this.#data();
    const outcome = await outcomeOf(begin(() => this.#wal.append(data, { sync: true })));
    this.#ledger.check('failed', outcome.ended === 'badly', () => {
      return outcome.ended === 'not' ? 'a failed append hangs' : 'a failed append is answered well';
    });
    const error = outcome.ended === 'badly' ? outcome.error : undefined;
    this.#isSticky = isSticky(error);
    this.#end = 'failed';
    if (!this.#isSticky) return;
    this.#model.maybe = data;
    const next = await outcomeOf(
      begin(() => this.#wal.append([new Uint8Array([1])], { sync: true })),
    );
    this.#ledger.check('refusing', next.ended === 'badly', () => {
      return `an append after the failure (${errorText(error)}) is answered well`;
    });
  }

  /** Records up to here may be gone from a read: an acknowledgement may be under way. */
  #forgotten(): number {
    const { what, upTo } = this.#keeping ?? { what: 'sync', upTo: 0 };
    return Math.max(this.#model.acked, what === 'acknowledge' ? upTo : 0);
  }

  #compare(clause: LogClause, expected: readonly WalRecord[], given: readonly WalRecord[]): void {
    const numbers = (records: readonly WalRecord[]) => records.map(({ opNum }) => opNum);
    this.#ledger.same(clause, 'records', numbers(expected), numbers(given));
    for (const [at, { opNum, data }] of given.entries()) {
      this.#ledger.check('records', sameBytes(expected[at]?.data, data), `record ${opNum} differs`);
    }
  }

  /** One to three records, no two alike. */
  #data(): Uint8Array[] {
    return Array.from({ length: 1 + this.#random(RECORDS_MAX) }, () => {
      this.#written += 1;
      const record = new Uint8Array(SIZES[this.#random(SIZES.length)] ?? 1).fill(this.#written);
      return record;
    });
  }
}

function isTruncated(error: unknown): boolean {
  return error instanceof SluiceError && error.code === 'SLUICE_WAL_TRUNCATED';
}
